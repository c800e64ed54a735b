"""The language of the terminal."""

import os

from jimeng import i18n


def message(key: str, **values: object) -> str:
    """
    The message of *key* in the language of the terminal; an unknown key is returned as
    it is.
    """
    if key not in i18n.MESSAGES:
        return key
    return i18n.message(key, terminal_language(), **values)


def terminal_language() -> str:
    """The language of the terminal: Chinese, else English."""
    wanted = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if wanted.startswith("zh") else "en"
