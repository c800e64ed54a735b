"""The audit trail is read: what was done to what is another's, and by whom."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from jimeng.documents import AuditEntry, User
from jimeng.documents.cursors import Page, page_of
from jimeng.documents.principal import Principal

PAGE, BATCH = 50, 500  # entries


@dataclass(frozen=True)
class Entries(Page[AuditEntry]):
    """
    Some of the entries, newest first.

    Attributes:
        names: The names that the users' ids in them stand for, as far as known.
    """

    names: dict[str, str] = field(default_factory=dict)


def page(principal: Principal, cursor: str | None = None, size: int = PAGE) -> Entries:
    """
    Read the trail, newest first, *size* entries of it.

    Raises:
        AdminsOnly: it is the operator's to see.
        Invalid: the cursor is not one of ours.
    """
    principal.require_operator("the audit trail")
    found = page_of(AuditEntry.collection(), {}, "at", cursor, size)
    entries = AuditEntry.read_all(found.rows)
    return Entries(entries, found.next_cursor, names(entries))


def pages(principal: Principal) -> Iterator[Entries]:
    """
    Read the whole trail, newest first, some at a time.

    Raises:
        AdminsOnly: before the first is read.
    """
    principal.require_operator("the audit trail")
    return _pages(principal)


def _pages(principal: Principal) -> Iterator[Entries]:
    found = page(principal, size=BATCH)
    yield found
    while found.next_cursor:
        found = page(principal, found.next_cursor, BATCH)
        yield found


def names(entries: list[AuditEntry]) -> dict[str, str]:
    """User id -> name, of all that the entries speak of."""
    ids: set[str | None] = set()
    for entry in entries:
        told = {**entry.details, **(entry.outcome or {})}
        ids |= {entry.by, entry.target, told.get("user"), told.get("of")}
    return User.names(each for each in ids if each)
