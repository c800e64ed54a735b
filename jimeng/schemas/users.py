"""The shapes that the REST API takes of users and their keys."""

from datetime import timedelta
from typing import ClassVar

from marshmallow import post_load
from marshmallow.fields import Integer

from jimeng.documents import utcnow
from jimeng.schemas import Strict
from jimeng.schemas.fields import (
    Between,
    Digits,
    Long,
    Many,
    Moment,
    OneOf,
    Text,
    Texts,
    Trimmed,
    Whole,
    email_check,
)
from jimeng.schemas.lists import Some
from jimeng.viewers import DOORS, SCOPES

LIFETIMES = ("", "30", "90", "365")  # days; "" for ever
MOST_MODELS, MOST_OF_KEY = 50, 1_000_000  # of an API key's own limits
# For OpenAPI.
AS_EMAIL = {"format": "email", "maxLength": 254}


class NewUser(Strict):
    """``POST /api/v1/users``."""

    examples: ClassVar = {"usual": {"email": "user@example.com", "name": "张三"}}
    email = Trimmed(required=True, validate=email_check, metadata=AS_EMAIL)
    name = Trimmed(required=True, validate=Long(1, 100))


class UserChanges(Strict):
    """``PUT /api/v1/users/<id>``: whole or partial."""

    may_be_left_out: ClassVar = True
    examples: ClassVar = {
        "name": {"name": "李四"},
        "both": {"email": "li.si@example.com", "name": "李四"},
    }
    email = Trimmed(validate=email_check, metadata=AS_EMAIL)
    name = Trimmed(validate=Long(1, 100))


class OfUsers(Some):
    """``GET /api/v1/users``: the one with an e-mail, or some of all."""

    email = Trimmed(validate=Long(1, 254))


class NewKey(Strict):
    """``POST /api/v1/users/<id>/keys``."""

    examples: ClassVar = {
        "usual": {"name": "部署脚本", "scopes": ["read", "write"]}
        | {"expires_at": "2100-01-01T00:00:00Z"},
        "shortest": {"name": "我的电脑"},
        "limited": {
            **{"name": "画图插件", "doors": ["openai"], "pictures_per_day": 50},
            **{"models": ["doubao-seedream-3.0-t2i"], "tasks_per_minute": 10},
        },
    }
    name = Trimmed(required=True, validate=Long(1, 100))
    scopes = Texts(Text(validate=OneOf(*SCOPES)), validate=Many(1, len(SCOPES)))
    expires_at = Moment()
    doors = Texts(Text(validate=OneOf(*DOORS)), validate=Many(1, len(DOORS)))
    models = Texts(Text(validate=Long(1, 100)), validate=Many(1, MOST_MODELS))
    tasks_per_minute: Integer = Whole(validate=Between(1, MOST_OF_KEY))
    pictures_per_day: Integer = Whole(validate=Between(1, MOST_OF_KEY))


class KeyForm(NewKey):
    """The page's form: the same, but numbers are text, and it ends after some days."""

    class Meta:
        exclude = ("expires_at",)

    scopes = Texts(
        Text(validate=OneOf(*SCOPES))
    )  # none: `accounts` names what is there
    days = Text(load_default="", validate=OneOf(*LIFETIMES))
    tasks_per_minute = Digits(validate=Between(1, MOST_OF_KEY))
    pictures_per_day = Digits(validate=Between(1, MOST_OF_KEY))

    @post_load
    def end(self, data: dict, **kwargs) -> dict:
        days = data.pop("days")
        ends = utcnow() + timedelta(days=int(days)) if days else None
        return {**data, "expires_at": ends}
