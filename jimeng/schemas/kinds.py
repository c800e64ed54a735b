"""The kinds of fields that replies have."""

from marshmallow import Schema, fields, validate


def text(*, required: bool = True, null: bool = False, **more: object) -> fields.Field:
    return fields.String(required=required, allow_none=null, metadata=more)


def whole(*, required: bool = True, null: bool = False, **more: object) -> fields.Field:
    return fields.Integer(required=required, allow_none=null, metadata=more)


def moment(*, null: bool = False) -> fields.Field:
    return text(null=null, format="date-time")


def address(*, required: bool = True, null: bool = False) -> fields.Field:
    return text(required=required, null=null, format="uri")


def one_of(*choices: str, required: bool = True) -> fields.Field:
    return fields.String(required=required, validate=validate.OneOf(choices))


def flag(*, required: bool = True) -> fields.Field:
    return fields.Boolean(required=required)


def a(
    schema: type[Schema], *, required: bool = True, null: bool = False
) -> fields.Field:
    return fields.Nested(schema, required=required, allow_none=null)


def some(schema: type[Schema]) -> fields.Field:
    return fields.List(fields.Nested(schema), required=True)


def named_texts() -> fields.Field:
    return fields.Dict(keys=fields.String(), values=fields.String(), required=True)
