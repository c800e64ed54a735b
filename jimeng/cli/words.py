"""The language of the terminal."""

import os

from jimeng.i18n import LANGUAGES, MESSAGES


def words(key: str) -> str:
    """Say *key* in the language of the terminal."""
    return MESSAGES[key][LANGUAGES.index(spoken_here())]


def spoken_here() -> str:
    """The language of the terminal: Chinese, else English."""
    wanted = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if wanted.startswith("zh") else "en"
