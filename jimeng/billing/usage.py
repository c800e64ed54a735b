"""
Usage: results and charges of submitted pictures, by day, user and model.

Days that can still change are counted by the hour, and their latest hour from the
generations; older days are counted once and stored (`billing.tallies`). Deleting a
task, a picture or a user changes nothing: the generation stays, without its prompt.

`schemas`, `operations` and the interfaces may import it; it knows no Flask.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from jimeng.billing import tallies
from jimeng.billing.tallies import AN_HOUR, DAY, HOUR, EndedKey, midnight
from jimeng.documents import Generation, Hour, State, Tally, Usage, UsageHour, utcnow
from jimeng.documents.base import Stored
from jimeng.documents.principal import Principal
from jimeng.process.runtime import runtime

KEY_FIELDS = [each.name for each in fields(EndedKey)]
Date = date  # where a field has that name
OUTCOMES = {
    State.DONE.value: "done",
    State.FAILED.value: "failed",
    State.UNKNOWN.value: "unknown",
    State.DROPPED.value: "cancelled",
}
# Failures that a late poll, or a late answer, may still turn into a picture; within a
# day at most.
UNCERTAIN = ["timed_out", "account_removed", "submit_unknown"]
CERTAIN_AFTER = timedelta(days=1)
MAX_GAPS = 4

_closed: tuple[tuple[datetime, int], Counter[EndedKey]] | None = None


@dataclass(frozen=True)
class UsageRow:
    """
    The number of pictures of one day (UTC), by model, result and charge.

    Attributes:
        model: Its id, or the lane if the model is no longer offered.
        outcome: ``done``, ``failed``, ``cancelled`` (before it was sent) or
            ``unknown`` (the provider may or may not have accepted it).
        charged: ``no``, ``unknown`` or ``yes``.
    """

    date: date
    model: str
    outcome: str
    charged: str
    pictures: int


@dataclass(frozen=True)
class Report:
    """
    Attributes:
        rows: The newest day first.
        is_whole: False while days in between are still being counted for the first
            time: they are not included.
    """

    rows: list[UsageRow]
    is_whole: bool


@dataclass(frozen=True)
class UserDay:
    """
    A user's pictures of one day, by result and by charge.

    Attributes:
        outcomes: Result, as in `UsageRow.outcome` -> pictures.
        charged: ``no``, ``unknown`` or ``yes`` -> pictures.
    """

    user_id: str
    outcomes: Counter[str]
    charged: Counter[str]


@dataclass(frozen=True)
class UsageKey:
    """The key of totals over all days and users; `code` is empty without an error."""

    model: str
    outcome: str
    charged: str
    code: str


@dataclass(frozen=True)
class EndCounts:
    """
    Pictures that ended on a day (UTC), or in an hour of it.

    Attributes:
        begin: Start of the day or hour.
        completed: Stored pictures.
        failed: Failed or unknown.
        cancelled: Never sent.
    """

    begin: datetime
    completed: int
    failed: int
    cancelled: int

    @classmethod
    def of(cls, begin: datetime, states: Mapping[str, int]) -> "EndCounts":
        failed = states.get(State.FAILED, 0) + states.get(State.UNKNOWN, 0)
        done, dropped = states.get(State.DONE, 0), states.get(State.DROPPED, 0)
        return cls(begin, done, failed, dropped)

    @property
    def date(self) -> Date:
        return self.begin.date()

    @property
    def processed(self) -> int:
        """Those that were sent, however they ended."""
        return self.completed + self.failed


def by_day(principal: Principal, user_id: str, *, since: date, until: date) -> Report:
    """
    A user's usage from *since* to *until*, both inclusive.

    Raises:
        UserNotFound: the principal may not read this user.
    """
    principal.require_reader(user_id)
    begin, end = midnight(since), midnight(until + timedelta(days=1))
    closed = tallies.close_days()
    days = {"$gte": since.isoformat(), "$lte": until.isoformat()}
    found = _sum(Usage, {"user_id": user_id, "day": days}, _ways("$"))
    if end > closed.counted_from:
        begin_open = max(begin, closed.counted_from)
        found += _count_recent(begin_open, end, user_id=user_id)
    is_there = end <= closed.until or begin >= closed.counted_from
    return Report(_rows(found), closed.is_whole or is_there)


def today(principal: Principal) -> list[UserDay]:
    """
    The pictures that ended since midnight UTC, by user, most first.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    principal.require_operator("everybody's usage")
    users: dict[str, UserDay] = {}
    for way, n in _count_recent(midnight(utcnow().date())).items():
        empty = UserDay(way.user_id, Counter(), Counter())
        user = users.setdefault(way.user_id, empty)
        user.outcomes[OUTCOMES[way.state]] += n
        user.charged[way.charged] += n
    return sorted(users.values(), key=lambda u: (-u.outcomes.total(), u.user_id))


def totals(principal: Principal) -> tuple[Counter[UsageKey], Counter[str]]:
    """
    Totals of all pictures that ever ended, and recent failures that may still change.

    The totals never decrease: a failure that may still change counts a day later, and
    the latest days once all days before them are counted.

    Returns:
        Pictures by `UsageKey`; and pictures by error code, of the failures of the last
        day that may still change.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    principal.require_operator("everybody's usage")
    closed, border = tallies.close_days(), utcnow() - CERTAIN_AFTER
    certain = [{"error.code": {"$nin": UNCERTAIN}}, {"ended_at": {"$lt": border}}]
    found = _count_closed_days(closed.until)
    if closed.is_whole:
        found = found + tallies.count_ended(closed.until, failed={"$or": certain})
    ways: Counter[UsageKey] = Counter()
    models = _models(way.lane for way in found)
    for way, n in found.items():
        outcome = OUTCOMES[way.state]
        ways[UsageKey(models[way.lane], outcome, way.charged, way.code)] += n
    where = {"error.code": {"$in": UNCERTAIN}, "ended_at": {"$gte": border}}
    rows = Generation.collection().aggregate(
        [{"$match": where}, {"$group": {"_id": "$error.code", "n": {"$sum": 1}}}]
    )
    young = Counter(dict.fromkeys(UNCERTAIN, 0))
    young.update({row["_id"]: row["n"] for row in rows})
    return ways, young


def all_days() -> list[EndCounts]:
    """
    The counts of all users for each day on which a picture ended, newest first. While a
    long history is counted for the first time, only the days counted so far.
    """
    since = tallies.close_days().counted_from
    closed = Tally.read_all(Tally.collection().find())
    counted = [
        *((day.id, _states(day)) for day in closed),
        *_count_recent_states(since, DAY),
    ]
    days = [
        EndCounts.of(midnight(date.fromisoformat(day)), found) for day, found in counted
    ]
    return sorted(days, key=lambda day: day.begin, reverse=True)


def last_hours(now: datetime) -> list[EndCounts]:
    """The counts of all users for the last 24 clock hours, this one included."""
    last = tallies.hour_start(now)
    moments = [last - n * AN_HOUR for n in reversed(range(24))]
    found = dict(_count_recent_states(moments[0], HOUR))
    return [EndCounts.of(at, found.get(at.strftime(HOUR), {})) for at in moments]


def ended_since(since: datetime) -> EndCounts:
    """The counts of all users since that moment."""
    states: Counter[str] = Counter()
    for found in tallies.count_ended_states(since).values():
        states += found
    return EndCounts.of(since, states)


def _count_recent(
    since: datetime, until: datetime | None = None, *, user_id: str | None = None
) -> Counter[EndedKey]:
    """`tallies.count_ended` for recent days, using the stored hours."""
    hours, gaps = _counted_hours(since, until)
    found: Counter[EndedKey] = Counter()
    for begin, end in gaps:
        found += tallies.count_ended(begin, end, user_id=user_id)
    if hours:
        where: dict = {"hour": {"$in": [each.id for each in hours]}}
        where |= {} if user_id is None else {"user_id": user_id}
        day = {"$substrBytes": ["$hour", 0, 10]}
        ways = {**_ways("$ways."), "user_id": "$user_id", "day": day}
        found += _sum(UsageHour, where, ways, "ways")
    return found


def _count_recent_states(since: datetime, form: str) -> list[tuple[str, Counter[str]]]:
    """
    `tallies.count_ended_states` for recent days, using the stored hours.

    Args:
        since: Start of an hour, of a day that can still change.
    """
    hours, gaps = _counted_hours(since)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for hour in hours:
        found[tallies.start_of(hour).strftime(form)] += _states(hour)
    for begin, end in gaps:
        for name, states in tallies.count_ended_states(begin, end, form=form).items():
            found[name] += states
    return [(name, states) for name, states in found.items() if states]


def _counted_hours(
    since: datetime, until: datetime | None = None
) -> tuple[list[Hour], list[tuple[datetime, datetime | None]]]:
    """
    Split a span of time into its stored hours and the gaps between them, in order; the
    last gap may be open-ended.

    Args:
        since: Start of an hour; *until* too, exclusive.
    """
    hours: list[Hour] = []
    gaps: list[tuple[datetime, datetime | None]] = []
    at = since
    for each in tallies.whole_hours(since, until):
        if each.since > at:
            if len(gaps) + 1 == MAX_GAPS:  # each gap costs a query
                break
            gaps.append((at, each.since))
        hours.append(each)
        at = tallies.start_of(each) + AN_HOUR
    if until is None or at < until:
        gaps.append((at, until))
    return hours, gaps


def _states(counted: Hour | Tally) -> Counter[str]:
    return +Counter({state: counted[state] for state in OUTCOMES})


def _ways(prefix: str) -> dict[str, object]:
    return {name: f"{prefix}{name}" for name in KEY_FIELDS}


def _sum(
    kind: type[Stored], where: dict, way: dict[str, object], rows_in: str = ""
) -> Counter[EndedKey]:
    """
    Add up stored counts by *way*.

    Args:
        rows_in: The array field with the counts; by default each document is a count.
    """
    pictures = f"${rows_in}.pictures" if rows_in else "$pictures"
    rows = kind.collection().aggregate(
        [
            {"$match": where},
            *([{"$unwind": f"${rows_in}"}] if rows_in else []),
            {"$group": {"_id": way, "n": {"$sum": pictures}}},
        ]
    )
    found: Counter[EndedKey] = Counter()
    for row in rows:
        # Another release may have written other types.
        texts = {k: each for k, each in row["_id"].items() if isinstance(each, str)}
        known = {**dict.fromkeys(KEY_FIELDS, ""), **texts}
        if known["state"] in OUTCOMES:
            found[EndedKey(**known)] += row["n"]
    return found


def _count_closed_days(since: datetime) -> Counter[EndedKey]:
    """Totals of all closed days, cached until another day is closed."""
    global _closed
    key = (since, Usage.collection().estimated_document_count())
    if _closed is None or _closed[0] != key:
        ways = _ways("$")
        del ways["day"], ways["user_id"]
        _closed = key, _sum(Usage, {}, ways)
    return _closed[1]


def _rows(found: Counter[EndedKey]) -> list[UsageRow]:
    models = _models(way.lane for way in found)
    sums: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for way, n in found.items():
        sums[way.day, models[way.lane], OUTCOMES[way.state], way.charged] += n
    ordered = sorted(sums.items(), key=lambda item: item[0])
    rows = [UsageRow(date.fromisoformat(key[0]), *key[1:], n) for key, n in ordered]
    return sorted(rows, key=lambda row: row.date, reverse=True)


def _models(lanes: Iterable[str]) -> dict[str, str]:
    """Return the model id of each lane; the lane itself if it is no longer offered."""
    registry = runtime().registry
    found = {lane: registry.by_lane(lane) for lane in set(lanes)}
    return {lane: model.id if model else lane for lane, model in found.items()}
