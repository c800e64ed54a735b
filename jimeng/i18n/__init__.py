"""The words of the interface, Chinese and English side by side."""

import inspect
from collections.abc import Callable

from flask import has_request_context, request

from jimeng.errors import Invalid, JimengError
from jimeng.i18n.batches import BATCHES
from jimeng.i18n.doctor import DOCTOR
from jimeng.i18n.errors import ERRORS
from jimeng.i18n.fields import FIELDS
from jimeng.i18n.mcp import MCP
from jimeng.i18n.model_fields import MODEL_FIELDS
from jimeng.i18n.outcomes import ANSWERS
from jimeng.i18n.pages import PAGES
from jimeng.i18n.ready import READY
from jimeng.i18n.webhooks import WEBHOOKS

LANGUAGES = ("zh", "en")
COOKIE = "lang"

MESSAGES: dict[str, tuple[str, str]] = {
    **ANSWERS,
    **BATCHES,
    **DOCTOR,
    **ERRORS,
    **FIELDS,
    **MCP,
    **MODEL_FIELDS,
    **PAGES,
    **READY,
    **WEBHOOKS,
}
# How the keys of words for what is stored begin -> what stands for unknown ones.
OTHERWISE = {
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
KEPT = "jimeng.language"  # in the environment of a request


def language() -> str:
    """
    The language of this request: the one chosen on the page, else the one that
    ``Accept-Language`` prefers, else Chinese. The API knows only the header.
    """
    if not has_request_context():
        return LANGUAGES[0]
    # A page asks for it some hundred times.
    environ = request.environ
    if KEPT not in environ:
        environ[KEPT] = _asked_for()
    return environ[KEPT]


def _asked_for() -> str:
    if not request.path.startswith(("/api/", "/v1/")):
        chosen = request.cookies.get(COOKIE)
        if chosen in LANGUAGES:
            return chosen
    for tag, quality in request.accept_languages:  # the most wanted first
        spoken = tag.split("-")[0].lower()
        if spoken in LANGUAGES and quality > 0:
            return spoken
    return LANGUAGES[0]


def t(key: str, **values: object) -> str:
    """Say *key* in the language of this request."""
    words = MESSAGES.get(key) or MESSAGES[_otherwise(key)]
    return in_language(words).format(**values)


def _otherwise(key: str) -> str:
    """What is said of something stored that only a later release has words for."""
    return next((OTHERWISE[each] for each in OTHERWISE if key.startswith(each)), key)


def explain(error: JimengError) -> str:
    """What a user is told of *error*."""
    return t(f"error.{error.code}", **error.values)


def problems(error: JimengError) -> dict[str, list[str]]:
    """What a user is told of *error*, by field; "" for what belongs to none."""
    if not isinstance(error, Invalid):
        return {error.beside: [explain(error)]}
    return {
        name: [t(key, **values) if key in MESSAGES else key for key, values in wrong]
        for name, wrong in error.fields.items()
    }


def reasons(error: JimengError) -> list[str]:
    """The same where no field has a place of its own for it."""
    return [words for each in problems(error).values() for words in each]


def in_language(words: tuple[str, str]) -> str:
    """The one of *words*, in Chinese and English, that this request wants."""
    return words[LANGUAGES.index(language())]


def docstring_words(function: Callable) -> dict[str, tuple[str, str]]:
    """
    What a view or a tool says of itself: ``summary``, the first line of its docstring,
    and ``description``, the rest if there is more; behind ``---`` it is in Chinese.
    """
    english, _, chinese = inspect.cleandoc(function.__doc__ or "").partition("\n---\n")
    said = []
    for text, joint in ((chinese or english, ""), (english, " ")):
        summary, *paragraphs = text.split("\n\n")
        lines = [joint.join(each.split("\n")) for each in paragraphs or [summary]]
        said.append((summary, "\n\n".join(lines)))
    summaries, descriptions = zip(*said, strict=True)
    return {"summary": summaries, "description": descriptions}
