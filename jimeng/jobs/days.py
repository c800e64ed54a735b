"""Days: what ended on each is counted once it can no longer change, and kept."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic

from pymongo import UpdateOne

from jimeng.documents import (
    Generation,
    State,
    Tally,
    Usage,
    indexes,
    left_over,
    utcnow,
)

# A picture that timed out may still turn up for some twelve hours, and then counts
# for the day on which it did. Older days are counted once and kept.
OPEN_DAYS = 2
CAME = [State.DONE.value, State.DROPPED.value]
FAILED = [State.FAILED.value, State.UNKNOWN.value]
STATES = (*CAME, *FAILED)
BATCH = 1000  # rows
BRIEFLY = 0.3  # seconds
# Of an error that an operator has dealt with the code stands elsewhere.
CODE = {"$ifNull": ["$error.code", {"$ifNull": ["$dealt_with.error.code", ""]}]}


@dataclass(frozen=True)
class Ended:
    """
    One way in which pictures ended on a day in UTC.

    Attributes:
        day: ``2026-01-31``.
        state: ``done``, ``failed``, ``unknown`` or ``dropped``.
        charged: ``no``, ``unknown`` or ``yes``.
        code: Of the error; empty where there was none.
    """

    day: str
    user_id: str
    lane: str
    state: str
    charged: str
    code: str = ""


def ended(
    since: datetime,
    until: datetime | None = None,
    *,
    user_id: str | None = None,
    failed: dict | None = None,
) -> Counter[Ended]:
    """
    How many pictures ended in each way, as the generations say.

    Those that came are counted from the index alone.

    Args:
        since: The first moment that counts; *until* is the first that does not.
        user_id: Whose they are; None for everybody's.
        failed: What else must be true of those that failed.
    """
    where: dict = {"ended_at": {"$gte": since, **({"$lt": until} if until else {})}}
    if user_id is not None:
        where["user_id"] = user_id
    found = _count({**where, "state": {"$in": CAME}}, code="")
    found += _count({**where, "state": {"$in": FAILED}, **(failed or {})}, code=CODE)
    return found


def _count(where: dict, *, code: object) -> Counter[Ended]:
    day = {"$dateToString": {"date": "$ended_at", "format": "%Y-%m-%d"}}
    names = ("user_id", "lane", "state", "charged")
    way = {"day": day, **{name: f"${name}" for name in names}, "code": code}
    rows = Generation.collection().aggregate(
        [{"$match": where}, {"$group": {"_id": way, "n": {"$sum": 1}}}],
        hint=_index(where),
    )
    found: Counter[Ended] = Counter()
    for row in rows:
        # Whatever was thought of an earlier try: what was not drawn is not charged.
        is_dropped = row["_id"]["state"] == State.DROPPED.value
        change = {"charged": "no"} if is_dropped else {}
        found[Ended(**{**row["_id"], **change})] += row["n"]
    return found


def _index(where: dict) -> str:
    """The one that has the fewest to look at, of those that are built."""
    is_of_user = "user_id" in where and indexes.is_there("generations.ended_user")
    return "ended_user" if is_of_user else "ended_how"


@dataclass(frozen=True)
class Kept:
    """
    Which days are kept.

    Attributes:
        until: Those that ended before this moment.
        counted_from: What ended since then is few enough to be counted whenever it
            is asked for. Later than `until` as long as days of a long history in
            between are neither.
    """

    until: datetime
    counted_from: datetime

    @property
    def is_whole(self) -> bool:
        return self.until >= self.counted_from


def close_days() -> Kept:
    """
    Count the days that can no longer change and are not kept yet, and keep them, for
    as long as a request has time. The consumers do the rest of a long history; two
    at once write the same.
    """
    border = utcnow().date() - timedelta(days=OPEN_DAYS)
    until = monotonic() + BRIEFLY
    days = closing(border)
    last = next(days)
    # A day of very many pictures takes longer than one command of a request may.
    with left_over("days"):
        while monotonic() < until:
            kept = next(days, None)
            if kept is None:
                return Kept(midnight(last), midnight(last))
            last = kept
    return Kept(midnight(last), max(midnight(last), midnight(border)))


def closing(until: date | None = None) -> Iterator[date]:
    """
    Keep the days before *until*, by default `OPEN_DAYS` ago, one by one: the first
    that is not kept, at first and after each.
    """
    until = until or utcnow().date() - timedelta(days=OPEN_DAYS)
    last = Tally.collection().find_one({}, sort=[("_id", -1)])
    since = date.fromisoformat(last["_id"]) + timedelta(days=1) if last else date.min
    yield since
    while (day := next_day(midnight(since))) is not None and day < until:
        since = day + timedelta(days=1)
        _close(day, ended(midnight(day), midnight(since)))
        yield since


def _close(day: date, found: Counter[Ended]) -> None:
    updates = [
        UpdateOne(
            {"_id": "|".join(vars(way).values())},
            {"$set": {**vars(way), "pictures": n}},
            upsert=True,
        )
        for way, n in found.items()
    ]
    for start in range(0, len(updates), BATCH):
        batch = updates[start : start + BATCH]
        Usage.collection().bulk_write(batch, ordered=False)
    # The sums come last: they say that the day is closed.
    whole = dict.fromkeys(STATES, 0)
    for way, n in found.items():
        whole[way.state] += n
    Tally.collection().update_one(
        {"_id": day.isoformat()}, {"$set": whole}, upsert=True
    )


def next_day(since: datetime) -> date | None:
    """The first day from *since* on when a picture ended; None if none did."""
    where = {"ended_at": {"$gte": since}}
    rows = Generation.collection().find(where, {"_id": 0, "ended_at": 1})
    row = next(rows.hint("ended_how").sort("ended_at", 1).limit(1), None)
    return None if row is None else row["ended_at"].date()


def midnight(day: date) -> datetime:
    """When the day begins, in UTC."""
    return datetime.combine(day, time.min, UTC)
