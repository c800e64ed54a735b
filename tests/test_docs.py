"""The documents: links lead somewhere, and the other language is one click away."""

import re
from pathlib import Path

from tests.each import for_each

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
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
