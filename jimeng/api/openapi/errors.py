"""The errors that an operation may answer with, each with its words and status."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from jimeng.api.openapi.parts import Words, both
from jimeng.errors import JimengError
from jimeng.i18n import MESSAGES

HTTP_STATUSES = {
    "bad_request": 400,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_too_large": 413,
    "uri_too_long": 414,
    "unsupported_media_type": 415,
    "headers_too_large": 431,
    "not_ready": 503,
}
# What the server answers itself, before anybody has read the request.
OF_THE_SERVER = ["uri_too_long", "headers_too_large"]
WITH_FIELDS = {
    "validation_failed": ("n", "invalid.range"),
}
# Codes whose words stand elsewhere.
KEYS = {
    "not_ready": "answer.not_ready",
    "model_not_found": "invalid.model",
}
RETRY_LATER = {429, 503}
REQUEST_ID = "3f2a9c0d5b7e4c1a8d6f0e12"  # of examples


def statuses() -> dict[str, int]:
    """Code -> HTTP status, of all errors that a request can be answered with."""

    def each(kind: type[JimengError]) -> Iterator[type[JimengError]]:
        yield kind
        for below in kind.__subclasses__():
            yield from each(below)

    own = [kind for kind in each(JimengError) if "code" in vars(kind)]
    return HTTP_STATUSES | {kind.code: kind.status for kind in own}


def by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    """The codes sorted by their status, each once."""
    known = statuses()
    found: dict[int, list[str]] = defaultdict(list)
    for code in dict.fromkeys(codes):
        found[known[code]].append(code)
    return dict(sorted(found.items()))


def words(code: str) -> Words:
    """What *code* means; values that are not known yet stand as an ellipsis."""
    texts = MESSAGES[KEYS.get(code, f"error.{code}")]
    return both(lambda spoken: texts[spoken].format_map(defaultdict(lambda: "…")))


def example(code: str) -> dict:
    """An answer with *code*, as it might be."""
    body: dict = {
        "success": False,
        "error": code,
        "message": words(code),
        "request_id": REQUEST_ID,
    }
    if code in WITH_FIELDS:
        name, key = WITH_FIELDS[code]
        reason = both(lambda spoken: MESSAGES[key][spoken].format(min=1, max=4))
        body["errors"] = {name: [reason]}
    if code == "not_ready":
        said = both(lambda s: MESSAGES["answer.not_ready"][s].format(missing="redis"))
        body |= {"message": said, "status": "unavailable", "missing": ["redis"]}
    return {"summary": words(code), "value": body}
