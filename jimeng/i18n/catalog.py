"""
Read the messages: one TOML file for each area, both languages side by side.

A table is a message; its name is the key. ``en_one`` is the English text where the
placeholder ``n`` is 1.
"""

import string
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

LANGUAGES = ("zh", "en")
ONE = "en_one"


def read_messages(folder: Path) -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """
    Read all files below *folder*.

    Returns:
        Key -> Chinese and English text; key -> English text for one.

    Raises:
        ValueError: a file is no TOML, a key has two homes, a language is missing, or
            the placeholders of the texts differ; names the file and the key.
    """
    messages: dict[str, tuple[str, str]] = {}
    singulars: dict[str, str] = {}
    homes: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.toml")):
        try:
            tables = tomllib.loads(path.read_text("utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{path}: {error}") from error
        for key, texts in _messages_in(tables):
            if key in homes:
                raise ValueError(f"{path}: {key} is in {homes[key]}, too")
            homes[key] = path
            if fault := _fault_of(texts):
                raise ValueError(f"{path}: {key} {fault}")
            messages[key] = texts["zh"], texts["en"]
            if ONE in texts:
                singulars[key] = texts[ONE]
    return messages, singulars


def _messages_in(tables: dict, prefix: str = "") -> Iterator[tuple[str, dict]]:
    """The messages of a file; one may have others below it: ``a.b`` and ``a.b.c``."""
    texts = {name: each for name, each in tables.items() if not isinstance(each, dict)}
    if texts:
        yield prefix.removesuffix("."), texts
    for name, inner in tables.items():
        if isinstance(inner, dict):
            yield from _messages_in(inner, f"{prefix}{name}.")


def _fault_of(texts: Mapping[str, object]) -> str | None:
    for language in LANGUAGES:
        if not texts.get(language):
            return f"has no text in {language}"
    if unknown := {*texts} - {*LANGUAGES, ONE}:
        return f"has {', '.join(sorted(unknown))}"
    if wrong := [name for name, each in texts.items() if not isinstance(each, str)]:
        return f"has no text in {wrong[0]}"
    needed = {name: _placeholders(str(each)) for name, each in texts.items()}
    if needed["zh"] != needed["en"]:
        return "has unlike placeholders"
    if ONE in needed and not needed[ONE] <= needed["en"] | {"n"} <= needed["en"]:
        return f"has unlike placeholders in {ONE}, or no n"
    return None


def _placeholders(text: str) -> set[str]:
    if "{" not in text:
        return set()
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}
