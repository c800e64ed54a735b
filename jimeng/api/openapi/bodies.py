"""The bodies of requests: their shapes, and examples of them."""

from jimeng.schemas import Strict


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
