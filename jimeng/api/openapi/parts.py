"""
The parts of the document that many operations share, and what its fields mean.

Words stand in pairs, Chinese and English, as in ``i18n``.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from marshmallow import Schema, fields, missing

from jimeng.i18n import MESSAGES
from jimeng.i18n.routes import REQUEST_TEXTS
from jimeng.schemas.fields import AS_TEXT, AS_USER_ID, OneOf, Text

Words = tuple[str, str]
TEXT = {"type": "string"}
SECONDS = {"type": "integer", "minimum": 0}
AS_REQUEST_ID = {"pattern": r"^[A-Za-z0-9._:\-]{1,128}$"}
HEADERS: dict[str, dict] = {
    "X-Request-ID": TEXT | AS_REQUEST_ID,
    "Location": {"type": "string", "format": "uri-reference"},
    "Retry-After": SECONDS,
    "Idempotent-Replayed": {"type": "string", "enum": ["true"]},
    "Preference-Applied": {"type": "string", "pattern": "^wait=[0-9]+$"},
    "Cache-Control": TEXT,
    "Link": TEXT,
    "ETag": TEXT,
    "RateLimit-Policy": TEXT,
    "RateLimit": TEXT,
}
TAKEN: dict[str, dict] = {
    "X-Request-ID": TEXT,  # whatever is not sane is replaced
    "Accept-Language": {"type": "string", "examples": ["zh", "en"]},
    "If-None-Match": TEXT,
    "Idempotency-Key": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": "^[!-~]+$",
    },
    "Prefer": {"type": "string", "examples": ["wait=30"]},
}
# Whatever looks otherwise is nobody's.
PLACES: dict[str, dict] = {
    "task_id": {"pattern": "^[A-Za-z0-9_-]{1,100}$"},
    "batch_id": {"pattern": "^batch_[0-9a-f]{32}$"},
    "index": {"type": "integer", "minimum": 0},
    "user_id": AS_USER_ID,
    "upload_id": {"pattern": "^upload_[A-Za-z0-9_-]{22}$"},
    "collection_id": {"pattern": "^collection_[0-9a-f]{24}$"},
    "prompt_id": {"pattern": "^prompt_[0-9a-f]{24}$"},
    "share_id": {"pattern": "^[A-Za-z0-9_-]{1,100}$"},
    "key_id": {"pattern": "^key_[0-9a-f]{16}$"},
}


def both(say: Callable[[int], str]) -> Words:
    return say(0), say(1)


def translated(node: Any, spoken: int) -> Any:
    """The same with one of each pair of words: a JSON document has no other pairs."""
    if isinstance(node, tuple):
        return node[spoken]
    if isinstance(node, dict):
        return {name: translated(inner, spoken) for name, inner in node.items()}
    if isinstance(node, list):
        return [translated(inner, spoken) for inner in node]
    return node


def reference(kind: str, name: str) -> str:
    return f"#/components/{kind}/{name}"


def place(name: str) -> dict:
    """A parameter in the path."""
    schema = PLACES.get(name, {})
    if "type" not in schema:
        schema = {"type": "string", "minLength": 1, **schema}
    words = REQUEST_TEXTS.get(f"path.{name}") or field_words(name)
    taken = {"name": name, "in": "path", "required": True, "schema": schema}
    return {**taken, "description": words}


def headers(names: Iterable[str], always: Iterable[str]) -> dict:
    """Those of every answer, and *names*; *always* are never left out."""
    always = [*always, "X-Request-ID"]
    known = {name: name for name in always}
    known |= {name: f"{name}-if-any" for name in names if name not in known}
    return {name: {"$ref": reference("headers", part)} for name, part in known.items()}


def shared() -> dict[str, dict]:
    """Headers and parameters, by the names that operations call them by."""
    found: dict[str, dict] = {"headers": {}, "parameters": {}}
    for name, schema in HEADERS.items():
        header = {"description": REQUEST_TEXTS[name], "schema": schema}
        found["headers"][name] = {**header, "required": True}
        found["headers"][f"{name}-if-any"] = header
    for name, schema in TAKEN.items():
        taken = {"name": name, "in": "header", "schema": schema}
        found["parameters"][name] = {**taken, "description": REQUEST_TEXTS[name]}
    return found


def field_words(name: str, kinds: Iterable[type] = ()) -> Words:
    """
    What a field means: in one of the schemas *kinds*, else anywhere; nothing where
    nobody has said in ``i18n.reference``, which a test asks for.
    """
    for kind in kinds:
        if words := MESSAGES.get(f"field.{kind.__name__}.{name}"):
            return words
    return MESSAGES.get(f"field.{name}", ("", ""))


def as_text(converter: object, field: fields.Field, **kwargs: object) -> dict:
    """The pattern of a text that has no stricter one, for apispec."""
    stricter = {"pattern", "enum"} & {*field.metadata} or isinstance(
        field.validate, OneOf
    )
    return AS_TEXT if isinstance(field, Text) and not stricter else {}


def described(converter: object, field: fields.Field, **kwargs: object) -> dict:
    """
    The words of a field, for apispec, with what it is by default.

    As ``default`` the latter would have generated clients send it each time.
    """
    if not isinstance(field.parent, Schema):
        return {}  # within a list
    name = str(field.data_key or field.name)
    chinese, english = field_words(name, type(field.parent).__mro__)
    if field.load_default not in (missing, ""):
        usual = json.dumps(field.load_default).strip('"')
        chinese, english = f"{chinese}；默认 {usual}", f"{english}; {usual} by default"
    return {"description": (chinese, english)}
