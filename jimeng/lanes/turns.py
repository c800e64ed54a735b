"""Turns: the order in which waiting pictures go, fair among users."""

from dataclasses import dataclass
from datetime import date, timedelta

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from jimeng.documents import Generation, Line, State, utcnow
from jimeng.errors import TooManyPending
from jimeng.lanes.record import read

UNLIMITED = 1_000_000_000
TRIES = 3
QUIET = timedelta(seconds=5)  # longer than a request may take


class DayIsFull(Exception):
    """The user has asked for *asked* pictures today, and more are not allowed."""

    def __init__(self, asked: int) -> None:
        super().__init__(asked)
        self.asked = asked


@dataclass(frozen=True)
class Day:
    """
    The day that pictures count for.

    Attributes:
        date: In UTC.
        most: Pictures that one user may ask for on it; None for no limit.
    """

    date: date
    most: int | None = None


def take_turns(
    lane: str, user_id: str, n: int, *, most: int = UNLIMITED, day: Day | None = None
) -> tuple[int, int]:
    """
    Give the user *n* turns in a row, and count the pictures for the day.

    Args:
        most: Pictures that one user may have waiting.
        day: None where they have been counted before.

    Returns:
        The first turn, and the pictures that the user has asked for in the day.

    Raises:
        TooManyPending: these would be more than *most*.
        DayIsFull: these would be more than the day's.
    """
    quota = UNLIMITED if day is None or day.most is None else day.most
    for _ in range(TRIES if n <= most else 1):
        if n <= min(most, quota):
            try:
                return _take(lane, user_id, n, most, day)
            except DuplicateKeyError:
                pass  # a limit is reached; or another request has just made the record
        if day is not None and day.most is not None:
            asked = Line.asked_on(user_id, day.date)
            if asked > quota - n:
                raise DayIsFull(asked)
        # The count may have drifted.
        if n <= most and is_quiet(user_id):
            count_waiting(lane, user_id)
    raise TooManyPending(f"user {user_id} in {lane}", retry_after=10, limit=most)


def _take(
    lane: str, user_id: str, n: int, most: int, day: Day | None
) -> tuple[int, int]:
    place, floor, now = Line.place_of(lane), read(lane).turn, utcnow()
    next_turn = {"$add": [{"$ifNull": [f"${place}.last", -1]}, 1]}
    where: dict = {"_id": user_id, f"{place}.pending": {"$not": {"$gt": most - n}}}
    changes: dict = {
        f"{place}.last": {"$add": [{"$max": [next_turn, floor]}, n - 1]},
        f"{place}.pending": {"$add": [{"$ifNull": [f"${place}.pending", 0]}, n]},
        "taken_at": now,
    }
    if day is not None:
        today = day.date.isoformat()
        is_over = {"$lt": ["$day", today]}  # also of who never asked before
        changes["asked"] = {"$cond": [is_over, n, {"$add": ["$asked", n]}]}
        changes["day"] = {"$max": ["$day", today]}
        if day.most is not None:
            room = {"$not": {"$gt": day.most - n}}
            where["$or"] = [{"day": {"$not": {"$gte": today}}}, {"asked": room}]
    # Not journaled by itself: the task's own write, which follows, covers it.
    found = Line.collection(durable=False).find_one_and_update(
        where,
        [{"$set": changes}],
        upsert=True,
        projection={f"{place}.last": 1, "asked": 1},
        return_document=ReturnDocument.AFTER,
    )
    assert found is not None  # an upsert returns what it made  # noqa: S101
    (entry,) = found["lanes"].values()
    return entry["last"] - n + 1, found.get("asked", 0)


def is_quiet(user_id: str) -> bool:
    """
    Whether all pictures that have a turn are written by now.

    A process that dies between two writes leaves the count wrong, so it is taken
    anew now and then; but a count of what is written knows nothing of requests
    that are still at it.
    """
    line = Line.find_one({"_id": user_id})
    return line is not None and (
        line.taken_at is None or line.taken_at < utcnow() - QUIET
    )


def count_waiting(lane: str, user_id: str) -> int:
    """Count the user's waiting pictures, and correct the hint."""
    where = {"lane": lane, "user_id": user_id, "waiting": True}
    pending = Generation.collection().count_documents(where, hint="user_waiting")
    Line.collection(durable=False).update_one(
        {"_id": user_id}, {"$set": {f"{Line.place_of(lane)}.pending": pending}}
    )
    return pending


def leave(lane: str, user_id: str, n: int, *, day: date | None = None) -> None:
    """
    Note that *n* of the user's pictures wait no longer (or again, if below 0).

    Args:
        day: They were never asked for, then: they are counted out of it, too.
    """
    pending = f"{Line.place_of(lane)}.pending"
    left = {"$max": [{"$subtract": [{"$ifNull": [f"${pending}", 0]}, n]}, 0]}
    changes: dict = {pending: left}
    if day is not None:
        is_counted = {"$eq": ["$day", day.isoformat()]}
        fewer = {"$max": [{"$subtract": ["$asked", n]}, 0]}
        changes["asked"] = {"$cond": [is_counted, fewer, "$asked"]}
    Line.collection(durable=False).update_one({"_id": user_id}, [{"$set": changes}])


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
        {"_id": user_id}, {"$set": {f"{Line.place_of(lane)}.last": turn - 1}}
    )
