"""The audit trail is read: what was done to what is another's, and by whom."""

from collections.abc import Iterator
from dataclasses import dataclass

from jimeng.documents import AuditEntry, User
from jimeng.documents.cursors import page_of
from jimeng.viewers import Viewer

PAGE, BATCH = 50, 500  # entries


@dataclass(frozen=True)
class Page:
    """
    Some of the entries, newest first.

    Attributes:
        names: The names that the users' ids in them stand for, as far as known.
    """

    entries: list[AuditEntry]
    names: dict[str, str]
    next_cursor: str | None


def page(viewer: Viewer, cursor: str | None = None, size: int = PAGE) -> Page:
    """
    Read the trail, newest first, *size* entries of it.

    Raises:
        AdminsOnly: it is the operator's to see.
        Invalid: the cursor is not one of ours.
    """
    viewer.require_operator("the audit trail")
    rows, next_cursor = page_of(AuditEntry.collection(), {}, "at", cursor, size)
    entries = AuditEntry.read_all(rows)
    return Page(entries, names(entries), next_cursor)


def pages(viewer: Viewer) -> Iterator[Page]:
    """
    Read the whole trail, newest first, some at a time.

    Raises:
        AdminsOnly: before the first is read.
    """
    viewer.require_operator("the audit trail")
    return _pages(viewer)


def _pages(viewer: Viewer) -> Iterator[Page]:
    found = page(viewer, size=BATCH)
    yield found
    while found.next_cursor:
        found = page(viewer, found.next_cursor, BATCH)
        yield found


def names(entries: list[AuditEntry]) -> dict[str, str]:
    """User id -> name, of all that the entries speak of."""
    ids: set[str | None] = set()
    for entry in entries:
        told = {**entry.details, **(entry.outcome or {})}
        ids |= {entry.by, entry.target, told.get("user"), told.get("of")}
    return User.names(each for each in ids if each)
