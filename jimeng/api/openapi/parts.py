"""
Components of the document that operations share, and the descriptions of fields.

Texts are English; `reference_texts` has the other language.
"""

import json
from collections.abc import Callable, Iterable

from marshmallow import fields, missing

from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import AS_TEXT, AS_USER_ID, OneOf, Text

Bilingual = tuple[str, str]
TEXT = {"type": "string"}
SECONDS = {"type": "integer", "minimum": 0}
AS_REQUEST_ID = {"pattern": r"^[A-Za-z0-9._:\-]{1,128}$"}
REQUEST_ID = (
    "The request's id. One of 1 to 128 letters, digits and . _ : - is used, otherwise "
    "the server generates one"
)
# Header -> its description and its schema.
HEADERS: dict[str, tuple[str, dict]] = {
    "X-Request-ID": (REQUEST_ID, TEXT | AS_REQUEST_ID),
    "Location": (
        "The URL of the new resource",
        {"type": "string", "format": "uri-reference"},
    ),
    "Retry-After": ("Seconds to wait before trying again", SECONDS),
    "Idempotent-Replayed": (
        "true: an earlier request with this key created the task",
        {"type": "string", "enum": ["true"]},
    ),
    "Preference-Applied": (
        "wait=SECONDS: the wait that was applied. Absent without a wait",
        {"type": "string", "pattern": "^wait=[0-9]+$"},
    ),
    "Cache-Control": (
        "Must not be stored or transformed",
        TEXT,
    ),
    "Link": (
        'The next page, rel="next", if any',
        TEXT,
    ),
    "ETag": ("The response's entity tag", TEXT),
    "RateLimit-Policy": (
        "The limits: requests counts requests, submissions tasks, daily-pictures "
        "pictures per day of the billing time zone; q is the limit, w the window in "
        "seconds. Absent if there are none",
        TEXT,
    ),
    "RateLimit": (
        "What remains of each limit (r), and seconds until it resets (t)",
        TEXT,
    ),
}
HEADER_PARAMETERS: dict[str, tuple[str, dict]] = {
    "X-Request-ID": (REQUEST_ID, TEXT),  # any other value is replaced
    "Accept-Language": (
        "Language of messages: zh or en",
        {"type": "string", "examples": ["zh", "en"]},
    ),
    "If-None-Match": (
        "The ETag of an earlier response: 304 if nothing has changed",
        TEXT,
    ),
    "Idempotency-Key": (
        "1 to 255 visible ASCII characters. Within 24 hours the same key with the same "
        "request of the same user creates once; repetitions get the first response",
        {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": "^[!-~]+$",
        },
    ),
    "Prefer": (
        "wait=SECONDS: respond once the task has ended, or after that many, at most "
        "60. If too many clients are waiting, or the task starts later (delay), the "
        "response is sent at once, as usual",
        {"type": "string", "examples": ["wait=30"]},
    ),
}
# Values that do not match the pattern do not exist.
PATH_PARAMETERS: dict[str, tuple[str, dict]] = {
    "name": ("The model's name", {}),
    "task_id": ("The task's id", {"pattern": "^[A-Za-z0-9_-]{1,100}$"}),
    "batch_id": (field_descriptions.BATCH_ID, {"pattern": "^batch_[0-9a-f]{32}$"}),
    "index": (
        "Which picture of the task, from 0",
        {"type": "integer", "minimum": 0},
    ),
    "user_id": ("The user's id", AS_USER_ID),
    "upload_id": (
        "The upload's id",
        {"pattern": "^upload_[A-Za-z0-9_-]{22}$"},
    ),
    "collection_id": (
        "The collection's id",
        {"pattern": "^collection_[0-9a-f]{24}$"},
    ),
    "prompt_id": (
        "The saved prompt's id",
        {"pattern": "^prompt_[0-9a-f]{24}$"},
    ),
    "webhook_id": (
        "The webhook's id",
        {"pattern": "^webhook_[0-9a-f]{24}$"},
    ),
    "delivery_id": (
        "The delivery's id (webhook-id)",
        {"pattern": "^msg_[0-9a-f]{32}$"},
    ),
    "share_id": (
        "The id of the collection or of the picture that is shared",
        {"pattern": "^[A-Za-z0-9_-]{1,100}$"},
    ),
    "key_id": ("The key's id", {"pattern": "^key_[0-9a-f]{16}$"}),
}


def in_both_languages(say: Callable[[int], str]) -> Bilingual:
    return say(0), say(1)


def reference(kind: str, name: str) -> str:
    return f"#/components/{kind}/{name}"


def path_parameter(name: str) -> dict:
    """A parameter in the path."""
    description, schema = PATH_PARAMETERS.get(name, ("", {}))
    if "type" not in schema:
        schema = {"type": "string", "minLength": 1, **schema}
    taken = {"name": name, "in": "path", "required": True, "schema": schema}
    return {**taken, "description": description}


def headers(names: Iterable[str], always: Iterable[str]) -> dict:
    """The headers of a response: *names* are optional, *always* are required."""
    always = [*always, "X-Request-ID"]
    known = {name: name for name in always}
    known |= {name: f"{name}-if-any" for name in names if name not in known}
    return {name: {"$ref": reference("headers", part)} for name, part in known.items()}


def shared_components() -> dict[str, dict]:
    """Shared headers and parameters, by their names in ``components``."""
    found: dict[str, dict] = {"headers": {}, "parameters": {}}
    for name, (description, schema) in HEADERS.items():
        header = {"description": description, "schema": schema}
        found["headers"][name] = {**header, "required": True}
        found["headers"][f"{name}-if-any"] = header
    for name, (description, schema) in HEADER_PARAMETERS.items():
        taken = {"name": name, "in": "header", "schema": schema}
        found["parameters"][name] = {**taken, "description": description}
    return found


def as_text(converter: object, field: fields.Field, **kwargs: object) -> dict:
    """The default pattern of text fields, for apispec."""
    stricter = {"pattern", "enum"} & {*field.metadata} or isinstance(
        field.validate, OneOf
    )
    return AS_TEXT if isinstance(field, Text) and not stricter else {}


def shaped(converter: object, field: fields.Field, **kwargs: object) -> dict:
    """The schema of metadata fields, which apispec cannot derive completely."""
    return getattr(field, "shape", {})


def described(converter: object, field: fields.Field, **kwargs: object) -> dict:
    """
    The description of a field with a default, for apispec.

    As JSON Schema's ``default``, generated clients would send it each time.
    """
    if "description" not in field.metadata or field.load_default in (missing, ""):
        return {}
    usual = json.dumps(field.load_default).strip('"')
    return {"description": f"{field.metadata['description']}; {usual} by default"}
