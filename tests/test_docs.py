"""
The documents: links lead somewhere, the other language is one click away, and what is
printed there to be copied is the same, so that the tests which run it do so once.
"""

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
