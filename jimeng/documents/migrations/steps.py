"""The migration steps in order; their number is this release's data version."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """
    One migration of stored documents, run in batches without downtime.

    Batches are idempotent, and documents are valid before, during and after the step:
    two processes may run the same batch, and a kill at any moment loses nothing.

    Attributes:
        number: Its number; the first is 2, without gaps.
        sentence: A description for people.
        needs: The lowest code number that may run once the step has begun. Less than
            `number`: the previous release goes on meanwhile. 0 if the step removes
            nothing that earlier releases read.
        batch: Takes the key of the last processed document, "" at first; returns the
            key of the last one in its batch, or None if there are no more.
    """

    number: int
    sentence: str
    needs: int
    batch: Callable[[str], str | None]


# The schema number of release 0.1.0, the first one: the first step is number 2.
FIRST = 1
STEPS: tuple[Step, ...] = ()
CODE = STEPS[-1].number if STEPS else FIRST


def needed(schema: int) -> int:
    """Return the lowest code number that may use a database at this schema number."""
    return max((step.needs for step in STEPS if step.number <= schema), default=0)
