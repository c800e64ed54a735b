"""Turns: the order in which waiting pictures go, fair among users."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from jimeng.documents import Generation, QuotaUsage, State, utcnow
from jimeng.documents.base import number
from jimeng.errors import TooManyPending
from jimeng.lanes.limits import read

UNLIMITED = 1_000_000_000
TRIES = 3
BATCH = 1000  # updates in one command
MAX_TOKENS = 4
QUIET = timedelta(seconds=5)  # longer than a request may take


class DayIsFull(Exception):
    """The user has asked for *asked* pictures today, and more are not allowed."""

    def __init__(self, asked: int) -> None:
        super().__init__(asked)
        self.asked = asked


@dataclass(frozen=True)
class DailyQuota:
    """
    The day that pictures count for.

    Attributes:
        date: In UTC.
        most: Pictures that one user may ask for on it; None for no limit.
    """

    date: date
    most: int | None = None


def reserve_tickets(
    lane: str,
    user_id: str,
    n: int,
    *,
    most: int = UNLIMITED,
    day: DailyQuota | None = None,
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
            asked = QuotaUsage.asked_on(user_id, day.date)
            if asked > quota - n:
                raise DayIsFull(asked)
        # The count may have drifted.
        if n <= most and is_quiet(user_id):
            count_waiting(lane, user_id)
    raise TooManyPending(f"user {user_id} in {lane}", retry_after=10, limit=most)


def _take(
    lane: str, user_id: str, n: int, most: int, day: DailyQuota | None
) -> tuple[int, int]:
    place, floor, now = QuotaUsage.place_of(lane), read(lane).turn, utcnow()
    next_turn = {"$add": [number(f"${place}.last", otherwise=-1), 1]}
    where: dict = {"_id": user_id, f"{place}.pending": {"$not": {"$gt": most - n}}}
    changes: dict = {
        f"{place}.last": {"$add": [{"$max": [next_turn, floor]}, n - 1]},
        f"{place}.pending": {"$add": [number(f"${place}.pending"), n]},
        "taken_at": now,
    }
    if day is not None:
        today = day.date.isoformat()
        is_over = {"$lt": ["$day", today]}  # also of who never asked before
        changes["asked"] = {"$cond": [is_over, n, {"$add": [number("$asked"), n]}]}
        changes["day"] = {"$max": ["$day", today]}
        if day.most is not None:
            room = {"$not": {"$gt": day.most - n}}
            where["$or"] = [{"day": {"$not": {"$gte": today}}}, {"asked": room}]
    # Not journaled by itself: the task's own write, which follows, covers it.
    shown = {f"{place}.last": 1, "asked": 1}
    found = QuotaUsage.note(where, [{"$set": changes}], shown)
    (entry,) = found["lanes"].values()
    return entry["last"] - n + 1, found.get("asked", 0)


def is_quiet(user_id: str) -> bool:
    """
    Whether all pictures that have a turn are written by now.

    A process that dies between two writes leaves the count wrong, so it is taken
    anew now and then; but a count of what is written knows nothing of requests
    that are still at it.
    """
    found = QuotaUsage.find_one({"_id": user_id})
    return found is not None and (
        found.taken_at is None or found.taken_at < utcnow() - QUIET
    )


def count_waiting(lane: str, user_id: str) -> int:
    """Count the user's waiting pictures, and correct the hint."""
    where = {"lane": lane, "user_id": user_id, "waiting": True}
    pending = Generation.collection().count_documents(where, hint="user_waiting")
    QuotaUsage.collection(durable=False).update_one(
        {"_id": user_id}, [{"$set": {f"{QuotaUsage.place_of(lane)}.pending": pending}}]
    )
    return pending


def release_tickets(
    lane: str, user_id: str, n: int, *, day: date | None = None
) -> None:
    """
    Note that *n* of the user's pictures wait no longer (or again, if below 0).

    Args:
        day: They were never asked for, then: they are counted out of it, too.
    """
    changes = _without({lane: n}, {day.isoformat(): n} if day else {})
    QuotaUsage.collection(durable=False).update_one(
        {"_id": user_id}, [{"$set": changes}]
    )


@dataclass(frozen=True)
class TicketHolder:
    """Where pictures have waited, and the day that they count for, in ISO's form."""

    lane: str
    user_id: str
    day: str


def release_all_tickets(
    counts: Mapping[TicketHolder, int], token: str | None = None
) -> None:
    """
    Note that pictures of many users wait no longer, and were never asked for.

    Args:
        token: Under which this may be repeated, and is done once.
    """
    lanes: dict[str, Counter] = defaultdict(Counter)
    days: dict[str, Counter] = defaultdict(Counter)
    for place, n in counts.items():
        lanes[place.user_id][place.lane] += n
        days[place.user_id][place.day] += n
    noted, unless = {}, {}
    if token is not None:
        before = {"$cond": [{"$isArray": "$left"}, "$left", []]}
        latest = {"$slice": [{"$concatArrays": [before, [token]]}, -MAX_TOKENS]}
        noted, unless = {"left": latest}, {"left": {"$ne": token}}
    _write(
        QuotaUsage,
        [
            UpdateOne(
                {"_id": user_id, **unless},
                [{"$set": {**_without(found, days[user_id]), **noted}}],
            )
            for user_id, found in lanes.items()
        ],
    )


def _without(lanes: Mapping[str, int], days: Mapping[str, int]) -> dict:
    """What counts so many fewer that wait in each lane, and are asked for on a day."""
    changes: dict = {}
    for lane, n in lanes.items():
        pending = f"{QuotaUsage.place_of(lane)}.pending"
        counted = number(f"${pending}")
        changes[pending] = {"$max": [{"$subtract": [counted, n]}, 0]}
    if days:  # of which only the latest is counted
        fewer = [
            {
                "case": {"$eq": ["$day", day]},
                "then": {"$max": [{"$subtract": [number("$asked"), n]}, 0]},
            }
            for day, n in days.items()
        ]
        changes["asked"] = {"$switch": {"branches": fewer, "default": "$asked"}}
    return changes


def renumber(lane: str, user_ids: Collection[str] | None = None) -> None:
    """
    Close the gaps that a cancellation left in these users' turns.

    Without it the pictures that remain wait behind those of others as if the
    cancelled ones were still drawn.

    Args:
        user_ids: None for everybody.
    """
    where: dict = {"lane": lane, "waiting": True, "turn": {"$type": "number"}}
    if user_ids is not None:
        where["user_id"] = {"$in": list(user_ids)}
    fields = {"user_id": 1, "turn": 1, "state": 1}
    rows = Generation.collection().find(where, fields).hint("user_waiting")
    rows.sort([("user_id", 1), ("turn", 1)])
    turn = read(lane, fresh=True).turn
    if user_ids is None:
        _go_back(lane, turn)
    following = dict.fromkeys(user_ids or (), turn)
    moves: list[UpdateOne] = []
    for user_id, theirs in groupby(rows, lambda row: row["user_id"]):
        queued = [row for row in theirs if row["state"] == State.QUEUED.value]
        following[user_id] = _close_gaps(queued, turn, moves)
    _write(Generation, moves)
    last = f"{QuotaUsage.place_of(lane)}.last"
    ends = [
        UpdateOne(
            {"_id": user_id, last: {"$exists": True}}, {"$set": {last: next_turn - 1}}
        )
        for user_id, next_turn in following.items()
    ]
    _write(QuotaUsage, ends)


def _go_back(lane: str, turn: int) -> None:
    """Whoever has nothing waiting begins at *turn*."""
    last = f"{QuotaUsage.place_of(lane)}.last"
    QuotaUsage.collection(durable=False).update_many(
        {last: {"$gte": turn}}, {"$set": {last: turn - 1}}
    )


def _close_gaps(rows: list[dict], turn: int, moves: list[UpdateOne]) -> int:
    """Add what moves one user's pictures up to *moves*; return the turn after them."""
    for row in sorted(rows, key=lambda row: (row["turn"], row["_id"])):
        if row["turn"] > turn:
            guard = {"_id": row["_id"], "state": State.QUEUED.value}
            moves.append(UpdateOne(guard, {"$set": {"turn": turn}}))
        turn = min(row["turn"], turn) + 1
    return turn


def _write(kind: type[Generation] | type[QuotaUsage], updates: list[UpdateOne]) -> None:
    for start in range(0, len(updates), BATCH):
        some = updates[start : start + BATCH]
        kind.collection(durable=False).bulk_write(some, ordered=False)
