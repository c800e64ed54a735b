"""The manual, in both languages, names all that can be asked for, and nothing else."""

import re
from dataclasses import fields
from pathlib import Path

from jimeng.local.simulator.ark_responses import ERRORS
from jimeng.local.simulator.faults import ABOUT, ACTIONS, FAULT_MARKS, KINDS, is_kind
from jimeng.local.simulator.settings import Settings
from jimeng.local.simulator.visual_responses import BUSINESS, GATEWAY

DOCS = Path(__file__).parents[2] / "docs"
MANUALS = [
    (DOCS / each).read_text("utf-8") for each in ("simulator.md", "simulator.en.md")
]
EXAMPLES = set(re.findall(r"\[\[[\w. ]+\]\]", "".join(MANUALS), re.ASCII))
TO_BE_FILLED_IN = {"[[code]]", "[[poll code]]"}


def in_both(pattern: str) -> set[str]:
    return set.intersection(*(set(re.findall(pattern, each)) for each in MANUALS))


def test_every_name_and_number_is_in_the_manual():
    """Else nobody would find it: of the service, of the gateway, of the settings."""
    settings = {each.name for each in fields(Settings)}

    assert {*KINDS, *ERRORS, *settings, *ACTIONS} - in_both(r"`([\w.]+)`") == set()
    # The service's codes stand in lists without quotes.
    numbers = in_both(r"\b(?:50|100)\d{3}\b")
    assert {str(code) for code in (*BUSINESS, *GATEWAY)} - numbers == set()


def test_every_example_works():
    for words in EXAMPLES - TO_BE_FILLED_IN:
        ((prefix, kind, _),) = FAULT_MARKS.findall(words)
        is_known = any(is_kind(action, kind) for action in ABOUT[prefix])
        assert is_known, words
