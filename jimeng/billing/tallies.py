"""
Tallies: how pictures ended, counted once an hour or a day is over, and stored.

A picture that timed out may still complete for some twelve hours, and then counts for
the day of its completion. So days are counted and stored once they are `OPEN_DAYS` old.
The hours of younger days are counted, too, so that a query for the latest days counts
the pictures of one hour and not of three days. A later change in a counted hour is
announced before it is written, and the hour is counted again. `billing.usage` reads the
results.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic

from pymongo import UpdateOne
from pymongo.errors import DuplicateKeyError

from jimeng.documents import (
    Generation,
    Hour,
    State,
    Tally,
    Usage,
    UsageHour,
    best_effort,
    indexes,
    utcnow,
)
from jimeng.documents.base import Stored

OPEN_DAYS = 2
WITHOUT_ERROR = [State.DONE.value, State.DROPPED.value]
WITH_ERROR = [State.FAILED.value, State.UNKNOWN.value]
STATES = (*WITHOUT_ERROR, *WITH_ERROR)
DAY, HOUR = "%Y-%m-%d", "%Y-%m-%dT%H"  # formats of keys
AN_HOUR = timedelta(hours=1)
WRITE_GRACE = timedelta(minutes=10)  # by then the end of a picture is written
CHANGE_GRACE = timedelta(minutes=2)  # by then an announced change is written
BATCH_ROWS = 1000
REQUEST_BUDGET_S = 0.3
# The fields of `EndedKey` that are stored in `UsageHour`.
HOUR_FIELDS = ("lane", "state", "charged", "code")
# The code of an error that an operator has dealt with is stored elsewhere.
CODE = {"$ifNull": ["$error.code", {"$ifNull": ["$dealt_with.error.code", ""]}]}


@dataclass(frozen=True)
class EndedKey:
    """
    The key by which ended pictures are counted.


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


def count_ended(
    since: datetime,
    until: datetime | None = None,
    *,
    user_id: str | None = None,
    failed: dict | None = None,
) -> Counter[EndedKey]:
    """
    Count the pictures that ended, from the generations.

    Those without an error are counted from the index alone.

    Args:
        since: Inclusive; *until* is exclusive.
        user_id: None for all users.
        failed: A further condition on those that failed.
    """
    where = _span(since, until) | ({} if user_id is None else {"user_id": user_id})
    names = ("user_id", "lane", "state", "charged")
    way: dict[str, object] = {name: f"${name}" for name in names}
    way["day"] = _formatted(DAY)
    without_error = {**where, "state": {"$in": WITHOUT_ERROR}}
    lost = {**where, "state": {"$in": WITH_ERROR}, **(failed or {})}
    found: Counter[EndedKey] = Counter()
    for some, code in ((without_error, ""), (lost, CODE)):
        for each, n in _count(some, {**way, "code": code}):
            # Never generated, so not charged, whatever an earlier attempt has stored.
            if each["state"] == State.DROPPED.value:
                each["charged"] = "no"
            found[EndedKey(**each)] += n
    return found


def count_ended_states(
    since: datetime, until: datetime | None = None, *, form: str = DAY
) -> dict[str, Counter[str]]:
    """
    Count the pictures that ended, by day or hour and by state, from the index alone.

    Args:
        form: `DAY` or `HOUR`, the format of the outer keys.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    by = {"at": _formatted(form), "state": "$state"}
    for each, n in _count(_span(since, until), by):
        found[each["at"]][each["state"]] += n
    return found


def _span(since: datetime, until: datetime | None) -> dict:
    return {"ended_at": {"$gte": since, **({"$lt": until} if until else {})}}


def _formatted(form: str) -> dict:
    return {"$dateToString": {"date": "$ended_at", "format": form}}


def _count(where: dict, by: Mapping[str, object]) -> Iterator[tuple[dict, int]]:
    groups = [{"$match": where}, {"$group": {"_id": by, "n": {"$sum": 1}}}]
    # For one user this index needs the fewest keys, once it is built.
    is_of_user = "user_id" in where and indexes.is_there("generations.ended_user")
    hint = "ended_user" if is_of_user else "ended_how"
    for row in Generation.collection().aggregate(groups, hint=hint):
        yield row["_id"], row["n"]


def _first_end(since: datetime, until: datetime | None = None) -> datetime | None:
    """The earliest end of a picture in that time; None if there is none."""
    rows = Generation.collection().find(_span(since, until), {"_id": 0, "ended_at": 1})
    row = next(rows.hint("ended_how").sort("ended_at", 1).limit(1), None)
    return None if row is None else row["ended_at"]


@dataclass(frozen=True)
class ClosedDays:
    """
    Which days are counted and stored.

    Attributes:
        until: All that ended before this moment.
        counted_from: What ended since then is little enough to be counted per request.
            Later than `until` while days of a long history in between are neither.
    """

    until: datetime
    counted_from: datetime

    @property
    def is_whole(self) -> bool:
        return self.until >= self.counted_from


def close_days() -> ClosedDays:
    """
    Count and store the days that can no longer change, within `REQUEST_BUDGET_S`. The
    consumers do the rest of a long history; concurrent runs write the same.
    """
    border = _first_open_day()
    until = monotonic() + REQUEST_BUDGET_S
    days = closing_days()
    last = next(days)
    # A day of very many pictures may exceed the timeout of a request's command.
    with best_effort("days"):
        while monotonic() < until:
            day = next(days, None)
            if day is None:
                return ClosedDays(midnight(last), midnight(last))
            last = day
    return ClosedDays(midnight(last), max(midnight(last), midnight(border)))


def closing_days() -> Iterator[date]:
    """
    Count and store the days that can no longer change, one by one; yield the first day
    that is not stored, at the start and after each.
    """
    until = midnight(_first_open_day())
    last = Tally.collection().find_one({}, sort=[("_id", -1)])
    since = date.fromisoformat(last["_id"]) + timedelta(days=1) if last else date.min
    yield since
    while (ended_at := _first_end(midnight(since), until)) is not None:
        day = ended_at.date()
        since = day + timedelta(days=1)
        _close_day(day, count_ended(midnight(day), midnight(since)))
        yield since


def recount_day(day: date) -> None:
    """Count a stored day once more, after an operator's decision about a charge."""
    if Tally.find_one({"_id": day.isoformat()}) is None:
        return
    found = count_ended(midnight(day), midnight(day + timedelta(days=1)))
    _close_day(day, found)
    ids = ["|".join(vars(way).values()) for way in found]
    gone = {"day": day.isoformat(), "_id": {"$nin": ids}}
    Usage.collection().delete_many(gone)


def _close_day(day: date, found: Counter[EndedKey]) -> None:
    rows = [
        {"_id": "|".join(vars(way).values()), **vars(way), "pictures": n}
        for way, n in found.items()
    ]
    _write(Usage, rows)
    # The sums are written last: they mark the day as closed.
    sums = {"$set": _sums(found)}
    Tally.collection().update_one({"_id": day.isoformat()}, sums, upsert=True)


def closing_hours() -> Iterator[str]:
    """Count the past hours that are not counted yet, one by one; yield their names."""
    now = utcnow()
    first = midnight(_first_open_day())
    _delete_hours(first)
    at, until = first, hour_start(now - WRITE_GRACE)
    hours = list(whole_hours(first, until))
    while (ended_at := _first_end(at, until)) is not None:
        begin = hour_start(ended_at)
        inside = [each for each in hours if each.since <= begin <= start_of(each)]
        if inside:
            at = start_of(inside[-1]) + AN_HOUR
            continue
        before = Hour.find_one({"_id": begin.strftime(HOUR)})
        if not (
            before and before.changed_at and before.changed_at > now - CHANGE_GRACE
        ):
            _close_hour(begin, at, before.changes if before else None)
            yield begin.strftime(HOUR)
        at = begin + AN_HOUR


def _close_hour(begin: datetime, since: datetime, changes: int | None) -> None:
    hour = begin.strftime(HOUR)
    users: dict[str, list[dict]] = defaultdict(list)
    found = count_ended(begin, begin + AN_HOUR)
    for way, n in found.items():
        fields = {name: getattr(way, name) for name in HOUR_FIELDS}
        users[way.user_id].append({**fields, "pictures": n})
    gone = {"hour": hour, "user_id": {"$nin": list(users)}}
    UsageHour.collection().delete_many(gone)
    rows = [
        {"_id": f"{hour}|{user}", "hour": hour, "user_id": user, "ways": ways}
        for user, ways in users.items()
    ]
    _write(UsageHour, rows)
    # The sums are written last: they mark the hour as counted, unless it has changed.
    same = {"_id": hour, "changes": changes if changes else {"$exists": False}}
    counted = {"$set": {**_sums(found), "since": since, "whole": True}}
    with suppress(DuplicateKeyError):
        Hour.collection().update_one(same, counted, upsert=changes is None)


def _write(kind: type[Stored], rows: Sequence[dict]) -> None:
    updates = [UpdateOne({"_id": r["_id"]}, {"$set": r}, upsert=True) for r in rows]
    for start in range(0, len(updates), BATCH_ROWS):
        some = updates[start : start + BATCH_ROWS]
        kind.collection().bulk_write(some, ordered=False)


def _sums(found: Counter[EndedKey]) -> dict[str, int]:
    sums = dict.fromkeys(STATES, 0)
    for way, n in found.items():
        sums[way.state] += n
    return sums


def announce_change(generation: Generation, until: datetime | None = None) -> None:
    """
    Announce that an ended picture is about to change its end, so that the hour it was
    counted in is counted again.

    Args:
        until: The picture may have ended at any time from its lease until then.
    """
    since = generation.due_at if until else generation.ended_at
    if since is None:
        return
    at, last = hour_start(since), hour_start(until or since)
    while at <= last:
        changed = {"$inc": {"changes": 1}, "$set": {"changed_at": utcnow()}}
        changed["$unset"] = {"whole": ""}
        name = {"_id": at.strftime(HOUR)}
        Hour.collection().update_one(name, changed, upsert=True)
        at += AN_HOUR


def whole_hours(since: datetime, until: datetime | None) -> Iterator[Hour]:
    """Yield the counted hours of that time, in order."""
    end = {"$lt": until.strftime(HOUR)} if until else {}
    span = {"$gte": since.strftime(HOUR), **end}
    where = {"_id": span, "whole": True, "since": {"$type": "date"}}
    for row in Hour.collection().find(where).sort("_id", 1):
        found = Hour.read(row)
        with suppress(ValueError):  # not written by this code
            start_of(found)
            yield found


def _delete_hours(until: datetime) -> None:
    """Delete the hours of days that are stored."""
    name = until.strftime(HOUR)
    UsageHour.collection().delete_many({"hour": {"$lt": name}})
    Hour.collection().delete_many({"_id": {"$lt": name}})


def _first_open_day() -> date:
    """The first day that can still change."""
    return utcnow().date() - timedelta(days=OPEN_DAYS)


def midnight(day: date) -> datetime:
    """When the day begins, in UTC."""
    return datetime.combine(day, time.min, UTC)


def hour_start(moment: datetime) -> datetime:
    """When its hour began."""
    return moment.replace(minute=0, second=0, microsecond=0)


def start_of(hour: Hour) -> datetime:
    return datetime.strptime(hour.id, HOUR).replace(tzinfo=UTC)
