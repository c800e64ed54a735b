"""The words of the interface, Chinese and English side by side."""

from flask import has_request_context, request

from jimeng.i18n.answers import ANSWERS
from jimeng.i18n.errors import ERRORS
from jimeng.i18n.fields import FIELDS
from jimeng.i18n.pages import PAGES
from jimeng.i18n.reference import REFERENCE

LANGUAGES = ("zh", "en")
COOKIE = "lang"

MESSAGES: dict[str, tuple[str, str]] = {
    **ANSWERS,
    **ERRORS,
    **FIELDS,
    **PAGES,
    **REFERENCE,
}


def language() -> str:
    """
    The language of this request: the one chosen on the page, else the one that
    ``Accept-Language`` prefers, else Chinese. The API knows only the header.
    """
    if not has_request_context():
        return LANGUAGES[0]
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES and not request.path.startswith("/api/"):
        return chosen
    for tag, quality in request.accept_languages:  # the most wanted first
        spoken = tag.split("-")[0].lower()
        if spoken in LANGUAGES and quality > 0:
            return spoken
    return LANGUAGES[0]


def t(key: str, **values: object) -> str:
    """Say *key* in the language of this request."""
    return MESSAGES[key][LANGUAGES.index(language())].format(**values)
