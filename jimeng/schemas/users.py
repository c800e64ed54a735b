"""Schemas of requests about users and their keys."""

from datetime import timedelta
from typing import ClassVar

from marshmallow import fields, post_load

from jimeng.documents import utcnow
from jimeng.documents.principal import KEY_INTERFACES, SCOPES
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    DateTime,
    Integer,
    Length,
    OneOf,
    QueryInteger,
    Range,
    Strict,
    StringList,
    Text,
    Trimmed,
    Yuan,
    YuanRange,
    email_check,
)
from jimeng.schemas.pagination import PageQuery

LIFETIMES = ("", "30", "90", "365")  # days; "" for no expiry
MAX_MODELS, MAX_OF_KEY = 50, 1_000_000  # of an API key's own limits
MAX_BUDGET_YUAN = 1_000_000
MAX_BUDGET_MICROS = MAX_BUDGET_YUAN * 1_000_000
# For OpenAPI.
AS_EMAIL = {"format": "email", "maxLength": 254}
TASKS_PER_MINUTE = "Tasks that it may create per minute; its user's limit if omitted"
PICTURES_PER_DAY = "Pictures that it may request per day; its user's limit if omitted"


REQUESTS_PER_MINUTE = (
    "Requests that it may send per minute, those that create tasks counted apart; the "
    "server's limit if omitted; only an admin sets it"
)


class NewUser(Strict):
    """``POST /api/v1/users``."""

    examples: ClassVar = {"usual": {"email": "user@example.com", "name": "张三"}}
    email = Trimmed(
        field_descriptions.EMAIL,
        required=True,
        validate=email_check,
        metadata=AS_EMAIL,
    )
    name = Trimmed(field_descriptions.NAME, required=True, validate=Length(1, 100))


class UserChanges(Strict):
    """``PUT /api/v1/users/<id>``: whole or partial."""

    body_is_optional: ClassVar = True
    examples: ClassVar = {
        "name": {"name": "李四"},
        "both": {"email": "li.si@example.com", "name": "李四"},
        "budget": {"daily_budget_micros": 20000000, "monthly_budget_micros": None},
    }
    tasks_per_minute: fields.Integer = Integer(
        field_descriptions.TASKS_OF_CUSTOMER,
        allow_none=True,
        validate=Range(1, MAX_OF_KEY),
    )
    pictures_per_day: fields.Integer = Integer(
        field_descriptions.PICTURES_OF_CUSTOMER,
        allow_none=True,
        validate=Range(0, MAX_OF_KEY),
    )
    email = Trimmed(field_descriptions.EMAIL, validate=email_check, metadata=AS_EMAIL)
    name = Trimmed(field_descriptions.NAME, validate=Length(1, 100))
    daily_budget_micros: fields.Integer = Integer(
        field_descriptions.DAILY_BUDGET_MICROS,
        allow_none=True,
        validate=Range(0, MAX_BUDGET_MICROS),
    )
    monthly_budget_micros: fields.Integer = Integer(
        field_descriptions.MONTHLY_BUDGET_MICROS,
        allow_none=True,
        validate=Range(0, MAX_BUDGET_MICROS),
    )


class OfUsers(PageQuery):
    """``GET /api/v1/users``: one user by e-mail, or a page of all users."""

    email = Trimmed(field_descriptions.EMAIL, validate=Length(1, 254))


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
    name = Trimmed(
        "A name for the key",
        required=True,
        validate=Length(1, 100),
    )
    scopes = StringList(
        "Permissions: read can only read, write can also create and change, act_for "
        "can do both for users under user_prefix (only an admin grants it), account "
        "can also create keys and delete the account, admin applies to all users; read "
        "and write by default",
        each=Text(validate=OneOf(*SCOPES)),
        validate=Length(1, len(SCOPES)),
    )
    expires_at = DateTime(
        "When it expires (RFC 3339); never if omitted",
    )
    doors = StringList(
        "The interfaces it can be used at: api (/api/v1/), openai (/v1/), ark "
        "(/api/v3/), mcp (/mcp); all if omitted",
        each=Text(validate=OneOf(*KEY_INTERFACES)),
        validate=Length(1, len(KEY_INTERFACES)),
    )
    models = StringList(
        "The models that it may use; all if omitted",
        each=Text(validate=Length(1, 100)),
        validate=Length(1, MAX_MODELS),
    )
    tasks_per_minute: fields.Integer = Integer(
        TASKS_PER_MINUTE,
        validate=Range(1, MAX_OF_KEY),
    )
    pictures_per_day: fields.Integer = Integer(
        PICTURES_PER_DAY,
        validate=Range(1, MAX_OF_KEY),
    )
    daily_budget_micros: fields.Integer = Integer(
        field_descriptions.DAILY_BUDGET_MICROS,
        validate=Range(1, MAX_BUDGET_MICROS),
    )
    monthly_budget_micros: fields.Integer = Integer(
        field_descriptions.MONTHLY_BUDGET_MICROS,
        validate=Range(1, MAX_BUDGET_MICROS),
    )
    requests_per_minute: fields.Integer = Integer(
        REQUESTS_PER_MINUTE, validate=Range(1, MAX_OF_KEY)
    )
    user_prefix = Text(
        "With the scope act_for: the prefix of the user ids that it acts for; ends in "
        "a colon, such as shop:, and must not overlap that of another user's key",
        validate=Length(1, 32),
    )


class KeyChanges(Strict):
    """``PUT /api/v1/users/<id>/keys/<id>``: omitted fields stay unchanged."""

    body_is_optional: ClassVar = True
    examples: ClassVar = {
        "budget": {"daily_budget_micros": 20000000, "monthly_budget_micros": None},
        "limits": {"tasks_per_minute": 30, "pictures_per_day": None},
    }
    requests_per_minute: fields.Integer = Integer(
        REQUESTS_PER_MINUTE, allow_none=True, validate=Range(1, MAX_OF_KEY)
    )
    tasks_per_minute: fields.Integer = Integer(
        TASKS_PER_MINUTE, allow_none=True, validate=Range(1, MAX_OF_KEY)
    )
    pictures_per_day: fields.Integer = Integer(
        PICTURES_PER_DAY, allow_none=True, validate=Range(1, MAX_OF_KEY)
    )
    daily_budget_micros: fields.Integer = Integer(
        field_descriptions.DAILY_BUDGET_MICROS,
        allow_none=True,
        validate=Range(1, MAX_BUDGET_MICROS),
    )
    monthly_budget_micros: fields.Integer = Integer(
        field_descriptions.MONTHLY_BUDGET_MICROS,
        allow_none=True,
        validate=Range(1, MAX_BUDGET_MICROS),
    )


class BudgetForm(Strict):
    """The page's form of a user's budgets; missing: the server's default."""

    daily = Yuan(validate=YuanRange(0, MAX_BUDGET_YUAN))
    monthly = Yuan(validate=YuanRange(0, MAX_BUDGET_YUAN))


class KeyLimits(Strict):
    """The page's form of a key's limits; missing: no limit."""

    tasks_per_minute: fields.Integer = QueryInteger(
        load_default=None, validate=Range(1, MAX_OF_KEY)
    )
    pictures_per_day: fields.Integer = QueryInteger(
        load_default=None, validate=Range(1, MAX_OF_KEY)
    )
    requests_per_minute: fields.Integer = QueryInteger(
        load_default=None, validate=Range(1, MAX_OF_KEY)
    )
    daily_budget = Yuan(
        attribute="daily_budget_micros",
        load_default=None,
        validate=YuanRange(0.01, MAX_BUDGET_YUAN),
    )
    monthly_budget = Yuan(
        attribute="monthly_budget_micros",
        load_default=None,
        validate=YuanRange(0.01, MAX_BUDGET_YUAN),
    )


class KeyForm(KeyLimits, NewKey):
    """The page's form: the same, but numbers are text, and it ends after some days."""

    class Meta:
        exclude = ("expires_at", "daily_budget_micros", "monthly_budget_micros")

    # May be empty: `accounts` then raises an error that lists the known scopes.
    scopes = StringList(each=Text(validate=OneOf(*SCOPES)))
    days = Text(load_default="", validate=OneOf(*LIFETIMES))

    @post_load
    def end(self, data: dict, **kwargs) -> dict:
        days = data.pop("days")
        ends = utcnow() + timedelta(days=int(days)) if days else None
        return {**data, "expires_at": ends}
