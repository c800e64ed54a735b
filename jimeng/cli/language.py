"""The language of the terminal."""

import os

from jimeng.i18n import LANGUAGES, MESSAGES


def words(key: str) -> str:
    """Say *key* in the language of the terminal."""
    return MESSAGES[key][LANGUAGES.index(spoken_here())]


def say(key: str, **values: object) -> str:
    """The same, filled with *values*; of a key that there is not, the key."""
    return words(key).format(**values) if key in MESSAGES else key


def spoken_here() -> str:
    """The language of the terminal: Chinese, else English."""
    wanted = os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if wanted.startswith("zh") else "en"
