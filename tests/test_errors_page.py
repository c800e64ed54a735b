"""``docs/errors.md`` is made from the table that decides, and names all of it."""

from pathlib import Path

import pytest

from jimeng.cli.tables.errors import table
from jimeng.providers import PROVIDERS
from jimeng.providers.registry import CODES

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {"zh": "errors.md", "en": "errors.en.md"}


def rows() -> dict[str, list[str]]:
    """Our code -> the cells of its row, in English."""
    lines = [line.strip("| ").split(" | ") for line in table("en").splitlines()[2:]]
    return {cells[0].strip("`"): cells for cells in lines}


@pytest.mark.parametrize(("language", "name"), PAGES.items())
def test_documentation_is_that_of_the_table(app, language, name):
    """The command that the page names prints the part that must change."""
    said = (DOCS / name).read_text("utf-8")
    printed = f"provider errors --lang {language}"

    ended = app.test_cli_runner().invoke(args=printed.split())

    assert (ended.exit_code, ended.output) == (0, table(language))
    assert f"<!-- begin: flask --app app {printed} -->\n\n{ended.output}\n<!--" in said


@pytest.mark.parametrize(("locale", "language"), [("zh_CN.UTF-8", "zh"), ("C", "en")])
def test_tables_are_in_the_language_of_the_terminal(app, monkeypatch, locale, language):
    """Unless another is asked for."""
    monkeypatch.setenv("LC_ALL", locale)

    ended = app.test_cli_runner().invoke(args=["provider", "errors"])

    assert ended.output == table(language)


def test_every_code_has_a_row():
    """Each of ours once; each of the services' at least once."""
    assert set(rows()) == CODES
    assert all(f"`{code}`" in table("en") for p in PROVIDERS for code in p.rules)


def test_only_limits_and_the_unreachable_are_submitted_again():
    """Nothing else is certain not to have been accepted."""
    again = {code for code, cells in rows().items() if "then resubmits" in cells[-1]}

    assert again == {"rate_limited", "concurrency_limited", "provider_unreachable"}
