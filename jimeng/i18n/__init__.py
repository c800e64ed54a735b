"""Messages of all interfaces, in Chinese and English."""

from pathlib import Path

from flask import has_request_context, request

from jimeng.errors import Invalid, JimengError
from jimeng.i18n.catalog import LANGUAGES, read_messages

COOKIE = "lang"
# ``error.<code>`` is for a request or a picture that failed.
MESSAGES, SINGULARS = read_messages(Path(__file__).parent)
# Prefix of message keys for stored values -> the message for unknown values.
FALLBACKS = {
    "error.": "error.not_understood",
    "answer.": "answer.unknown",
    "trouble.": "trouble.download_failed",
    "webhook.attempt.": "webhook.attempt.connection_failed",
    **dict.fromkeys(
        ("status.", "picture.", "task_list.tab.", "users.role_", "users.state_")
        + ("scope.", "step.", "failures.charged_", "failures.state_"),
        "status.unknown",
    ),
}
# Codes whose message for a request is another than for a picture.
OF_REQUESTS = {"budget_exceeded": "answer.budget_exceeded"}
# Interfaces whose clients are programs of others, which send no ``Accept-Language``.
ENGLISH = ("/v1/", "/api/v3/", "/mcp")
CACHED_LANGUAGE = "jimeng.language"  # in a request's WSGI environment


def language() -> str:
    """
    The language of this request: the one chosen on the page, else the one that
    ``Accept-Language`` prefers, else that of the interface. An API knows only the
    header.
    """
    if not has_request_context():
        return LANGUAGES[0]
    # Cached: a page needs it some hundred times.
    environ = request.environ
    if CACHED_LANGUAGE not in environ:
        environ[CACHED_LANGUAGE] = _requested_language()
    return environ[CACHED_LANGUAGE]


def _requested_language() -> str:
    if not request.path.startswith(("/api/", "/v1/")):
        chosen = request.cookies.get(COOKIE)
        if chosen in LANGUAGES:
            return chosen
    for tag, quality in request.accept_languages:  # the most wanted first
        spoken = tag.split("-")[0].lower()
        if spoken in LANGUAGES and quality > 0:
            return spoken
    return "en" if request.path.startswith(ENGLISH) else LANGUAGES[0]


def t(key: str, **values: object) -> str:
    """The message of *key* in the language of this request."""
    found = key if key in MESSAGES else _fallback_key(key)
    return message(found, language(), **values)


def message(key: str, spoken: str, /, **values: object) -> str:
    """The message of *key* in the language *spoken*; singular where ``n`` is 1."""
    if spoken == "en" and values.get("n") == 1 and key in SINGULARS:
        return SINGULARS[key].format(**values)
    return MESSAGES[key][LANGUAGES.index(spoken)].format(**values)


def _fallback_key(key: str) -> str:
    """The fallback for a stored value that only a later release has a message for."""
    return next((FALLBACKS[each] for each in FALLBACKS if key.startswith(each)), key)


def explain(error: JimengError) -> str:
    """The message of an error."""
    key = OF_REQUESTS.get(error.code, f"error.{error.code}")
    return t(key, **error.values)


def problems(error: JimengError) -> dict[str, list[str]]:
    """The messages of an error by field; "" for those that belong to no field."""
    if not isinstance(error, Invalid):
        return {error.form_field: [explain(error)]}
    return {
        name: [t(key, **values) if key in MESSAGES else key for key, values in wrong]
        for name, wrong in error.fields.items()
    }


def reasons(error: JimengError) -> list[str]:
    """The messages of an error, without fields."""
    return [message for each in problems(error).values() for message in each]


def in_language(texts: tuple[str, str]) -> str:
    """Choose from a Chinese and an English text by the language of this request."""
    return texts[LANGUAGES.index(language())]
