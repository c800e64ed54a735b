"""The parts of the document that many operations share, and its words."""

from collections.abc import Iterator
from itertools import chain

from jimeng.documents import Status
from jimeng.i18n import MESSAGES
from jimeng.i18n.operations import REQUEST_TEXTS
from jimeng.schemas.fields import AS_USER_ID

TEXT = {"type": "string"}
SECONDS = {"type": "integer", "minimum": 0}
KEY = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
LANGUAGE = {"type": "string", "examples": ["zh", "en"]}
HEADERS = {
    "X-Request-ID": TEXT,
    "Location": {"type": "string", "format": "uri-reference"},
    "Retry-After": SECONDS,
    "Idempotent-Replayed": {"type": "string", "enum": ["true"]},
    "Link": TEXT,
    "ETag": TEXT,
    "RateLimit-Policy": TEXT,
    "RateLimit": TEXT,
}
TAKEN = {
    "X-Request-ID": TEXT,  # whatever is not sane is replaced
    "Accept-Language": LANGUAGE,
    "If-None-Match": TEXT,
    "Idempotency-Key": KEY,
}
PATH_ID = {"type": "string", "minLength": 1}


def reference(kind: str, name: str) -> str:
    return f"#/components/{kind}/{name}"


def wrapped(data: object, *, next_page: bool = False) -> dict:
    """The envelope of a success around the schema *data*."""
    properties: dict = {"success": {"type": "boolean", "enum": [True]}, "data": data}
    if next_page:
        properties["next_cursor"] = {"type": ["string", "null"]}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def common_parts(language: int) -> dict[str, dict]:
    """Headers and parameters, by the names that `reference` gives them."""
    said = {name: words[language] for name, words in REQUEST_TEXTS.items()}
    found: dict[str, dict] = {"headers": {}, "parameters": {}}
    for name, schema in HEADERS.items():
        header = {"description": said[name], "schema": schema}
        found["headers"][name] = {**header, "required": True}
        found["headers"][f"{name}-if-any"] = header
    for name, schema in TAKEN.items():
        taken = {"name": name, "in": "header", "schema": schema}
        found["parameters"][name] = {**taken, "description": said[name]}
    for key, name, words, schema in (
        ("task_id", "task_id", "task_id", PATH_ID),
        ("user_id", "user_id", "path_user_id", PATH_ID),
        ("key_id", "key_id", "path_key_id", PATH_ID),
        ("any_user_id", "user_id", "path_user_id", {**TEXT, **AS_USER_ID}),
    ):
        taken = {"name": name, "in": "path", "required": True, "schema": schema}
        found["parameters"][key] = {**taken, "description": said[words]}
    return found


def described(document: dict, language: int) -> dict:
    """
    Put the words of ``i18n`` to every field and parameter.

    Raises:
        KeyError: a field has none.
    """
    for name, schema in document["components"]["schemas"].items():
        for field, shape in schema.get("properties", {}).items():
            describe(shape, name, field, language)
    for operation in operations(document):
        for parameter in operation["parameters"]:
            if parameter.get("in") == "query":
                field = parameter["name"]
                schema = "ByCursor" if "/user/" in operation["x-path"] else ""
                describe(parameter, schema, field, language)
                if (schema, field) == ("ByCursor", "status"):
                    parameter["schema"]["enum"] = list(Status)
        del operation["x-path"]
        answers = operation["responses"].values()
        for shape in chain.from_iterable(map(envelopes, answers)):
            for field in {"data", "next_cursor"} & set(shape.get("properties", {})):
                describe(shape["properties"][field], "", field, language)
    return document


def operations(document: dict) -> Iterator[dict]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            operation["x-path"] = path
            yield operation


def envelopes(answer: dict) -> Iterator[dict]:
    for content in answer.get("content", {}).values():
        yield content["schema"]


def describe(shape: dict, schema: str, field: str, language: int) -> None:
    own, general = f"field.{schema}.{field}", f"field.{field}"
    words = MESSAGES.get(own) or MESSAGES[PARENTS.get(own, general)]
    shape["description"] = words[language]


# Fields that mean what they mean in the schema they came from.
PARENTS = {
    "field.NewImageTask.images": "field.ImageFields.images",
    "field.NewGeneralTask.images": "field.ImageFields.images",
    "field.CancelSeveral.status": "field.SeveralTasks.status",
    "field.RetrySeveral.status": "field.SeveralTasks.status",
    "field.CancelOutcomes.failed": "field.Counted.failed",
    "field.RetryOutcomes.failed": "field.Counted.failed",
}
