"""
The documents: links lead somewhere, the other language is one click away, and what is
printed there to be copied is the same, so that the tests which run it do so once.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jimeng.providers import PROVIDERS
from jimeng.providers.registry import CODES
from scripts.tables.errors import table
from tests.each import for_each

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for folder in (".", "docs", "docs/examples", "simulator")
    for page in ROOT.glob(f"{folder}/*.md")
)
PAIRS = [page for page in PAGES if page.name.endswith(".en.md")]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")


SHARED = {"CHANGELOG.md", "SECURITY.md"}  # one page for both languages


def test_pages_come_in_pairs():
    """Nobody has to read past what is said to others."""
    alone = {
        page.name
        for page in set(PAGES) - set(PAIRS)
        if not page.with_suffix(".en.md").exists()
    }

    assert alone == SHARED


@for_each("page", PAGES)
def test_links_lead_somewhere(page):
    links = LINK.findall(page.read_text("utf-8"))

    assert [each for each in links if not (page.parent / each).exists()] == []


@for_each("english", PAIRS)
def test_other_language_is_one_click_away(english):
    """In both directions, and each page leads on in its own language."""
    chinese = english.with_name(english.name.replace(".en.md", ".md"))
    pairs = {each.name for each in PAIRS}

    there = LINK.findall(chinese.read_text("utf-8"))
    back = LINK.findall(english.read_text("utf-8"))

    assert english.name in there
    assert [each for each in there if each.endswith(".en.md")] == [english.name]
    leading_on = {Path(each).name.replace(".md", ".en.md") for each in back} & pairs
    assert leading_on <= {english.name}


@for_each("index", ["README.md", "README.en.md"])
def test_index_names_every_page_once(index):
    suffix = index.removeprefix("README")
    is_english = suffix == ".en.md"
    docs = ROOT / "docs"
    pages = {
        page.relative_to(docs).as_posix()
        for page in docs.rglob(f"*{suffix}")
        if page.name.endswith(".en.md") == is_english
    }

    found = LINK.findall((docs / index).read_text("utf-8"))

    named = [each for each in found if not each.startswith(("../", "README"))]
    assert sorted(named) == sorted(pages - {index})


HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
ANCHOR = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub writes them."""
    headings = HEADING.findall(page.read_text("utf-8"))
    plain = (re.sub(r"\]\([^)]*\)|[^\w\- ]", "", each.lower()) for each in headings)
    return {each.strip().replace(" ", "-") for each in plain}


@for_each("page", PAGES)
def test_anchors_of_links_are_there(page):
    lost = [
        f"{name}#{anchor}"
        for name, anchor in ANCHOR.findall(page.read_text("utf-8"))
        if anchor not in anchors(page.parent / name if name else page)
    ]

    assert lost == []


# Of programs and settings; the others are pictures in letters.
FENCED = re.compile(r"^ *```(?!text|html)(\w+)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"(^|\s+)(#|//) .*")
# In quotation marks, or a word alone.
HAN = r"[\u3000-\u9fff\uff00-\uffef]"
SAID = re.compile(rf'(?<=")[^"]*{HAN}[^"]*(?=")|{HAN}+')


def lines(page) -> list[tuple[str, str]]:
    """Language and text of each line that is more than a comment."""
    every = [
        (kind, COMMENT.sub("", line).rstrip())
        for kind, block in FENCED.findall(page.read_text("utf-8"))
        for line in block.splitlines()
    ]
    return [(kind, line) for kind, line in every if line]


def pattern_of(line: str) -> str:
    """What a line is in the other language: what people say in it is said otherwise."""
    parts = SAID.split(line)
    return '[^"]*'.join(map(re.escape, parts))


@for_each("english", PAIRS)
def test_both_languages_print_the_same(english):
    """But for comments, and for what people say."""
    chinese = english.with_name(english.name.replace(".en.md", ".md"))
    ours, theirs = lines(chinese), lines(english)

    assert len(ours) == len(theirs)
    for (kind, line), (other, there) in zip(ours, theirs, strict=True):
        assert kind == other
        assert re.fullmatch(pattern_of(line), there), (line, there)


DOCS = Path(__file__).parents[1] / "docs"


def rows() -> dict[str, list[str]]:
    """Our code -> the cells of its row, in English."""
    lines = [line.strip("| ").split(" | ") for line in table("en").splitlines()[2:]]
    return {cells[0].strip("`"): cells for cells in lines}


@pytest.mark.parametrize(
    ("language", "name"), [("zh", "errors.md"), ("en", "errors.en.md")]
)
def test_documentation_is_that_of_the_table(language, name):
    """By the command that the page names."""
    said = (DOCS / name).read_text("utf-8")
    command = f"python -m scripts.tables errors --lang {language}"

    printed = subprocess.run(
        [sys.executable, *command.split()[1:]],
        cwd=DOCS.parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed == table(language)
    assert f"<!-- begin: {command} -->\n\n{printed}\n<!--" in said


def test_every_code_has_a_row():
    """Each of ours once; each of the services' at least once."""
    assert set(rows()) == CODES
    assert all(f"`{code}`" in table("en") for p in PROVIDERS for code in p.rules)


def test_only_limits_broken_checks_and_the_unreachable_are_submitted_again():
    """Nothing else is certain not to have been accepted."""
    again = {code for code, cells in rows().items() if "then resubmits" in cells[-1]}

    limits = {"rate_limited", "concurrency_limited"}
    assert again == {*limits, "moderation_unavailable", "provider_unreachable"}
