"""The audit trail is read: what was done to what is another's, and by whom."""

from dataclasses import dataclass

from jimeng.documents import AuditEntry, User
from jimeng.documents.cursors import after, cut_page
from jimeng.viewers import Viewer

PAGE = 50  # entries


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


def page(viewer: Viewer, cursor: str | None = None) -> Page:
    """
    Read the trail, newest first.

    Raises:
        AdminsOnly: it is the operator's to see.
        Invalid: the cursor is not one of ours.
    """
    viewer.require_operator("the audit trail")
    where = after(cursor, "at") if cursor else {}
    rows = AuditEntry.collection().find(where).sort([("at", -1), ("_id", -1)])
    found, next_cursor = cut_page(list(rows.limit(PAGE + 1)), PAGE, "at")
    entries = [AuditEntry._from_son(row) for row in found]
    return Page(entries, names(entries), next_cursor)


def names(entries: list[AuditEntry]) -> dict[str, str]:
    """User id -> name, of all that the entries speak of."""
    ids: set[str | None] = set()
    for entry in entries:
        told = {**entry.details, **(entry.outcome or {})}
        ids |= {entry.by, entry.target, told.get("user"), told.get("of")}
    return User.names(each for each in ids if each)
