"""The audit trail: every action of an operator's, written before it is done."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jimeng.documents import AuditEntry, User, left_over
from jimeng.documents.cursors import after, cut_page
from jimeng.errors import JimengError
from jimeng.viewers import Viewer

log = logging.getLogger(__name__)

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


@contextmanager
def recorded(
    viewer: Viewer, action: str, target: str | None = None, **details: object
) -> Iterator[dict]:
    """
    Write down what is about to be done, and afterwards what came of it.

    Yields:
        A dict to put the outcome into: counts, as JSON. An error's code is added by
        itself. An entry without an outcome is one whose process died.
    """
    entry = AuditEntry(by=viewer.user_id, action=action, target=target, details=details)
    AuditEntry.collection().insert_one(entry.to_mongo())
    log.info("operator acts by=%s action=%s target=%s", entry.by, action, target)
    outcome: dict = {}
    try:
        yield outcome
    except JimengError as error:
        AuditEntry.close(entry.id, {**outcome, "error": error.code})
        raise
    with left_over("outcome of an action"):  # which is done
        AuditEntry.close(entry.id, outcome or {"ok": True})


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
        ids |= {entry.by, entry.target, told.get("user")}
    return User.names(each for each in ids if each)
