"""Turns: the order in which waiting pictures go, fair among users."""

from datetime import timedelta

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from jimeng.documents import Generation, Line, State, utcnow
from jimeng.errors import TooManyPending
from jimeng.lanes.record import read

UNLIMITED = 1_000_000_000
TRIES = 3
QUIET = timedelta(seconds=5)  # longer than a request may take


def take_turns(lane: str, user_id: str, n: int, *, most: int = UNLIMITED) -> int:
    """
    Give the user *n* turns in a row and return the first.

    Args:
        most: Pictures that one user may have waiting.

    Raises:
        TooManyPending: these would be more than *most*.
    """
    for _ in range(TRIES if n <= most else 0):
        try:
            return _take(lane, user_id, n, most)
        except DuplicateKeyError:
            # Full; or another request has just made the record, then the next
            # try finds it; or the count has drifted.
            if is_quiet(lane, user_id):
                count_waiting(lane, user_id)
    raise TooManyPending(f"user {user_id} in {lane}", retry_after=10, limit=most)


def _take(lane: str, user_id: str, n: int, most: int) -> int:
    floor = read(lane).turn
    next_turn = {"$add": [{"$ifNull": ["$last", -1]}, 1]}
    last = {"$add": [{"$max": [next_turn, floor]}, n - 1]}
    pending = {"$add": [{"$ifNull": ["$pending", 0]}, n]}
    found = Line.collection(durable=False).find_one_and_update(
        {"_id": line_id(lane, user_id), "pending": {"$not": {"$gt": most - n}}},
        [{"$set": {"last": last, "pending": pending, "taken_at": utcnow()}}],
        upsert=True,
        return_document=ReturnDocument.AFTER,
    )
    assert found is not None  # an upsert returns what it made  # noqa: S101
    return found["last"] - n + 1


def line_id(lane: str, user_id: str) -> str:
    return f"{lane}|{user_id}"


def is_quiet(lane: str, user_id: str) -> bool:
    """
    Whether all pictures that have a turn are written by now.

    A process that dies between two writes leaves the count wrong, so it is taken
    anew now and then; but a count of what is written knows nothing of requests
    that are still at it.
    """
    line = Line.find_one({"_id": line_id(lane, user_id)})
    return line is not None and (
        line.taken_at is None or line.taken_at < utcnow() - QUIET
    )


def count_waiting(lane: str, user_id: str) -> int:
    """Count the user's waiting pictures, and correct the hint."""
    where = {"lane": lane, "user_id": user_id, "waiting": True}
    pending = Generation.collection().count_documents(where, hint="user_waiting")
    Line.collection(durable=False).update_one(
        {"_id": line_id(lane, user_id)}, {"$set": {"pending": pending}}
    )
    return pending


def leave(lane: str, user_id: str, n: int) -> None:
    """Note that *n* of the user's pictures wait no longer (or again, if below 0)."""
    Line.collection(durable=False).update_one(
        {"_id": line_id(lane, user_id)}, {"$inc": {"pending": -n}}
    )


def renumber(lane: str, user_id: str) -> None:
    """
    Close the gaps that a cancellation left in the user's turns.

    Without it the pictures that remain wait behind those of others as if the
    cancelled ones were still drawn.
    """
    where = {"lane": lane, "user_id": user_id, "waiting": True}
    rows = list(Generation.collection().find(where).sort("turn", 1))
    rows = [row for row in rows if row["state"] == State.QUEUED.value]
    rows.sort(key=lambda row: (row["turn"], row["_id"]))
    turn = read(lane, fresh=True).turn
    for row in rows:
        if row["turn"] > turn:
            guard = {"_id": row["_id"], "state": State.QUEUED.value}
            Generation.collection(durable=False).update_one(
                guard, {"$set": {"turn": turn}}
            )
        turn = min(row["turn"], turn) + 1
    Line.collection(durable=False).update_one(
        {"_id": line_id(lane, user_id)}, {"$set": {"last": turn - 1}}
    )
