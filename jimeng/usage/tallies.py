"""How many pictures ended on which day."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from jimeng import jobs
from jimeng.documents import Generation, State, Tally
from jimeng.jobs import hours

DAY, HOUR = "%Y-%m-%d", hours.FORM

STATES = ("done", "failed", "unknown", "dropped")


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


@dataclass(frozen=True)
class Hour:
    """Pictures that ended within an hour of the clock from *begin* on."""

    begin: datetime
    completed: int
    failed: int


def by_day() -> list[Day]:
    """
    Each day on which a picture ended, newest first; of a long history that is counted
    for the first time, those that have been.
    """
    since = jobs.close_days().counted_from
    closed = Tally.read_all(Tally.collection().find())
    kept = [(each.id, {name: each[name] for name in STATES}) for each in closed]
    counted = [*kept, *lately(since).items()]
    days = [_day(date.fromisoformat(day), found) for day, found in counted]
    return sorted(days, key=lambda day: day.date, reverse=True)


def lately(since: datetime, *, by: str = DAY) -> dict[str, Counter[str]]:
    """
    `count` by the hours that are counted already, and of the rest the pictures.

    Args:
        since: The beginning of an hour of a day that can still change.
        by: `DAY` or `HOUR`.
    """
    span = hours.recent(since)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for hour in span.hours:
        each = {name: hour[name] for name in STATES if hour[name]}
        found[hours.begin_of(hour).strftime(by)].update(each)
    for begin, end in span.gaps:
        for name, states in count(begin, end, by=by).items():
            found[name].update(states)
    return {name: states for name, states in found.items() if states}


def count(
    since: datetime, until: datetime | None = None, *, by: str = DAY
) -> dict[str, dict[str, int]]:
    """
    Day -> state -> pictures that ended then; from the index alone.

    Args:
        by: How the time is written; what is written alike is counted together.
    """
    span = {"$gte": since, **({"$lt": until} if until else {})}
    day = {"$dateToString": {"date": "$ended_at", "format": by}}
    rows = Generation.collection().aggregate(
        [
            {"$match": {"ended_at": span}},
            {"$group": {"_id": {"day": day, "state": "$state"}, "n": {"$sum": 1}}},
        ],
        hint="ended_how",
    )
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for row in rows:
        found[row["_id"]["day"]][row["_id"]["state"]] = row["n"]
    return found


def by_hour(now: datetime) -> list[Hour]:
    """The last 24 hours of the clock, this one included, the oldest first."""
    last = now.replace(minute=0, second=0, microsecond=0)
    moments = [last - timedelta(hours=n) for n in reversed(range(24))]
    found = lately(moments[0], by=HOUR)
    days = [_day(at.date(), found.get(at.strftime(HOUR), {})) for at in moments]
    return [
        Hour(at, day.completed, day.failed)
        for at, day in zip(moments, days, strict=True)
    ]


def _day(day: date, found: Mapping[str, int]) -> Day:
    failed = found.get(State.FAILED.value, 0) + found.get(State.UNKNOWN.value, 0)
    done = found.get(State.DONE.value, 0)
    return Day(day, done, failed, found.get(State.DROPPED.value, 0))
