"""What can be done to very many documents: each kind says how, a batch at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jimeng.documents import BulkAction


@dataclass(frozen=True)
class DocumentBatch:
    """
    Some of what an action is about.

    Attributes:
        ids: Of the documents.
        at: When the batch was begun; with the token, what its changes are known by.
        cursor: Where the next batch begins, for kinds that need to know.
    """

    ids: Sequence[str]
    at: datetime
    token: str
    cursor: str | None = None


@dataclass(frozen=True)
class Counts:
    """How many of a batch it was done to, and how many were left out."""

    done: int
    left_out: int = 0


@dataclass(frozen=True)
class Kind:
    """
    One kind of bulk action.

    Attributes:
        select: The action, how many at most -> the ids that are next and the cursor
            behind them; no ids at the end.
        apply: Change a batch. Called again for the same batch it changes nothing
            twice, and counts the same.
        finish: What is left to do when no more are found; may be called twice.
        size: Of a batch, at most.
        counts: What `Counts.done` is called in the audit trail.
        creates: It makes tasks. A copy of the database does not go on with it, since
            its original does.
    """

    select: Callable[[BulkAction, int], tuple[Sequence[str], str | None]]
    apply: Callable[[BulkAction, DocumentBatch], Counts]
    finish: Callable[[BulkAction], None] = lambda action: None
    size: int = 500
    counts: str = "done"
    creates: bool = False


KINDS: dict[str, Kind] = {}


def register(name: str, kind: Kind) -> None:
    """Make a kind known; every process that works registers the same ones."""
    KINDS[name] = kind


def restorable_kinds() -> list[str]:
    """The names of those that a copy of the database may go on with."""
    return sorted(name for name, kind in KINDS.items() if not kind.creates)
