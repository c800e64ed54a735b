"""
Usage: what became of the pictures that were asked for, and what was charged.

Days that can still change are counted by the hour, and their latest hour from the
generations; older ones were counted once and are kept (`jobs.tallies`). Deleting a
task, a picture or a user changes nothing: a generation stays, without its words.

`schemas`, `operations` and the doors may import it; it knows no Flask.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

from jimeng import jobs
from jimeng.documents import Generation, Hour, State, Tally, Usage, UsageHour, utcnow
from jimeng.documents.base import Stored
from jimeng.documents.principal import Principal
from jimeng.jobs import EndedKey, tallies
from jimeng.jobs.tallies import AN_HOUR, DAY, HOUR

WAY = [each.name for each in fields(EndedKey)]
Date = date  # where a field has that name
OUTCOMES = {
    State.DONE.value: "done",
    State.FAILED.value: "failed",
    State.UNKNOWN.value: "unknown",
    State.DROPPED.value: "cancelled",
}
# Failures that a late look may still turn into a picture, or a late answer; within
# a day it has, or will not.
UNCERTAIN = ["timed_out", "account_removed", "submit_unknown"]
CERTAIN_AFTER = timedelta(days=1)
MAX_GAPS = 4

_closed: tuple[tuple[datetime, int], Counter[EndedKey]] | None = None


@dataclass(frozen=True)
class UsageRow:
    """
    Pictures of one day in UTC, of one model, that ended in one way.

    Attributes:
        model: Its name, or that of its lane where it is offered no longer.
        outcome: ``done``, ``failed``, ``cancelled`` (before it was sent) or
            ``unknown`` (nobody knows whether the provider had taken it).
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
            time: they are left out.
    """

    rows: list[UsageRow]
    is_whole: bool


@dataclass(frozen=True)
class UserDay:
    """
    What a user's pictures have come to on one day.

    Attributes:
        outcomes: Outcome -> pictures.
        charged: ``no``, ``unknown`` or ``yes`` -> pictures.
    """

    user_id: str
    outcomes: Counter[str]
    charged: Counter[str]


@dataclass(frozen=True)
class Way:
    """How pictures ended, for all days and users; `code` is empty without an error."""

    model: str
    outcome: str
    charged: str
    code: str


@dataclass(frozen=True)
class Ends:
    """
    Pictures that ended on a day in UTC, or within an hour of it.

    Attributes:
        begin: When that began.
        completed: They came.
        failed: They did not, for good.
        cancelled: They were never sent.
    """

    begin: datetime
    completed: int
    failed: int
    cancelled: int

    @classmethod
    def of(cls, begin: datetime, states: Mapping[str, int]) -> "Ends":
        failed = states.get(State.FAILED, 0) + states.get(State.UNKNOWN, 0)
        done, dropped = states.get(State.DONE, 0), states.get(State.DROPPED, 0)
        return cls(begin, done, failed, dropped)

    @property
    def date(self) -> Date:
        return self.begin.date()

    @property
    def processed(self) -> int:
        """Those that were sent, whatever came of it."""
        return self.completed + self.failed


def by_day(principal: Principal, user_id: str, *, since: date, until: date) -> Report:
    """
    A user's pictures from *since* to *until*, both included.

    Raises:
        UserNotFound: another's are not there to see.
    """
    principal.require_reader(user_id)
    begin, end = jobs.midnight(since), jobs.midnight(until + timedelta(days=1))
    kept = tallies.close_days()
    days = {"$gte": since.isoformat(), "$lte": until.isoformat()}
    found = _sum(Usage, {"user_id": user_id, "day": days}, _ways("$"))
    if end > kept.counted_from:
        begin_open = max(begin, kept.counted_from)
        found += _ended_lately(begin_open, end, user_id=user_id)
    is_there = end <= kept.until or begin >= kept.counted_from
    return Report(_rows(found), kept.is_whole or is_there)


def today(principal: Principal) -> list[UserDay]:
    """
    What has ended since midnight, UTC, by user, the most first.

    Raises:
        AdminsOnly: it is not for this principal to see.
    """
    principal.require_operator("everybody's usage")
    users: dict[str, UserDay] = {}
    for way, n in _ended_lately(jobs.midnight(utcnow().date())).items():
        empty = UserDay(way.user_id, Counter(), Counter())
        user = users.setdefault(way.user_id, empty)
        user.outcomes[OUTCOMES[way.state]] += n
        user.charged[way.charged] += n
    return sorted(users.values(), key=lambda u: (-u.outcomes.total(), u.user_id))


def totals(principal: Principal) -> tuple[Counter[Way], Counter[str]]:
    """
    All pictures that ever ended, and those of which that is not certain yet.

    The first only ever grow: a failure that may still be undone counts a day later,
    and the latest days once all that were before them are counted.

    Returns:
        Pictures by their way of ending; and the code -> pictures of those failures
        of the last day.

    Raises:
        AdminsOnly: it is not for this principal to see.
    """
    principal.require_operator("everybody's usage")
    kept, border = tallies.close_days(), utcnow() - CERTAIN_AFTER
    certain = [{"error.code": {"$nin": UNCERTAIN}}, {"ended_at": {"$lt": border}}]
    found = _all_kept(kept.until)
    if kept.is_whole:
        found = found + tallies.count_ended(kept.until, failed={"$or": certain})
    ways: Counter[Way] = Counter()
    models = _models(way.lane for way in found)
    for way, n in found.items():
        outcome = OUTCOMES[way.state]
        ways[Way(models[way.lane], outcome, way.charged, way.code)] += n
    where = {"error.code": {"$in": UNCERTAIN}, "ended_at": {"$gte": border}}
    rows = Generation.collection().aggregate(
        [{"$match": where}, {"$group": {"_id": "$error.code", "n": {"$sum": 1}}}]
    )
    young = Counter(dict.fromkeys(UNCERTAIN, 0))
    young.update({row["_id"]: row["n"] for row in rows})
    return ways, young


def all_days() -> list[Ends]:
    """
    Everybody's, each day on which a picture ended, newest first; of a long history
    that is counted for the first time, those that have been.
    """
    since = tallies.close_days().counted_from
    closed = Tally.read_all(Tally.collection().find())
    counted = [*((day.id, _states(day)) for day in closed), *_states_lately(since, DAY)]
    days = [
        Ends.of(jobs.midnight(date.fromisoformat(day)), found) for day, found in counted
    ]
    return sorted(days, key=lambda day: day.begin, reverse=True)


def last_hours(now: datetime) -> list[Ends]:
    """Everybody's, the last 24 hours of the clock, this one included, oldest first."""
    last = tallies.hour_start(now)
    moments = [last - n * AN_HOUR for n in reversed(range(24))]
    found = dict(_states_lately(moments[0], HOUR))
    return [Ends.of(at, found.get(at.strftime(HOUR), {})) for at in moments]


def ended_since(since: datetime) -> Ends:
    """Everybody's that ended from that moment on."""
    states: Counter[str] = Counter()
    for found in tallies.count_ended_states(since).values():
        states += found
    return Ends.of(since, states)


def _ended_lately(
    since: datetime, until: datetime | None = None, *, user_id: str | None = None
) -> Counter[EndedKey]:
    """`tallies.count_ended`, for what is of a recent day."""
    hours, gaps = _recent(since, until)
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


def _states_lately(since: datetime, form: str) -> list[tuple[str, Counter[str]]]:
    """
    `tallies.count_ended_states`, for what is of recent days.

    Args:
        since: The beginning of an hour of a day that can still change.
    """
    hours, gaps = _recent(since)
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for hour in hours:
        found[tallies.start_of(hour).strftime(form)] += _states(hour)
    for begin, end in gaps:
        for name, states in tallies.count_ended_states(begin, end, form=form).items():
            found[name] += states
    return [(name, states) for name, states in found.items() if states]


def _recent(
    since: datetime, until: datetime | None = None
) -> tuple[list[Hour], list[tuple[datetime, datetime | None]]]:
    """
    Of a span of time the hours that are counted; and begin and end of what is not, in
    order, the last perhaps without an end.

    Args:
        since: The beginning of an hour, as *until* is, which is not of the span.
    """
    hours: list[Hour] = []
    gaps: list[tuple[datetime, datetime | None]] = []
    at = since
    for each in tallies.whole_hours(since, until):
        if each.since > at:
            if len(gaps) + 1 == MAX_GAPS:  # each is a question of its own
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
    return {name: f"{prefix}{name}" for name in WAY}


def _sum(
    kind: type[Stored], where: dict, way: dict[str, object], rows_in: str = ""
) -> Counter[EndedKey]:
    """
    Pictures by their *way* of ending, as they were counted.

    Args:
        rows_in: The field whose elements say that; by default each document does.
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
        # Another release may have written what is no text.
        texts = {k: each for k, each in row["_id"].items() if isinstance(each, str)}
        known = {**dict.fromkeys(WAY, ""), **texts}
        if known["state"] in OUTCOMES:
            found[EndedKey(**known)] += row["n"]
    return found


def _all_kept(since: datetime) -> Counter[EndedKey]:
    """Those of all closed days, added up; read anew when there is one more."""
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
    """Lane -> its model's name."""
    registry = jobs.runtime().registry
    found = {lane: registry.by_lane(lane) for lane in set(lanes)}
    return {lane: model.id if model else lane for lane, model in found.items()}
