"""What docs/security.md and docs/asvs.md name is there: tests, and files."""

import ast
import re
from pathlib import Path

import pytest

from jimeng.config import Config
from tests.each import for_each

ROOT = Path(__file__).parent.parent.parent
PAGES = ("docs/security.md", "docs/security.en.md")
STANDARD = ("docs/asvs.md", "docs/asvs.en.md")
SHOWN = re.compile(r"`([^`]+)`")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def named(page: str) -> list[tuple[str, str]]:
    return NAMED.findall((ROOT / page).read_text("utf-8"))


def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES)
def test_page_names_what_there_is(page):
    """Whoever renames a test changes the page, too, in both languages. Of secrets that
    are settings it tells by name how they are changed."""
    missing = [(f, name) for f, name in named(page) if name not in names_in(f)]
    last = (ROOT / page).read_text("utf-8").rpartition("## ")[2]

    assert missing == []
    assert len(named(page)) > 50
    assert named(page) == named(PAGES[0])
    names = ("SECRET_KEY", "ARK_API_KEY", "ADMIN_PASSWORD", "MONGODB_URI", "REDIS_URL")
    for name in (*names, "VOLCENGINE_ACCESS_KEY", "VOLCENGINE_SECRET_KEY"):
        assert name in Config.__dataclass_fields__
        assert f"`{name}`" in last


def shown(page: str) -> list[str]:
    """The files and tests of the last column, by which a requirement is met."""
    lines = (ROOT / page).read_text("utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith("| ")]
    return [name for row in rows if len(row) == 4 for name in SHOWN.findall(row[-1])]


@pytest.mark.parametrize("page", STANDARD)
def test_what_shows_that_the_standard_is_met_exists(page):
    parts = [name.partition("::") for name in shown(page)]
    missing = [
        (file, test)
        for file, _, test in parts
        if not (ROOT / file).is_file() or (test and test not in names_in(file))
    ]

    assert missing == []
    assert len(parts) > 50
    assert shown(page) == shown(STANDARD[0])
    chapters = re.findall(r"^## V(\d+) ", (ROOT / page).read_text("utf-8"), re.M)
    assert [int(number) for number in chapters] == list(range(1, 18))


@for_each("file", sorted(Path(__file__).parent.glob("test_*.py")))
def test_every_file_of_attacks_is_named(file):
    """What is tried here stands on the page."""
    name = str(file.relative_to(ROOT))

    assert name == str(Path(__file__).relative_to(ROOT)) or name in dict(
        named(PAGES[0])
    )
