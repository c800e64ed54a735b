"""
The shapes that the REST API takes.

A message that is a key of ``i18n`` is translated where the answer is made.
"""

import math
import re

from marshmallow import RAISE, Schema, ValidationError, fields, pre_load, validate

from jimeng.i18n import t

COMMON = {"required": "invalid.required", "null": "invalid.null"}
USER_ID = re.compile(r"[A-Za-z0-9_\-.@:]{1,64}")
MOST_DELAY = 86_400  # seconds
MOST_SEED = 2**31 - 1


class Text(fields.String):
    """A string that can be stored: no halves of surrogate pairs, and no NUL."""

    default_error_messages = {
        **COMMON,
        "invalid": "invalid.string",
        "invalid_utf8": "invalid.string",
    }

    def _deserialize(self, value, attr, data, **kwargs):
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValidationError("invalid.value") from None
        if "\0" in text:
            raise ValidationError("invalid.value")
        return text


class Whole(fields.Integer):
    """An integer that is one in JSON too; ``"3"`` and ``true`` are not."""

    default_error_messages = {
        **COMMON,
        "invalid": "invalid.integer",
        "too_large": "invalid.integer",
    }

    def _deserialize(self, value, attr, data, **kwargs):
        if type(value) is not int:
            raise ValidationError("invalid.integer")
        return value


class Digits(fields.Integer):
    """An integer in a query string."""

    default_error_messages = {
        **COMMON,
        "invalid": "invalid.integer",
        "too_large": "invalid.integer",
    }

    def _deserialize(self, value, attr, data, **kwargs):
        if not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
            raise ValidationError("invalid.integer")
        return int(value)


class Seconds(fields.Float):
    default_error_messages = {**COMMON, "invalid": "invalid.number"}

    def _deserialize(self, value, attr, data, **kwargs):
        if type(value) not in {int, float} or not math.isfinite(value):
            raise ValidationError("invalid.number")
        return float(value)


class Switch(fields.Boolean):
    default_error_messages = {**COMMON, "invalid": "invalid.boolean"}

    def _deserialize(self, value, attr, data, **kwargs):
        if type(value) is not bool:
            raise ValidationError("invalid.boolean")
        return value


class Anything(fields.Raw):
    default_error_messages = {**COMMON}


class Between(validate.Validator):
    """Numbers from *low* to *high*, both included."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def __call__(self, value: float) -> float:
        if not self.low <= value <= self.high:
            raise ValidationError(t("invalid.range", min=self.low, max=self.high))
        return value


class Long(validate.Validator):
    """Texts of *low* to *high* characters."""

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def __call__(self, value: str) -> str:
        if not self.low <= len(value) <= self.high:
            raise ValidationError(t("invalid.length", min=self.low, max=self.high))
        return value


class OneOf(validate.Validator):
    def __init__(self, *choices: str) -> None:
        self.choices = choices

    def __call__(self, value: str) -> str:
        if value not in self.choices:
            known = ", ".join(self.choices)
            raise ValidationError(t("invalid.choice", known=known))
        return value


def user_id_check(value: str) -> None:
    if not USER_ID.fullmatch(value):
        raise ValidationError("invalid.user_id")


def prompt_check(value: str) -> None:
    if not value:
        raise ValidationError("invalid.prompt_empty")


def email_check(value: str) -> None:
    """Short of sending a letter: one @, and a dot in what follows, no spaces."""
    if len(value) > 254 or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", value):
        raise ValidationError("invalid.email")


def refuse(key: str):
    """A validator for fields that are known but not taken."""

    def check(value: object) -> None:
        raise ValidationError(key)

    return check


class Strict(Schema):
    """A schema whose unknown fields are errors."""

    error_messages = {"unknown": "invalid.unknown_field", "type": "invalid.object"}

    class Meta:
        unknown = RAISE


class Trimmed(Text):
    """A string without the white space around it."""

    def _deserialize(self, value, attr, data, **kwargs):
        return super()._deserialize(value, attr, data, **kwargs).strip()


class ImageFields(Strict):
    """What describes a picture."""

    prompt = Trimmed(required=True, validate=prompt_check)
    model = Text(validate=Long(1, 100))
    size = Trimmed(validate=Long(1, 20))
    quality = Text(load_default="standard", validate=OneOf("standard", "hd"))
    style = Trimmed(validate=Long(1, 64))
    n = Whole(load_default=1, validate=Between(1, 4))
    seed = Whole(load_default=-1, validate=Between(-1, MOST_SEED))
    negative_prompt = Anything(validate=refuse("invalid.negative_prompt"))
    images = Anything(validate=refuse("invalid.not_supported_yet"))
    provider = Text(validate=Long(1, 64))
    webhook_url = Anything(validate=refuse("invalid.not_supported_yet"))


class NewImageTask(ImageFields):
    """``POST /api/v1/ai/image/task``."""

    user_id = Text(required=True, validate=user_id_check)


class NewGeneralTask(NewImageTask):
    """``POST /api/v1/ai/tasks``: the fields beside these, or under ``input``."""

    type = Text(required=True, validate=OneOf("image", "image_generation"))
    delay = Seconds(load_default=0.0, validate=Between(0, MOST_DELAY))

    @pre_load
    def unpack(self, data, **kwargs):
        if not isinstance(data, dict) or "input" not in data:
            return data  # what is no object is refused as such
        inner = data["input"]
        if not isinstance(inner, dict):
            raise ValidationError({"input": ["invalid.object"]})
        twice = sorted(set(data) & set(inner))
        if twice:
            raise ValidationError({name: ["invalid.twice"] for name in twice})
        outside = {"type", "delay", "input"} & set(inner)
        if outside:
            raise ValidationError({n: ["invalid.unknown_field"] for n in outside})
        return {**{k: v for k, v in data.items() if k != "input"}, **inner}


class Retry(Strict):
    """``POST /api/v1/tasks/<id>/retry``; the body may be left out."""

    accept_double_charge = Switch(load_default=False)


class Nothing(Strict):
    """A body that may be left out or be ``{}``."""


class NewUser(Strict):
    """``POST /api/v1/users``."""

    email = Trimmed(required=True, validate=email_check)
    name = Trimmed(required=True, validate=Long(1, 100))


class UserChanges(Strict):
    """``PUT /api/v1/users/<id>``: whole or partial."""

    email = Trimmed(validate=email_check)
    name = Trimmed(validate=Long(1, 100))


class ByEmail(Strict):
    email = Trimmed(required=True, validate=Long(1, 254))


class ByOffset(Strict):
    user_id = Text(required=True, validate=user_id_check)
    limit = Digits(load_default=20, validate=Between(1, 100))
    offset = Digits(load_default=0, validate=Between(0, 10**12))


class ByCursor(Strict):
    limit = Digits(load_default=20, validate=Between(1, 100))
    cursor = Text(validate=Long(1, 200))
    status = Text()
    q = Text(validate=Long(1, 200))
