"""Kinds of bulk actions: how to select, apply and finish batches of documents."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jimeng.documents import BulkAction


@dataclass(frozen=True)
class DocumentBatch:
    """
    A batch of the documents of an action.

    Attributes:
        ids: Of the documents.
        at: When the batch was begun; with the token, it identifies the batch's changes.
        cursor: Where the next batch begins, for kinds that need one.
    """

    ids: Sequence[str]
    at: datetime
    token: str
    cursor: str | None = None


@dataclass(frozen=True)
class Counts:
    """How many documents of a batch were changed, and how many skipped."""

    done: int
    left_out: int = 0


@dataclass(frozen=True)
class Kind:
    """
    One kind of bulk action.

    Attributes:
        select: Called with the action and the maximum number; returns the next ids and
            the cursor after them, no ids at the end.
        apply: Change a batch. Idempotent: a repeated call counts the same.
        finish: Called after the last batch; may be called twice.
        size: Maximum size of a batch.
        counts: The name of `Counts.done` in the audit trail.
        creates: It creates tasks. A restored copy of the database does not continue it,
            since the original does.
    """

    select: Callable[[BulkAction, int], tuple[Sequence[str], str | None]]
    apply: Callable[[BulkAction, DocumentBatch], Counts]
    finish: Callable[[BulkAction], None] = lambda action: None
    size: int = 500
    counts: str = "done"
    creates: bool = False


KINDS: dict[str, Kind] = {}


def register(name: str, kind: Kind) -> None:
    """Register a kind; every process that runs bulk actions registers the same ones."""
    KINDS[name] = kind


def restorable_kinds() -> list[str]:
    """The names of the kinds that a restored copy of the database may continue."""
    return sorted(name for name, kind in KINDS.items() if not kind.creates)
