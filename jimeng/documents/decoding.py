"""How what is stored becomes a value of the kind that its field has."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson import Int64, ObjectId
from mongoengine import Document, fields
from mongoengine.base import BaseField

# The name of a field; what a value of its kind is; how one of another is understood,
# where it can be.
Reader = Callable[[object], object]
Field = tuple[str, frozenset[type], Reader]
NOTHING = ObjectId("0" * 24)  # the name of no file


class Plain(BaseField):
    """A field whose value is read as it is: its changes need not be noticed."""

    def __get__(self, instance: Document | None, owner: type) -> Any:
        return self if instance is None else instance._data.get(self.name)


class ListField(Plain, fields.ListField):
    """One of mongoengine's, which takes ten times as long to read."""


class DictField(Plain, fields.DictField):
    """The same."""


@dataclass(frozen=True)
class Shape:
    """
    Attributes:
        fields: As a field is stored -> the field.
        values: Name -> what stands for one that is not there, where that is a value.
        makers: Name and default of the others.
        stored: Name -> as a field is stored.
        new: As those are stored that a new document has -> their values.
        required: As those are stored that have to be there.
        never_null: As those are stored that are absent or have a value.
    """

    fields: dict[str, Field]
    values: dict[str, object]
    makers: list[tuple[str, Callable[[], object]]]
    stored: dict[str, str]
    new: dict[str, object]
    required: frozenset[str]
    never_null: frozenset[str]


_shapes: dict[type, Shape] = {}


def shape_of(kind: type[Document]) -> Shape:
    return _shapes.get(kind) or _shapes.setdefault(kind, _shape(kind))


def _shape(kind: type[Document]) -> Shape:
    known = kind._fields.items()
    stored = {name: each.db_field for name, each in known}
    makers = [(name, each.default) for name, each in known if callable(each.default)]
    made = {name for name, _ in makers}
    new = {e.db_field: e.default for name, e in known if name not in made}
    required = frozenset(
        e.db_field for _, e in known if e.required and not e.primary_key
    )
    with_default = {e.db_field for _, e in known if e.default is not None}
    return Shape(
        {each.db_field: (name, _kinds(each), _reader(each)) for name, each in known},
        {name: _default(each) for name, each in known if name not in made},
        makers,
        stored,
        {name: value for name, value in new.items() if value is not None},
        required,
        required | with_default,
    )


def _default(field: BaseField) -> object:
    """What stands for a value that is not there, or is not understood."""
    if field.default is not None or not field.required or field.primary_key:
        return field.default
    if isinstance(field, fields.IntField):
        return field.min_value or 0
    return next((v for k, v in ABSENT.items() if isinstance(field, k)), None)


def _kinds(field: BaseField) -> frozenset[type]:
    if isinstance(field, fields.IntField) and field.min_value is not None:
        return frozenset()
    kinds = (k for of, k in KINDS.items() if isinstance(field, of))
    return frozenset() if field.primary_key else next(kinds, frozenset())


def _reader(field: BaseField) -> Reader:
    """A function that returns None for what it does not understand."""
    if field.primary_key:
        return lambda value: value
    if isinstance(field, fields.DictField):
        return lambda value: None
    if isinstance(field, fields.ListField):
        return _list_of(_kinds(field.field))
    if isinstance(field, fields.IntField):
        return _between(field.min_value, field.max_value)
    if isinstance(field, fields.FloatField):
        return _number
    return lambda value: None


def _number(value: object) -> float | None:
    """Numbers that were written as text are numbers."""
    if not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _between(least: int | None, most: int | None) -> Reader:
    def read(value: object) -> int | None:
        number = _number(value)
        if number is None or not (least or -math.inf) <= number <= (most or math.inf):
            return None
        return int(number)

    return read


def _list_of(kinds: frozenset[type]) -> Reader:
    def read(value: object) -> list | None:
        if isinstance(value, list) and all(type(each) in kinds for each in value):
            return value
        return None

    return read


KINDS = {
    fields.StringField: frozenset({str}),
    fields.IntField: frozenset({int, Int64}),
    fields.FloatField: frozenset({float, int, Int64}),
    fields.BooleanField: frozenset({bool}),
    fields.DateTimeField: frozenset({datetime}),
    fields.ObjectIdField: frozenset({ObjectId}),
    fields.DynamicField: frozenset({int, Int64, str}),
    fields.DictField: frozenset({dict}),
}
ABSENT: dict[type[BaseField], object] = {
    fields.StringField: "",
    fields.DateTimeField: datetime.fromtimestamp(0, UTC),
    fields.ObjectIdField: NOTHING,
}
