"""
What the documents print to be copied is the same in both languages, so that the tests
which run it do so once.
"""

import re

from tests.each import for_each
from tests.test_docs import PAIRS

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
