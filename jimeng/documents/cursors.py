"""
Pagination cursors, and queries for one page of a list.

Lists are ordered by a timestamp, newest first, and by id where timestamps are equal.
"""

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Generic, TypeVar

from pymongo.collection import Collection

from jimeng.errors import Invalid

T = TypeVar("T")
U = TypeVar("U")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEWEST_FIRST = [("created_at", -1), ("_id", -1)]  # the order of most lists
MAX_SCANNED = 1000  # rows of a page with conditions that no index has
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
    rows: Collection,
    where: dict,
    field: str,
    cursor: str | None,
    limit: int,
    *,
    narrowing: Mapping[str, object] = MappingProxyType({}),
    hint: str | None = None,
    fields: Mapping | None = None,
) -> Page[dict]:
    """
    Query one page of a collection, newest first by *field*.

    Args:
        where: What an index finds in that order.
        narrowing: Further conditions. With these a page scans `MAX_SCANNED` rows: it
            may have fewer rows than *limit*, even none, and still a next cursor.
        hint: The name of that index.
        fields: The projection.

    Raises:
        Invalid: the cursor is malformed.
    """
    parts = [where] if cursor is None else [where, after(cursor, field)]
    last = last_scanned(rows, parts, field, hint=hint) if narrowing else None
    if last is not None:
        parts.append(down_to(last, field))
    found = rows.find({"$and": [*parts, narrowing]}, fields, hint=hint)
    found = found.sort([(field, -1), ("_id", -1)]).limit(limit + 1)
    page = cut_page(list(found), limit, field)
    if page.next_cursor is None and last is not None:
        return Page(page.rows, cursor_of(last, field))
    return page


def last_scanned(
    rows: Collection,
    parts: list[dict],
    field: str,
    *,
    hint: str | None = None,
    most: int = MAX_SCANNED,
) -> dict | None:
    """
    Find the last row that a page scans, newest first; None if there are no more.

    Args:
        parts: What an index alone answers.
        most: Number of rows that a page scans.
    """
    found = rows.find({"$and": parts}, {field: 1}, hint=hint)
    order = [(field, -1), ("_id", -1)]
    return next(found.sort(order).skip(most - 1).limit(1), None)


def cut_page(rows: list[dict], limit: int, field: str) -> Page[dict]:
    """
    Cut rows to one page, and set its next cursor.

    Args:
        rows: Ordered by *field*; one more than *limit* if there is a next page.
    """
    more = len(rows) > limit
    return Page(rows[:limit], cursor_of(rows[limit - 1], field) if more else None)
