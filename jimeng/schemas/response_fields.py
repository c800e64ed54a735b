"""
The kinds of fields that replies have.

Each begins with what it means, in Chinese and in English. ``of`` says where the value
comes from: left out, it is the attribute (or the entry) of the field's own name; else a
function of what is described. A value that is `missing` is left out of the answer.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, fields, missing, validate

from jimeng.http.responses import absolute, path_for
from jimeng.i18n import MESSAGES, t
from jimeng.schemas import field_descriptions

HOST = "https://pictures.example.com"  # of examples


class Reply(Schema):
    """
    What is answered: dumped for clients, and described to them.

    What is dumped is this server's own, so nothing is checked or converted that JSON
    can hold: a third of marshmallow's time, on each answer.
    """

    class Meta:
        unknown = EXCLUDE  # clients must bear what later versions add

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


class Within(Reply):
    """
    What something does not say itself is asked of what it is about.

    Attributes:
        inner: The attribute that has this.
    """

    inner: ClassVar[str]

    def get_attribute(self, obj: Any, attr: Any, default: Any) -> Any:
        if not callable(attr) and not hasattr(obj, attr):
            obj = getattr(obj, self.inner)
        return super().get_attribute(obj, attr, default)


def moment(when: datetime | None) -> str | None:
    """RFC 3339, UTC, milliseconds, ending in ``Z``."""
    if when is None:
        return None
    text = when.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def plainly(field: fields.Field) -> Callable[[Any], object] | None:
    """What makes a value of *field* one of JSON's, unless it is."""
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


def made(
    kind: Callable[..., fields.Field],
    *said: str,
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
        said: What it means, in Chinese and in English; without it, of what a list has.
        of: Where the value comes from.
        required: Whether every answer has it.
        null: Whether it may be null.
        example: What examples show; by default something of its kind if it is
            required, else nothing. A pair is one for each language, and ``...``
            what it is made of.
        data_key: The name in JSON, where Python cannot have it.
        choices: What it can be.
        more: Further JSON Schema keywords.
    """
    if example is ...:
        more["shown"] = True  # which JSON Schema does not know
    elif example is not None:
        more["examples"] = [example]
    given = {"attribute": of, "data_key": data_key, "metadata": more | {"words": said}}
    if choices:
        given["validate"] = validate.OneOf([*choices])
    return kind(required=required, allow_none=null, **given)


text = partial(made, fields.String)
whole = partial(made, fields.Integer)
count = partial(made, fields.Integer, minimum=0)
number = partial(made, fields.Float)
instant = partial(made, Instant)
day = partial(made, fields.Date)
flag = partial(made, fields.Boolean)
entries = partial(made, fields.Dict)  # an object whose names are not fixed
address = partial(made, fields.String, format="uri")


def list_of(
    chinese: str, english: str, inner: fields.Field, **more: Any
) -> fields.Field:
    return made(partial(fields.List, inner), chinese, english, **more)


def a(chinese: str, english: str, schema: type[Schema], **more: Any) -> fields.Field:
    return made(partial(fields.Nested, schema), chinese, english, **more)


def some(chinese: str, english: str, schema: type[Schema], **more: Any) -> fields.Field:
    return made(partial(fields.Nested, schema, many=True), chinese, english, **more)


def fixed(key: str) -> fields.Field:
    """A sentence for people, always the same."""
    return text(
        *field_descriptions.MESSAGE, of=lambda about: t(key), example=MESSAGES[key]
    )


def link(
    chinese: str, english: str, endpoint: str, path: str, *, name: str, example: str
) -> fields.Field:
    """
    The address of *endpoint*, where what is described has its id in the path.

    Args:
        path: That of the example, with ``{}`` for the id.
        name: What the id is called in the path.
        example: The id.
    """

    def of(about: Any) -> str:
        return absolute(path_for(endpoint, **{name: about.id}))

    return address(chinese, english, of=of, example=HOST + path.format(example))
