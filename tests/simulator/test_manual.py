"""The manual, in both languages, names all that can be asked for, and nothing else."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from jimeng.local.simulator.answers import BUSINESS, GATEWAY
from jimeng.local.simulator.ark_answers import ERRORS
from jimeng.local.simulator.faults import ACTIONS, WORDS, is_kind
from jimeng.local.simulator.kinds import KINDS
from jimeng.local.simulator.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
MANUALS = [
    (DOCS / name).read_text("utf-8") for name in ("simulator.md", "simulator.en.md")
]
QUOTED = set.intersection(*(set(re.findall(r"`([\w.]+)`", each)) for each in MANUALS))
# The service's codes stand in lists without quotes.
NUMBERS = set.intersection(
    *(set(re.findall(r"\b(?:50|100)\d{3}\b", each)) for each in MANUALS)
)
EXAMPLES = {
    words
    for each in MANUALS
    for words in re.findall(r"\[\[[\w. ]+\]\]", each, re.ASCII)
}
TO_BE_FILLED_IN = {"[[code]]", "[[poll code]]", "[[callback code]]"}
SPECIAL = {"revived"}


@pytest.mark.parametrize("name", [*KINDS, *ERRORS])
def test_every_name_is_in_the_manual(name):
    """Else nobody would find it."""
    assert name in QUOTED


@pytest.mark.parametrize("code", [*BUSINESS, *GATEWAY])
def test_every_number_is_in_the_manual(code):
    """Of the service and of the gateway."""
    assert str(code) in NUMBERS


@pytest.mark.parametrize("name", [each.name for each in fields(Settings)])
def test_every_setting_is_in_the_manual(name):
    """With what it does."""
    assert name in QUOTED


@pytest.mark.parametrize("words", sorted(EXAMPLES - TO_BE_FILLED_IN))
def test_every_example_works(words):
    """What the manual tells people to write is understood."""
    ((prefix, kind, _),) = WORDS.findall(words)
    actions = [prefix] if prefix else ["submit", "process", "ark"]

    assert kind in SPECIAL or any(is_kind(action, kind) for action in actions)


def test_every_action_is_in_the_manual():
    """All six of them."""
    assert set(ACTIONS) <= QUOTED
