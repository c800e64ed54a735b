"""The migration steps in order; their number is this release's data version."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """
    One change of what is stored, made in batches while everything serves.

    Repeating a batch changes nothing, and the documents are good before, between and
    after: two may work on the same batch, and a kill at any moment loses nothing.

    Attributes:
        number: Its place; the first is 2, and there are no gaps.
        sentence: What it does.
        needs: The code that must be at work at least once it has begun, less than
            `number`: the release before goes on meanwhile. 0 where nothing is taken
            away that earlier releases read.
        batch: Takes the key of the last document that was done, "" at first, and
            returns that of the last one it did, or None where there are no more.
    """

    number: int
    sentence: str
    needs: int
    batch: Callable[[str], str | None]


# Of release 0.1.0, before which there were none: the first step is number 2.
FIRST = 1
STEPS: tuple[Step, ...] = ()
CODE = STEPS[-1].number if STEPS else FIRST


def needed(schema: int) -> int:
    """The code that is needed at least for a database on which so much was done."""
    return max((step.needs for step in STEPS if step.number <= schema), default=0)
