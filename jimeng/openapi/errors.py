"""The errors that an operation may answer with, each with its words and status."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from jimeng.errors import JimengError
from jimeng.i18n import MESSAGES

HTTP_STATUSES = {
    "bad_request": 400,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_too_large": 413,
    "unsupported_media_type": 415,
    "not_supported_yet": 422,
    "not_ready": 503,
}
WORDS_WITH_FIELDS = {"validation_failed", "not_supported_yet"}
# Codes whose words stand elsewhere.
KEYS = {
    "not_supported_yet": "invalid.not_supported_yet",
    "not_ready": "answer.not_ready",
}
RETRY_LATER = {429, 503}


def statuses() -> dict[str, int]:
    """Code -> HTTP status, of all errors that a request can be answered with."""

    def each(kind: type[JimengError]) -> Iterator[type[JimengError]]:
        yield kind
        for below in kind.__subclasses__():
            yield from each(below)

    return HTTP_STATUSES | {kind.code: kind.status for kind in each(JimengError)}


def by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    """The codes sorted by their status, each once."""
    known = statuses()
    found: dict[int, list[str]] = defaultdict(list)
    for code in dict.fromkeys(codes):
        found[known[code]].append(code)
    return dict(sorted(found.items()))


def words(code: str, language: int) -> str:
    """What *code* means; values that are not known yet stand as an ellipsis."""
    text = MESSAGES[KEYS.get(code, f"error.{code}")][language]
    return text.format_map(defaultdict(lambda: "…"))


def example(code: str, language: int) -> dict:
    """An answer with *code*, as it might be."""
    body: dict = {
        "success": False,
        "error": code,
        "message": words(code, language),
        "request_id": "3f2a9c0d5b7e4c1a8d6f0e12",
    }
    if code in WORDS_WITH_FIELDS:
        name, key = ("n", "invalid.range")
        if code == "not_supported_yet":
            name, key = ("images", "invalid.not_supported_yet")
        values = {"min": 1, "max": 4}
        body["errors"] = {name: [MESSAGES[key][language].format(**values)]}
    if code == "not_ready":
        missing = ["redis"]
        text = MESSAGES["answer.not_ready"][language].format(missing="redis")
        body |= {"message": text, "status": "unavailable", "missing": missing}
    return {"summary": words(code, language), "value": body}
