"""Bodies: the schemas of requests with examples, and examples of responses."""

from marshmallow import Schema, fields
from marshmallow.validate import OneOf

from jimeng.schemas.fields import Instant, Strict

MOMENT, DAY = "2026-11-25T02:10:22.191Z", "2026-11-25"


def body_of(schema: type[Strict], *, sign_in: bool) -> dict:
    """Its schemas and examples; with sign-in on without ``user_id``."""
    shapes = [schema, *schema.other_shapes]
    content: dict = {"schema": {"anyOf": shapes} if schema.other_shapes else schema}
    content["examples"] = examples_of(schema, sign_in=sign_in)
    return {
        "required": not schema.body_is_optional,
        "content": {"application/json": content},
    }


def form_of(schema: type[Strict], *, sign_in: bool) -> dict:
    """A ``multipart/form-data`` body."""
    content = {"schema": schema, "examples": examples_of(schema, sign_in=sign_in)}
    return {"required": True, "content": {"multipart/form-data": content}}


def examples_of(schema: type[Strict], *, sign_in: bool) -> dict:
    return {
        name: {"value": without_user_id(body) if sign_in else body}
        for name, body in schema.examples.items()
    }


def without_user_id(body: dict) -> dict:
    """The body of a request without ``user_id``."""
    found = {name: value for name, value in body.items() if name != "user_id"}
    if "input" in found:
        found["input"] = without_user_id(found["input"])
    return found


def example_of(schema: Schema | type[Schema]) -> object:
    """An example of a response; messages are (Chinese, English) pairs."""
    found = schema() if isinstance(schema, type) else schema
    shown = {
        field.data_key or name: field_example(field)
        for name, field in found.dump_fields.items()
        if field.required or {"examples", "shown"} & set(field.metadata)
    }
    return [shown] if found.many else shown


def field_example(field: fields.Field) -> object:
    """
    Raises:
        LookupError: it is a text without an example.
    """
    for example in field.metadata.get("examples", ()):
        return example
    if field.allow_none and "shown" not in field.metadata:
        return None
    if isinstance(field, fields.Nested):
        return example_of(field.schema)
    if isinstance(field, fields.List):
        return [field_example(field.inner)]
    return example_by_type(field)


def example_by_type(field: fields.Field) -> object:
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
