"""The language of the terminal."""

import os

from jimeng.i18n import LANGUAGES, MESSAGES


def message(key: str) -> str:
    """The message of *key* in the language of the terminal."""
    return MESSAGES[key][LANGUAGES.index(terminal_language())]


def formatted_message(key: str, **values: object) -> str:
    """The same, formatted with *values*; an unknown key is returned as it is."""
    return message(key).format(**values) if key in MESSAGES else key


def terminal_language() -> str:
    """The language of the terminal: Chinese, else English."""
    wanted = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if wanted.startswith("zh") else "en"
