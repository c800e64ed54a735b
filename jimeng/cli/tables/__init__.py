"""The tables of the documents that are made from the code."""

from collections.abc import Iterable

from jimeng.i18n import LANGUAGES


def spoken(text: str, language: str) -> str:
    """The half of "中文 / English" that *language* wants; all of it without halves."""
    halves = text.split(" / ")
    return halves[LANGUAGES.index(language)] if len(halves) > 1 else text


def line(cells: Iterable[str]) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |\n"


def head(titles: Iterable[str], language: str) -> str:
    """The title of each column, and the line below them."""
    names = [spoken(title, language) for title in titles]
    return line(names) + line(["---"] * len(names))
