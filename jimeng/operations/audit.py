"""Read the audit trail: actions on other users' data, and who performed them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from jimeng.documents import AuditEntry, User
from jimeng.documents.cursors import Page, page_of
from jimeng.documents.principal import Principal

PAGE, BATCH = 50, 500  # entries


@dataclass(frozen=True)
class Entries(Page[AuditEntry]):
    """
    A page of entries, newest first.

    Attributes:
        names: User id -> name, of the users in them, as far as known.
    """

    names: dict[str, str] = field(default_factory=dict)


def page(principal: Principal, cursor: str | None = None, size: int = PAGE) -> Entries:
    """
    Read *size* entries of the trail, newest first.

    Raises:
        AdminsOnly: the principal is not an operator.
        Invalid: the cursor is malformed.
    """
    principal.require_operator("the audit trail")
    found = page_of(AuditEntry.collection(), {}, "at", cursor, size)
    entries = AuditEntry.read_all(found.rows)
    return Entries(entries, found.next_cursor, names(entries))


def pages(principal: Principal) -> Iterator[Entries]:
    """
    Read the whole trail, newest first, page by page.

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
    """User id -> name, of all users in the entries."""
    ids: set[str | None] = set()
    for entry in entries:
        fields = {**entry.details, **(entry.outcome or {})}
        ids |= {entry.by, entry.target, fields.get("user"), fields.get("of")}
    return User.names(each for each in ids if each)
