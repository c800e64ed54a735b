"""Bodies: the shapes of requests with examples, and examples of answers."""

from marshmallow import Schema, fields
from marshmallow.validate import OneOf

from jimeng.schemas import Strict
from jimeng.schemas.response_fields import Instant

MOMENT, DAY = "2026-11-25T02:10:22.191Z", "2026-11-25"


def body_of(schema: type[Strict], *, sign_in: bool) -> dict:
    """Its shapes and examples; with sign-in nobody says whose it is."""
    shapes = [schema, *schema.other_shapes]
    content: dict = {"schema": {"anyOf": shapes} if schema.other_shapes else schema}
    content["examples"] = examples_of(schema, sign_in=sign_in)
    return {
        "required": not schema.may_be_left_out,
        "content": {"application/json": content},
    }


def form_of(schema: type[Strict], *, sign_in: bool) -> dict:
    """A body of several parts; a file among them needs no encoding of its own."""
    content = {"schema": schema, "examples": examples_of(schema, sign_in=sign_in)}
    return {"required": True, "content": {"multipart/form-data": content}}


def examples_of(schema: type[Strict], *, sign_in: bool) -> dict:
    return {
        name: {"value": own(body) if sign_in else body}
        for name, body in schema.examples.items()
    }


def own(body: dict) -> dict:
    """A request's body without saying whose it is."""
    found = {name: value for name, value in body.items() if name != "user_id"}
    if "input" in found:
        found["input"] = own(found["input"])
    return found


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
