"""Examples of answers, made of what their schemas show."""

from marshmallow import Schema, fields
from marshmallow.validate import OneOf

from jimeng.schemas.kinds import Instant

MOMENT, DAY = "2026-11-25T02:10:22.191Z", "2026-11-25"


def example_of(schema: Schema | type[Schema]) -> object:
    """What an answer may look like; words in pairs, one for each language."""
    found = schema() if isinstance(schema, type) else schema
    shown = {
        field.data_key or name: shown_in(field)
        for name, field in found.dump_fields.items()
        if field.required or {"examples", "shown"} & set(field.metadata)
    }
    return [shown] if found.many else shown


def shown_in(field: fields.Field) -> object:
    """
    Raises:
        LookupError: it is a text, and nobody has said which.
    """
    for example in field.metadata.get("examples", ()):
        return example
    if field.allow_none and "shown" not in field.metadata:
        return None
    if isinstance(field, fields.Nested):
        return example_of(field.schema)
    if isinstance(field, fields.List):
        return [shown_in(field.inner)]
    return of_kind(field)


def of_kind(field: fields.Field) -> object:
    match field:
        case Instant():
            return MOMENT
        case fields.Date():
            return DAY
        case fields.Integer():
            return field.metadata.get("minimum", 0)
        case fields.Boolean():
            return True
    if not isinstance(field.validate, OneOf):
        raise LookupError(f"{field.parent}.{field.name} shows nothing")
    return next(iter(field.validate.choices))
