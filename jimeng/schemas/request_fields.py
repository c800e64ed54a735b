"""
Fields and validators of requests.

Messages are keys of ``i18n``; they are translated when the response is built.
"""

import math
import re
from datetime import UTC
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate

from jimeng.documents.task import MAX_NAME, MAX_PAIRS, MAX_VALUE
from jimeng.documents.user import is_email
from jimeng.i18n import t

USER_ID = re.compile(r"[A-Za-z0-9_.@:-]{1,64}")
RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
# For OpenAPI. Lone surrogates are refused as well, but not every language's patterns
# can express them, and those that cannot cannot send them either.
AS_TEXT = {"pattern": r"^[^\x00]*$"}
AS_USER_ID = {"pattern": f"^{USER_ID.pattern}$"}  # for OpenAPI


def messages_for(reason: str, *others: str) -> dict[str, Any]:
    """Error messages of a field: the reason for ``invalid`` and each of *others*."""
    common = {"required": "invalid.required", "null": "invalid.null"}
    return common | dict.fromkeys(("invalid", *others), f"invalid.{reason}")


class DescribedField(fields.Field):
    """A field whose first arguments describe it, in Chinese and in English."""

    def __init__(self, *words: str, metadata: dict | None = None, **options) -> None:
        super().__init__(metadata={**(metadata or {}), "words": words}, **options)


class Text(DescribedField, fields.String):
    """A string that MongoDB can store."""

    default_error_messages = messages_for("string", "invalid_utf8")

    def _deserialize(self, value, attr, data, **kwargs):
        text = super()._deserialize(value, attr, data, **kwargs)
        if not is_storable(text):
            raise ValidationError("invalid.unstorable")
        return text


class Whole(DescribedField, fields.Integer):
    """
    An integer by JSON Schema: ``2.0`` is accepted, ``"3"`` and ``true`` are not.
    """

    default_error_messages = messages_for("integer")

    def _deserialize(self, value, attr, data, **kwargs):
        if type(value) is float and value.is_integer():
            return int(value)
        if type(value) is not int:
            raise ValidationError("invalid.integer")
        return value


class Digits(DescribedField, fields.Integer):
    """An integer in a query string."""

    default_error_messages = messages_for("integer")

    def _deserialize(self, value, attr, data, **kwargs):
        if not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
            raise ValidationError("invalid.integer")
        return int(value)


class Seconds(DescribedField, fields.Float):
    default_error_messages = messages_for("number")

    def _deserialize(self, value, attr, data, **kwargs):
        if type(value) not in {int, float} or not math.isfinite(value):
            raise ValidationError("invalid.number")
        return float(value)


class Truth(DescribedField, fields.Boolean):
    """A boolean in a query string."""

    default_error_messages = messages_for("boolean")
    truthy, falsy = {"1", "true", "True"}, {"0", "false", "False"}


class Flag(DescribedField, fields.Boolean):
    default_error_messages = messages_for("boolean")

    def _deserialize(self, value, attr, data, **kwargs):
        if type(value) is not bool:
            raise ValidationError("invalid.boolean")
        return value


class Moment(DescribedField, fields.AwareDateTime):
    """A time with its zone, as in RFC 3339."""

    default_error_messages = messages_for("moment", "invalid_awareness", "format")

    def __init__(self, *words: str, **kwargs) -> None:
        super().__init__(*words, format="iso", **kwargs)

    def _deserialize(self, value, attr, data, **kwargs):
        if not isinstance(value, str) or not RFC_3339.fullmatch(value):
            raise ValidationError("invalid.moment")
        found = super()._deserialize(value, attr, data, **kwargs)
        try:
            return found.astimezone(UTC)
        except OverflowError:  # the last hours of the year 9999, in America
            raise ValidationError("invalid.moment") from None


class Texts(DescribedField, fields.List):
    """A list of strings, or of files."""

    default_error_messages = messages_for("list")

    def __init__(self, *words: str, each: fields.Field, **options) -> None:
        super().__init__(*words, cls_or_instance=each, **options)

    def _deserialize(self, value, attr, data, **kwargs):
        if isinstance(value, list):  # its length first: each item takes its time
            for check in self.validators:
                check(value)
        return super()._deserialize(value, attr, data, **kwargs)


class Part(DescribedField, fields.Nested):
    """An object in a body."""


class Metadata(DescribedField, fields.Dict):
    """
    Pairs of text that a program attaches to what it creates.

    Attributes:
        shape: Its JSON Schema.
    """

    default_error_messages = messages_for("metadata")
    shape: ClassVar[dict] = {
        "maxProperties": MAX_PAIRS,
        "propertyNames": {"minLength": 1, "maxLength": MAX_NAME, **AS_TEXT},
        "additionalProperties": {"type": "string", "maxLength": MAX_VALUE, **AS_TEXT},
    }

    def __init__(self, *words: str, **options) -> None:
        super().__init__(*words, metadata=self.shape, **options)

    def _deserialize(self, value, attr, data, **kwargs):
        if not isinstance(value, dict) or len(value) > MAX_PAIRS:
            raise self.make_error("invalid")
        wrong = [name for name, text in value.items() if not is_pair(name, text)]
        if wrong:
            raise ValidationError({name: ["invalid.metadata"] for name in wrong})
        return value


class MetadataFilter(Metadata):
    """Metadata in a query, where each pair is a parameter of its own."""

    default_error_messages = messages_for("metadata_filter")
    shape: ClassVar[dict] = {
        "patternProperties": {r"^metadata\..": Metadata.shape["additionalProperties"]},
        "maxProperties": MAX_PAIRS,
        "additionalProperties": False,
    }


class Anything(DescribedField, fields.Raw):
    default_error_messages = messages_for("value")


class File(DescribedField, fields.Raw):
    """A file of a form, with a name or content."""

    default_error_messages = messages_for("file")

    def __init__(self, *words: str, **kwargs) -> None:
        shape = {"type": "string", "format": "binary"}
        super().__init__(*words, metadata=shape, **kwargs)

    def _deserialize(self, value, attr, data, **kwargs):
        if not hasattr(value, "stream"):
            raise ValidationError("invalid.file")
        return value


class Trimmed(Text):
    """A string without the white space around it."""

    def _deserialize(self, value, attr, data, **kwargs):
        return super()._deserialize(value, attr, data, **kwargs).strip()


class Between(validate.Validator):
    """Numbers from *low* to *high*, both included."""

    key = "invalid.range"

    def __init__(self, low: int, high: int) -> None:
        self.min, self.max = low, high

    def measure(self, value: Any) -> float:
        return value

    def __call__(self, value: Any) -> Any:
        if not self.min <= self.measure(value) <= self.max:
            raise ValidationError(t(self.key, min=self.min, max=self.max))
        return value


class Long(Between):
    """Texts of *low* to *high* characters."""

    key = "invalid.length"
    equal = None  # by which OpenAPI tells a length from a range

    def measure(self, value: Any) -> float:
        return len(value)


class Many(Long):
    """Lists of *low* to *high* items."""

    key = "invalid.items"


class OneOf(validate.Validator):
    def __init__(self, *choices: str) -> None:
        self.choices = choices

    def __call__(self, value: str) -> str:
        if value not in self.choices:
            known = ", ".join(self.choices)
            raise ValidationError(t("invalid.choice", known=known))
        return value


def is_pair(name: str, value: object) -> bool:
    """Whether metadata may contain this."""
    if not isinstance(value, str) or not is_storable(name + value):
        return False
    return 1 <= len(name) <= MAX_NAME and len(value) <= MAX_VALUE


def is_storable(text: str) -> bool:
    """Whether the text has neither lone surrogates nor NUL."""
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def user_id_check(value: str) -> None:
    if not USER_ID.fullmatch(value):
        raise ValidationError("invalid.user_id")


def email_check(value: str) -> None:
    if not is_email(value):
        raise ValidationError("invalid.email")


def refuse(key: str):
    """A validator for known fields that are not supported."""

    def check(value: object) -> None:
        raise ValidationError(key)

    return check
