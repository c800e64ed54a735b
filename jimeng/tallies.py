"""How many pictures ended on which day."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from jimeng.documents import Generation, State, Tally

# A picture that timed out may still turn up for some twelve hours, and then counts
# for the day on which it did. Older days are counted once and kept.
OPEN_DAYS = 2
STATES = (State.DONE, State.FAILED, State.UNKNOWN, State.DROPPED)


@dataclass(frozen=True)
class Day:
    """
    Pictures that ended on a day in UTC.

    Attributes:
        completed: They came.
        failed: They did not, for good.
        cancelled: They were never sent.
    """

    date: date
    completed: int
    failed: int
    cancelled: int

    @property
    def processed(self) -> int:
        """Those that were sent, whatever came of it."""
        return self.completed + self.failed


def by_day(now: datetime) -> list[Day]:
    """Each day on which a picture ended, newest first."""
    since = close_days(now.date() - timedelta(days=OPEN_DAYS))
    kept = [(row["_id"], row) for row in Tally.collection().find()]
    counted = [*kept, *count(since).items()]
    days = [_day(date.fromisoformat(day), found) for day, found in counted]
    return sorted(days, key=lambda day: day.date, reverse=True)


def close_days(until: date) -> datetime:
    """
    Count the days before *until* that are not kept yet, and keep them.

    A long history takes more than one request; each keeps what it has counted.

    Returns:
        The moment from which on nothing is kept.
    """
    last = Tally.collection().find_one({}, sort=[("_id", -1)])
    since = date.fromisoformat(last["_id"]) + timedelta(days=1) if last else date.min
    while (day := next_day(_midnight(since))) is not None and day < until:
        since = day + timedelta(days=1)
        found = count(_midnight(day), _midnight(since)).get(day.isoformat(), {})
        whole = {state.value: found.get(state.value, 0) for state in STATES}
        where = {"_id": day.isoformat()}
        Tally.collection().update_one(where, {"$set": whole}, upsert=True)
    return _midnight(since)


def next_day(since: datetime) -> date | None:
    """The first day from *since* on when a picture ended; None if none did."""
    where = {"ended_at": {"$gte": since}}
    rows = Generation.collection().find(where, {"_id": 0, "ended_at": 1}).hint("ended")
    row = next(rows.sort("ended_at", 1).limit(1), None)
    return None if row is None else row["ended_at"].date()


def count(since: datetime, until: datetime | None = None) -> dict[str, dict[str, int]]:
    """Day -> state -> pictures that ended then; from the index alone."""
    span = {"$gte": since, **({"$lt": until} if until else {})}
    day = {"$dateToString": {"date": "$ended_at", "format": "%Y-%m-%d"}}
    rows = Generation.collection().aggregate(
        [
            {"$match": {"ended_at": span}},
            {"$group": {"_id": {"day": day, "state": "$state"}, "n": {"$sum": 1}}},
        ],
        hint="ended",
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        found[row["_id"]["day"]][row["_id"]["state"]] = row["n"]
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _day(day: date, found: Mapping[str, int]) -> Day:
    failed = found.get(State.FAILED.value, 0) + found.get(State.UNKNOWN.value, 0)
    done = found.get(State.DONE.value, 0)
    return Day(day, done, failed, found.get(State.DROPPED.value, 0))
