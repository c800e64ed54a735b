"""
Cursors: where the next part of a list begins.

The lists are ordered by a time, newest first, and by id where times are equal.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from pymongo.collection import Collection

from jimeng.errors import Invalid

T = TypeVar("T")
U = TypeVar("U")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEWEST_FIRST = [("created_at", -1), ("_id", -1)]  # the order of most lists


def cursor_of(row: Mapping, field: str) -> str:
    """The cursor of the last row of a page, which is ordered by *field*."""
    milliseconds = round(row[field].timestamp() * 1000)
    return in_letters(f"{milliseconds}:{row['_id']}".encode())


def in_letters(data: bytes) -> str:
    """As letters, digits, ``-`` and ``_`` (RFC 4648, section 5), without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def of_letters(text: str) -> bytes:
    """
    What `in_letters` has written.

    Raises:
        ValueError: it has not written that.
    """
    return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)


def after(cursor: str, field: str) -> dict:
    """
    The part of a query that keeps to what comes after *cursor*.

    Raises:
        Invalid: it is not one of ours.
    """
    return beyond(*read(cursor), field, "$lt")


def before(cursor: str, field: str) -> dict:
    """
    The part of a query that keeps to what has come before *cursor*: the newer ones.

    Raises:
        Invalid: it is not one of ours.
    """
    return beyond(*read(cursor), field, "$gt")


def beyond(at: datetime, row_id: str, field: str, sign: str) -> dict:
    """The part of a query that keeps to one side of a row: ``$lt`` are the older."""
    return {
        field: {f"{sign}e": at},
        "$or": [{field: {sign: at}}, {"_id": {sign: row_id}}],
    }


def read(cursor: str) -> tuple[datetime, str]:
    """
    The time and the id of the row that it was made of.

    Raises:
        Invalid: it is not one of ours.
    """
    try:
        moment, colon, row_id = of_letters(cursor).decode().partition(":")
        if not colon or not re.fullmatch(r"\d{1,15}", moment, re.ASCII):
            raise ValueError("no time")
        return EPOCH + timedelta(milliseconds=int(moment)), row_id
    except (ValueError, OverflowError, OSError):
        raise Invalid.field("cursor", "invalid.cursor") from None


def down_to(row: Mapping, field: str) -> dict:
    """The part of a query that keeps to *row* and what comes before it."""
    at = row[field]
    # MongoDB plans an $or by its branches, and then reads three times as long.
    return {field: {"$gte": at}, "$nor": [{field: at, "_id": {"$lt": row["_id"]}}]}


@dataclass(frozen=True)
class Page(Generic[T]):
    """
    Some of a list.

    Attributes:
        next_cursor: Where the next ones begin; None where there are none.
    """

    rows: list[T]
    next_cursor: str | None = None

    def read(self, read_all: Callable[[list[T]], Iterable[U]]) -> "Page[U]":
        """The same with what the rows stand for."""
        return Page(list(read_all(self.rows)), self.next_cursor)


def page_of(
    rows: Collection, where: dict, field: str, cursor: str | None, limit: int
) -> Page[dict]:
    """
    Some of the rows of a collection, the latest by *field* first.

    Raises:
        Invalid: the cursor is not one of ours.
    """
    parts = [where] if cursor is None else [where, after(cursor, field)]
    found = rows.find({"$and": parts}).sort([(field, -1), ("_id", -1)])
    return cut_page(list(found.limit(limit + 1)), limit, field)


def cut_page(rows: list[dict], limit: int, field: str) -> Page[dict]:
    """
    Some of the rows of a list.

    Args:
        rows: One more than *limit* where there are next ones, ordered by *field*.
    """
    more = len(rows) > limit
    return Page(rows[:limit], cursor_of(rows[limit - 1], field) if more else None)
