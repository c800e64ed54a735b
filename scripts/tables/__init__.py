"""Tables of the documentation that are generated from the code."""

from collections.abc import Iterable

from jimeng.i18n import LANGUAGES


def in_language(text: str, language: str) -> str:
    """The part of "中文 / English" in *language*; the whole text if it has no parts."""
    halves = text.split(" / ")
    return halves[LANGUAGES.index(language)] if len(halves) > 1 else text


def table_row(cells: Iterable[str]) -> str:
    """A row of a table in Markdown."""
    return f"| {' | '.join(cells)} |\n"


def head(titles: Iterable[str], language: str) -> str:
    """The title of each column, and the line below them."""
    names = [in_language(title, language) for title in titles]
    return table_row(names) + table_row(["---"] * len(names))
