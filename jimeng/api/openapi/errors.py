"""The errors of an operation, each with its message and HTTP status."""

from collections import defaultdict
from collections.abc import Iterable

from jimeng.api.openapi.parts import Bilingual, in_both_languages
from jimeng.errors import statuses
from jimeng.i18n import MESSAGES, OF_REQUESTS

# Sent by the server itself before the application reads the request.
OF_THE_SERVER = ["uri_too_long", "headers_too_large"]
WITH_FIELDS = {
    "validation_failed": ("n", "invalid.range"),
}
# Codes whose message has another key.
MESSAGE_KEYS = {
    **OF_REQUESTS,
    "not_ready": "answer.not_ready",
    "model_not_found": "invalid.model",
}
RETRY_LATER = {429, 503}
REQUEST_ID = "3f2a9c0d5b7e4c1a8d6f0e12"  # of examples


def by_status(codes: Iterable[str]) -> dict[int, list[str]]:
    """The codes grouped by status, without duplicates."""
    known = statuses()
    found: dict[int, list[str]] = defaultdict(list)
    for code in dict.fromkeys(codes):
        found[known[code]].append(code)
    return dict(sorted(found.items()))


def message_of(code: str) -> Bilingual:
    """The message of *code*; placeholders are shown as an ellipsis."""
    texts = MESSAGES[MESSAGE_KEYS.get(code, f"error.{code}")]
    return in_both_languages(
        lambda spoken: texts[spoken].format_map(defaultdict(lambda: "…"))
    )


def example(code: str) -> dict:
    """An example response with *code*."""
    body: dict = {
        "success": False,
        "error": code,
        "message": message_of(code),
        "request_id": REQUEST_ID,
    }
    if code in WITH_FIELDS:
        name, key = WITH_FIELDS[code]
        reason = in_both_languages(
            lambda spoken: MESSAGES[key][spoken].format(min=1, max=4)
        )
        body["errors"] = {name: [reason]}
    if code == "not_ready":
        said = in_both_languages(
            lambda s: MESSAGES["answer.not_ready"][s].format(missing="redis")
        )
        body |= {"message": said, "status": "unavailable", "missing": ["redis"]}
    return {"summary": message_of(code), "value": body}
