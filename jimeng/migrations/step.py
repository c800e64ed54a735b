"""What a step is."""

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
