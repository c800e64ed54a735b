"""
Tallies: how pictures ended, counted once an hour or a day is over, and kept.

A picture that timed out may still turn up for some twelve hours, and then counts for
the day on which it did. So days are counted once and kept from `OPEN_DAYS` on; the
hours of younger ones are counted too, so that who asks for the latest days looks at an
hour's pictures and not at three days'. What changes in such an hour is announced before
it is written, and the hour is counted anew. `usage` reads all of it.
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
DAY, HOUR = "%Y-%m-%d", "%Y-%m-%dT%H"  # as they are written
AN_HOUR = timedelta(hours=1)
WRITE_GRACE = timedelta(minutes=10)  # by then whoever ended a picture has written it
CHANGE_GRACE = timedelta(minutes=2)  # by then what was announced is written
BATCH_ROWS = 1000  # rows
REQUEST_BUDGET_S = 0.3  # seconds
HOUR_FIELDS = (
    "lane",
    "state",
    "charged",
    "code",
)  # fields of `EndedKey` that `UsageHour` has
# Of an error that an operator has dealt with the code stands elsewhere.
CODE = {"$ifNull": ["$error.code", {"$ifNull": ["$dealt_with.error.code", ""]}]}


@dataclass(frozen=True)
class EndedKey:
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


def count_ended(
    since: datetime,
    until: datetime | None = None,
    *,
    user_id: str | None = None,
    failed: dict | None = None,
) -> Counter[EndedKey]:
    """
    How many pictures ended in each way, as the generations say.

    Those that came are counted from the index alone.

    Args:
        since: The first moment that counts; *until* is the first that does not.
        user_id: Whose they are; None for everybody's.
        failed: What else must be true of those that failed.
    """
    where = _span(since, until) | ({} if user_id is None else {"user_id": user_id})
    names = ("user_id", "lane", "state", "charged")
    way: dict[str, object] = {name: f"${name}" for name in names}
    way["day"] = _formatted(DAY)
    came = {**where, "state": {"$in": WITHOUT_ERROR}}
    lost = {**where, "state": {"$in": WITH_ERROR}, **(failed or {})}
    found: Counter[EndedKey] = Counter()
    for some, code in ((came, ""), (lost, CODE)):
        for each, n in _count(some, {**way, "code": code}):
            # Whatever was thought of an earlier try: what was not drawn is not charged.
            if each["state"] == State.DROPPED.value:
                each["charged"] = "no"
            found[EndedKey(**each)] += n
    return found


def count_ended_states(
    since: datetime, until: datetime | None = None, *, form: str = DAY
) -> dict[str, Counter[str]]:
    """
    `DAY` or `HOUR`, written in that *form* -> state -> pictures that ended then; from
    the index alone.
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
    # Who asks for one user's needs the fewest keys of that index, once it is built.
    is_of_user = "user_id" in where and indexes.is_there("generations.ended_user")
    hint = "ended_user" if is_of_user else "ended_how"
    for row in Generation.collection().aggregate(groups, hint=hint):
        yield row["_id"], row["n"]


def _first_end(since: datetime, until: datetime | None = None) -> datetime | None:
    """When the first picture of that time ended; None if none did."""
    rows = Generation.collection().find(_span(since, until), {"_id": 0, "ended_at": 1})
    row = next(rows.hint("ended_how").sort("ended_at", 1).limit(1), None)
    return None if row is None else row["ended_at"]


@dataclass(frozen=True)
class ClosedDays:
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


def close_days() -> ClosedDays:
    """
    Count the days that can no longer change and are not kept yet, and keep them, for
    as long as a request has time. The consumers do the rest of a long history; two
    at once write the same.
    """
    border = _first_open_day()
    until = monotonic() + REQUEST_BUDGET_S
    days = closing_days()
    last = next(days)
    # A day of very many pictures takes longer than one command of a request may.
    with best_effort("days"):
        while monotonic() < until:
            kept = next(days, None)
            if kept is None:
                return ClosedDays(midnight(last), midnight(last))
            last = kept
    return ClosedDays(midnight(last), max(midnight(last), midnight(border)))


def closing_days() -> Iterator[date]:
    """
    Keep the days that can no longer change, one by one: the first that is not kept, at
    first and after each.
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


def _close_day(day: date, found: Counter[EndedKey]) -> None:
    rows = [
        {"_id": "|".join(vars(way).values()), **vars(way), "pictures": n}
        for way, n in found.items()
    ]
    _write(Usage, rows)
    # The sums come last: they say that the day is closed.
    sums = {"$set": _sums(found)}
    Tally.collection().update_one({"_id": day.isoformat()}, sums, upsert=True)


def closing_hours() -> Iterator[str]:
    """Count the hours that are over and not counted yet, one by one: their names."""
    now = utcnow()
    first = midnight(_first_open_day())
    _delete_hours(first)
    at, until = first, hour_start(now - WRITE_GRACE)
    kept = list(whole_hours(first, until))
    while (ended_at := _first_end(at, until)) is not None:
        begin = hour_start(ended_at)
        inside = [each for each in kept if each.since <= begin <= start_of(each)]
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
        kept = {name: getattr(way, name) for name in HOUR_FIELDS}
        users[way.user_id].append({**kept, "pictures": n})
    gone = {"hour": hour, "user_id": {"$nin": list(users)}}
    UsageHour.collection().delete_many(gone)
    rows = [
        {"_id": f"{hour}|{user}", "hour": hour, "user_id": user, "ways": ways}
        for user, ways in users.items()
    ]
    _write(UsageHour, rows)
    # The sums come last: they say that it is counted, unless it has changed meanwhile.
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
    What has ended is about to end in another way, or did not end.

    Args:
        until: It may have ended at any time from its lease on until then.
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
    """The hours of that time that are counted, in order."""
    end = {"$lt": until.strftime(HOUR)} if until else {}
    span = {"$gte": since.strftime(HOUR), **end}
    where = {"_id": span, "whole": True, "since": {"$type": "date"}}
    for row in Hour.collection().find(where).sort("_id", 1):
        found = Hour.read(row)
        with suppress(ValueError):  # none of ours
            start_of(found)
            yield found


def _delete_hours(until: datetime) -> None:
    """Remove those of days that are kept."""
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
