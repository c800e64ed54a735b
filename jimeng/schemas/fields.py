"""
The types of fields of requests and responses, and the base classes of schemas.

An error message that is a key of ``i18n`` is translated when the response is built. A
field begins with its description, in English; see `reference_texts`. ``of`` is the
source of a response field's value: by default the attribute (or the entry) with the
field's own name, else a function of the serialised object. A value that is `missing` is
omitted.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, ClassVar

from marshmallow import (
    EXCLUDE,
    RAISE,
    Schema,
    ValidationError,
    fields,
    missing,
    validate,
    validates_schema,
)

from jimeng.config.values import parse_yuan
from jimeng.documents.task import MAX_NAME, MAX_PAIRS, MAX_VALUE
from jimeng.documents.user import is_email
from jimeng.http.auth import needs_sign_in
from jimeng.http.responses import absolute, path_for
from jimeng.i18n import MESSAGES, t
from jimeng.schemas import field_descriptions

USER_ID = re.compile(r"[A-Za-z0-9_.@:-]{1,64}")
RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
# For OpenAPI. Lone surrogates are refused as well, but the patterns of some languages
# cannot express them, and clients in those languages cannot send them either.
AS_TEXT = {"pattern": r"^[^\x00]*$"}
AS_USER_ID = {"pattern": f"^{USER_ID.pattern}$"}  # for OpenAPI


def messages_for(reason: str, *others: str) -> dict[str, Any]:
    """Error messages of a field: the reason for ``invalid`` and each of *others*."""
    common = {"required": "invalid.required", "null": "invalid.null"}
    return common | dict.fromkeys(("invalid", *others), f"invalid.{reason}")


class DescribedField(fields.Field):
    """A field whose first argument describes it, for OpenAPI."""

    def __init__(
        self, description: str = "", *, metadata: dict | None = None, **options
    ) -> None:
        texts = {"description": description} if description else {}
        super().__init__(metadata={**(metadata or {}), **texts}, **options)


class Text(DescribedField, fields.String):
    """A string that MongoDB can store."""

    default_error_messages = messages_for("string", "invalid_utf8")

    def _deserialize(self, value, attr, data, **kwargs):
        text = super()._deserialize(value, attr, data, **kwargs)
        if not is_storable(text):
            raise ValidationError("invalid.unstorable")
        return text


class Integer(DescribedField, fields.Integer):
    """By JSON Schema: ``2.0`` is accepted, ``"3"`` and ``true`` are not."""

    default_error_messages = messages_for("integer")

    def _deserialize(self, value, attr, data, **kwargs):
        if type(value) is float and value.is_integer():
            return int(value)
        if type(value) is not int:
            raise ValidationError("invalid.integer")
        return value


class QueryInteger(DescribedField, fields.Integer):
    """In a query string or a form: of at most 18 digits."""

    default_error_messages = messages_for("integer")

    def _deserialize(self, value, attr, data, **kwargs):
        if not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
            raise ValidationError("invalid.integer")
        return int(value)


class Yuan(DescribedField, fields.Integer):
    """An amount in yuan in a form, as micro-yuan."""

    default_error_messages = messages_for("yuan")

    def _deserialize(self, value, attr, data, **kwargs):
        try:
            return parse_yuan(value)
        except ValueError as error:
            raise ValidationError("invalid.yuan") from error


class Float(DescribedField, fields.Float):
    """A finite number by JSON Schema: no text, no ``true``."""

    default_error_messages = messages_for("number")

    def _deserialize(self, value, attr, data, **kwargs):
        if type(value) not in {int, float} or not math.isfinite(value):
            raise ValidationError("invalid.number")
        return float(value)


class QueryBoolean(DescribedField, fields.Boolean):
    """In a query string: 1 or true, 0 or false."""

    default_error_messages = messages_for("boolean")
    truthy, falsy = {"1", "true", "True"}, {"0", "false", "False"}


class Boolean(DescribedField, fields.Boolean):
    """By JSON Schema: ``true`` or ``false``, nothing that reads so."""

    default_error_messages = messages_for("boolean")

    def _deserialize(self, value, attr, data, **kwargs):
        if type(value) is not bool:
            raise ValidationError("invalid.boolean")
        return value


class DateTime(DescribedField, fields.AwareDateTime):
    """A time with its zone, as in RFC 3339."""

    default_error_messages = messages_for("moment", "invalid_awareness", "format")

    def __init__(self, description: str = "", **kwargs) -> None:
        super().__init__(description, format="iso", **kwargs)

    def _deserialize(self, value, attr, data, **kwargs):
        if not isinstance(value, str) or not RFC_3339.fullmatch(value):
            raise ValidationError("invalid.moment")
        found = super()._deserialize(value, attr, data, **kwargs)
        try:
            return found.astimezone(UTC)
        except OverflowError:  # UTC is in the year 10000, as for late 9999 in America
            raise ValidationError("invalid.moment") from None


class StringList(DescribedField, fields.List):
    """A list of strings, or of files."""

    default_error_messages = messages_for("list")

    def __init__(self, description: str = "", *, each: fields.Field, **options) -> None:
        super().__init__(description, cls_or_instance=each, **options)

    def _deserialize(self, value, attr, data, **kwargs):
        if isinstance(value, list):  # check the length before converting each item
            for check in self.validators:
                check(value)
        return super()._deserialize(value, attr, data, **kwargs)


class Nested(DescribedField, fields.Nested):
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

    def __init__(self, description: str, **options) -> None:
        super().__init__(description, metadata=self.shape, **options)

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


class Raw(DescribedField, fields.Raw):
    default_error_messages = messages_for("value")


class File(DescribedField, fields.Raw):
    """A file of a form, with a name or content."""

    default_error_messages = messages_for("file")

    def __init__(self, description: str = "", **kwargs) -> None:
        shape = {"type": "string", "format": "binary"}
        super().__init__(description, metadata=shape, **kwargs)

    def _deserialize(self, value, attr, data, **kwargs):
        if not hasattr(value, "stream"):
            raise ValidationError("invalid.file")
        return value


class Trimmed(Text):
    """A string, stripped of surrounding white space."""

    def _deserialize(self, value, attr, data, **kwargs):
        return super()._deserialize(value, attr, data, **kwargs).strip()


class Range(validate.Validator):
    """Numbers from *low* to *high*, both included."""

    def __init__(self, low: float, high: float) -> None:
        self.min, self.max = low, high

    def measure(self, value: Any) -> float:
        return value

    def message_key(self, value: Any) -> str:
        return "invalid.range"

    def __call__(self, value: Any) -> Any:
        if not self.min <= self.measure(value) <= self.max:
            raise ValidationError(
                t(self.message_key(value), min=self.min, max=self.max)
            )
        return value


class YuanRange(Range):
    """Micro-yuan, from *low* to *high* yuan, both included."""

    def measure(self, value: Any) -> float:
        return value / 1_000_000


class Length(Range):
    """Texts of *low* to *high* characters, or lists of as many items."""

    equal = None  # OpenAPI distinguishes a length from a range by this attribute

    def measure(self, value: Any) -> float:
        return len(value)

    def message_key(self, value: Any) -> str:
        return "invalid.items" if isinstance(value, list) else "invalid.length"


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


class Strict(Schema):
    """
    A schema that rejects unknown fields.

    Attributes:
        examples: Name -> valid body.
        rules: JSON Schema keywords in addition to the fields.
        other_shapes: Alternative schemas of the same request.
        body_is_optional: Whether the body is optional.
    """

    examples: ClassVar[dict[str, dict]] = {}
    rules: ClassVar[dict] = {}
    other_shapes: ClassVar[Sequence[type[Schema]]] = ()
    body_is_optional: ClassVar[bool] = False

    error_messages = {"unknown": "invalid.unknown_field", "type": "invalid.object"}

    class Meta:
        unknown = RAISE


class Changes(Strict):
    """A partial update: an empty body is an error, since it may have been lost."""

    rules: ClassVar = {"minProperties": 1}

    @validates_schema
    def change_something(self, data: dict, **kwargs) -> None:
        if not data:
            raise ValidationError("invalid.nothing")


class Nothing(Strict):
    """An optional body, which may only be ``{}``."""


class OwnerId(Text):
    """A user's id, required only with sign-in off."""

    @property
    def required(self) -> bool:
        return not needs_sign_in()

    @required.setter
    def required(self, value: bool) -> None:
        """Ignore marshmallow's assignment: it depends on the settings."""


class OfUser(Strict):
    """Requests with an owner: by default the caller, required with sign-in off."""

    user_id: Text = OwnerId(
        field_descriptions.USER_ID, validate=user_id_check, metadata=AS_USER_ID
    )


def reject_user_with_customers(data: Mapping) -> None:
    """
    Raises:
        ValidationError: a request asks for one user and for all customers.
    """
    if data["customers"] and "user_id" in data:
        raise ValidationError({"customers": ["invalid.user_or_customers"]})


HOST = "https://pictures.example.com"  # for examples


class Reply(Schema):
    """
    A response: serialised for clients, and documented in OpenAPI.

    The data are this server's own, so values that JSON can represent are neither
    validated nor converted: that would take a third of marshmallow's time per response.
    """

    class Meta:
        unknown = EXCLUDE  # clients must tolerate fields of later versions

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.plan = [
            (field.data_key or name, field.attribute or name, plainly(field))
            for name, field in self.dump_fields.items()
        ]

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:
        if self.many if many is None else many:
            return [self.plain(each) for each in obj]
        return self.plain(obj)

    def plain(self, obj: Any) -> dict[str, Any]:
        found = {}
        for key, of, kind in self.plan:
            value = self.get_attribute(obj, of, missing)
            if value is not missing:
                found[key] = value if value is None or kind is None else kind(value)
        return found

    def get_attribute(self, obj: Any, attr: Any, default: Any) -> Any:
        if callable(attr):
            return attr(obj)
        if isinstance(obj, Mapping):
            return obj.get(attr, default)
        return getattr(obj, attr, default)


class NestedReply(Reply):
    """
    Read an attribute from the wrapped object if the outer object lacks it.

    Attributes:
        inner: The attribute with the wrapped object.
    """

    inner: ClassVar[str]

    def get_attribute(self, obj: Any, attr: Any, default: Any) -> Any:
        if not callable(attr) and not hasattr(obj, attr):
            obj = getattr(obj, self.inner)
        return super().get_attribute(obj, attr, default)


def moment(when: datetime | None) -> str | None:
    """Format as RFC 3339 in UTC with milliseconds, ending in ``Z``."""
    if when is None:
        return None
    text = when.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def plainly(field: fields.Field) -> Callable[[Any], object] | None:
    """Return the converter of *field*'s values to JSON; None if none is needed."""
    match field:
        case fields.Nested():
            return field.schema.dump
        case Instant():
            return moment
        case fields.Date():
            return date.isoformat
        case fields.List():
            return list
        case fields.Dict():
            return dict
    return None


class Instant(fields.DateTime):
    def _serialize(self, value, attr, obj, **kwargs):
        return moment(value)


def field_of(
    kind: Callable[..., fields.Field],
    description: str = "",
    *,
    of: Any = None,
    required: bool = True,
    null: bool = False,
    example: Any = None,
    data_key: str | None = None,
    choices: Iterable[str] = (),
    **more: Any,
) -> fields.Field:
    """
    Make a field.

    Args:
        description: In English; omitted for items of a list.
        of: The source of the value.
        required: Whether every response contains it.
        null: Whether it may be null.
        example: The value in examples; by default one of its type if it is required,
            else none. A pair has one value for each language; ``...`` stands for an
            example composed of the parts' own.
        data_key: The name in JSON, if it is not a valid Python name.
        choices: The possible values.
        more: Further JSON Schema keywords.
    """
    if description:
        more["description"] = description
    if example is ...:
        more["shown"] = True  # not a keyword of JSON Schema
    elif example is not None:
        more["examples"] = [example]
    options = {"attribute": of, "data_key": data_key, "metadata": more}
    if choices:
        options["validate"] = validate.OneOf([*choices])
    return kind(required=required, allow_none=null, **options)


text = partial(field_of, fields.String)
integer = partial(field_of, fields.Integer)
count = partial(field_of, fields.Integer, minimum=0)
number = partial(field_of, fields.Float)
instant = partial(field_of, Instant)
day = partial(field_of, fields.Date)
boolean = partial(field_of, fields.Boolean)
entries = partial(field_of, fields.Dict)  # an object with arbitrary keys
address = partial(field_of, fields.String, format="uri")


def list_of(description: str, inner: fields.Field, **more: Any) -> fields.Field:
    return field_of(partial(fields.List, inner), description, **more)


def nested(description: str, schema: type[Schema], **more: Any) -> fields.Field:
    return field_of(partial(fields.Nested, schema), description, **more)


def nested_list(description: str, schema: type[Schema], **more: Any) -> fields.Field:
    return field_of(partial(fields.Nested, schema, many=True), description, **more)


def fixed(key: str) -> fields.Field:
    """A constant message for people."""
    return text(
        field_descriptions.MESSAGE, of=lambda about: t(key), example=MESSAGES[key]
    )


def link(
    description: str, endpoint: str, path: str, *, name: str, example: str
) -> fields.Field:
    """
    The URL of *endpoint*, with the id of the serialised object in the path.

    Args:
        path: The path of the example, with ``{}`` for the id.
        name: The name of the path parameter.
        example: The id in the example.
    """

    def of(about: Any) -> str:
        return absolute(path_for(endpoint, **{name: about.id}))

    return address(description, of=of, example=HOST + path.format(example))
