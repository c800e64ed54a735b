"""
The texts of the reference. In the code they are English; ``chinese.toml`` has the
Chinese of each, complete by a test.
"""

import functools
import inspect
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jimeng.i18n import LANGUAGES

TEXTS = {"description", "summary"}  # the keys of texts in a document
EXAMPLES = {"example", "examples", "value"}
WITH_DEFAULT = re.compile(r"(.+); (.+) by default", re.DOTALL)


def docstring_texts(function: Callable) -> dict[str, str]:
    """
    Parse the docstring of a view or a tool: ``summary``, its first line, and
    ``description``, the rest, or the same.
    """
    summary, *paragraphs = inspect.cleandoc(function.__doc__ or "").split("\n\n")
    lines = [" ".join(each.split("\n")) for each in paragraphs or [summary]]
    return {"summary": summary, "description": "\n\n".join(lines)}


def translated(node: Any, language: str, *, is_example: bool = False) -> Any:
    """
    A document, or a part of it, in a language.

    Args:
        node: JSON with English texts. A pair is an example in Chinese and in English:
            no other tuples occur.
        is_example: It is inside an example, where a ``description`` is a client's.
    """
    if isinstance(node, tuple):
        return node[LANGUAGES.index(language)]
    if isinstance(node, list):
        return [translated(each, language, is_example=is_example) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        name: translated_text(inner, language, name)
        if name in TEXTS and isinstance(inner, str) and not is_example
        else translated(inner, language, is_example=is_example or name in EXAMPLES)
        for name, inner in node.items()
    }


def translated_text(english: str, language: str, kind: str = "description") -> str:
    """A ``description`` or a ``summary`` in a language."""
    if language == "en":
        return english
    for texts in (chinese()[kind], chinese()["description"]):
        if english in texts:
            return texts[english]
    if found := WITH_DEFAULT.fullmatch(english):
        return f"{translated_text(found[1], language)}；默认 {found[2]}"
    return english


@functools.cache
def chinese() -> dict[str, dict[str, str]]:
    """English -> Chinese: of descriptions, and of summaries that differ from those."""
    return tomllib.loads(Path(__file__).with_name("chinese.toml").read_text("utf-8"))
