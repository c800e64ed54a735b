"""
Pagination cursors, and queries for one page of a list.

Lists are ordered by a timestamp, newest first, and by id where timestamps are equal.
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
OLDEST_FIRST = [("created_at", 1), ("_id", 1)]


def cursor_of(row: Mapping, field: str) -> str:
    """Encode the cursor of a row in a list that is ordered by *field*."""
    milliseconds = round(row[field].timestamp() * 1000)
    return in_letters(f"{milliseconds}:{row['_id']}".encode())


def in_letters(data: bytes) -> str:
    """Encode as URL-safe Base64 (RFC 4648, section 5), without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def of_letters(text: str) -> bytes:
    """
    Decode the output of `in_letters`.

    Raises:
        ValueError: the text is not such an output.
    """
    return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)


def after(cursor: str, field: str) -> dict:
    """
    Build a query condition for rows after *cursor*: the older ones.

    Raises:
        Invalid: the cursor is malformed.
    """
    return beyond(*read(cursor), field, "$lt")


def before(cursor: str, field: str) -> dict:
    """
    Build a query condition for rows before *cursor*: the newer ones.

    Raises:
        Invalid: the cursor is malformed.
    """
    return beyond(*read(cursor), field, "$gt")


def beyond(at: datetime, row_id: str, field: str, sign: str) -> dict:
    """Build a query condition for rows on one side of a row; ``$lt``: the older."""
    return {
        field: {f"{sign}e": at},
        "$or": [{field: {sign: at}}, {"_id": {sign: row_id}}],
    }


def read(cursor: str) -> tuple[datetime, str]:
    """
    Decode a cursor into the timestamp and id of its row.

    Raises:
        Invalid: the cursor is malformed.
    """
    try:
        moment, colon, row_id = of_letters(cursor).decode().partition(":")
        if not colon or not re.fullmatch(r"\d{1,15}", moment, re.ASCII):
            raise ValueError("no time")
        return EPOCH + timedelta(milliseconds=int(moment)), row_id
    except (ValueError, OverflowError, OSError):
        raise Invalid.field("cursor", "invalid.cursor") from None


def down_to(row: Mapping, field: str) -> dict:
    """Build a query condition for *row* and the newer rows before it."""
    at = row[field]
    # MongoDB plans each branch of an $or separately, and reads three times as long.
    return {field: {"$gte": at}, "$nor": [{field: at, "_id": {"$lt": row["_id"]}}]}


@dataclass(frozen=True)
class Page(Generic[T]):
    """
    One page of a list.

    Attributes:
        next_cursor: The cursor of the next page; None on the last page.
    """

    rows: list[T]
    next_cursor: str | None = None

    def read(self, read_all: Callable[[list[T]], Iterable[U]]) -> "Page[U]":
        """Return the page with its rows decoded by *read_all*."""
        return Page(list(read_all(self.rows)), self.next_cursor)


def page_of(
    rows: Collection, where: dict, field: str, cursor: str | None, limit: int
) -> Page[dict]:
    """
    Query one page of a collection, newest first by *field*.

    Raises:
        Invalid: the cursor is malformed.
    """
    parts = [where] if cursor is None else [where, after(cursor, field)]
    found = rows.find({"$and": parts}).sort([(field, -1), ("_id", -1)])
    return cut_page(list(found.limit(limit + 1)), limit, field)


def cut_page(rows: list[dict], limit: int, field: str) -> Page[dict]:
    """
    Cut rows to one page, and set its next cursor.

    Args:
        rows: Ordered by *field*; one more than *limit* if there is a next page.
    """
    more = len(rows) > limit
    return Page(rows[:limit], cursor_of(rows[limit - 1], field) if more else None)
