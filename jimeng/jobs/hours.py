"""
Hours: what ended in each of the latest ones is counted once, until its day is kept.

The consumers count them, so that who asks how the latest days have been looks at an
hour's pictures and not at three days'. What has ended may still change: a picture may
turn up late. That is announced before it is written, and the hour is counted anew.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

from pymongo import ReplaceOne
from pymongo.errors import DuplicateKeyError

from jimeng.documents import Generation, Hour, UsageHour, utcnow
from jimeng.jobs import days
from jimeng.jobs.days import STATES, Ended

FORM = "%Y-%m-%dT%H"
HOUR = timedelta(hours=1)
WAY = ("lane", "state", "charged", "code")  # fields of `Ended`
GRACE = timedelta(minutes=10)  # by then whoever ended a picture has written it
ANNOUNCED = timedelta(minutes=2)  # by then what was announced is written
MOST_GAPS = 4
BATCH = 1000  # rows


@dataclass(frozen=True)
class Recent:
    """
    A span of time, as far as it is counted.

    Attributes:
        hours: Those that are.
        gaps: Begin and end of what is not, in order; the last may have no end.
    """

    hours: list[Hour]
    gaps: list[tuple[datetime, datetime | None]]


def recent(since: datetime, until: datetime | None = None) -> Recent:
    """
    Args:
        since: The beginning of an hour, as *until* is, which is not of the span.
    """
    hours: list[Hour] = []
    gaps: list[tuple[datetime, datetime | None]] = []
    at = since
    for each in _whole(since, until):
        begin = begin_of(each)
        if each.since > at:
            if len(gaps) + 1 == MOST_GAPS:  # each is a question of its own
                break
            gaps.append((at, each.since))
        hours.append(each)
        at = begin + HOUR
    if until is None or at < until:
        gaps.append((at, until))
    return Recent(hours, gaps)


def ended_lately(
    since: datetime, until: datetime | None = None, *, user_id: str | None = None
) -> Counter[Ended]:
    """`days.ended`, for what is of a recent day."""
    span = recent(since, until)
    found: Counter[Ended] = Counter()
    for begin, end in span.gaps:
        found += days.ended(begin, end, user_id=user_id)
    if span.hours:
        found += _counted([each.id for each in span.hours], user_id)
    return found


def closing() -> Iterator[str]:
    """Count the hours that are over and not counted yet, one by one: their names."""
    now = utcnow()
    first = days.midnight(now.date() - timedelta(days=days.OPEN_DAYS))
    _forget(first)
    at, until = first, floor(now - GRACE)
    kept = list(_whole(first, until))
    while (ended_at := _next(at, until)) is not None:
        begin = floor(ended_at)
        inside = [each for each in kept if each.since <= begin <= begin_of(each)]
        if inside:
            at = begin_of(inside[-1]) + HOUR
            continue
        before = Hour.find_one({"_id": begin.strftime(FORM)})
        if not (before and before.changed_at and before.changed_at > now - ANNOUNCED):
            _close(begin, at, before.changes if before else None)
            yield begin.strftime(FORM)
        at = begin + HOUR


def announce(generation: Generation, until: datetime | None = None) -> None:
    """
    What has ended is about to end in another way, or did not end.

    Args:
        until: It may have ended at any time from its lease on until then.
    """
    since = generation.due_at if until else generation.ended_at
    if since is None:
        return
    at, last = floor(since), floor(until or since)
    while at <= last:
        Hour.collection().update_one(
            {"_id": at.strftime(FORM)},
            {
                "$inc": {"changes": 1},
                "$set": {"changed_at": utcnow()},
                "$unset": {"whole": ""},
            },
            upsert=True,
        )
        at += HOUR


def floor(moment: datetime) -> datetime:
    """When its hour began."""
    return moment.replace(minute=0, second=0, microsecond=0)


def begin_of(hour: Hour) -> datetime:
    return datetime.strptime(hour.id, FORM).replace(tzinfo=UTC)


def _span(since: datetime, until: datetime | None) -> dict:
    end = {"$lt": until.strftime(FORM)} if until else {}
    return {"$gte": since.strftime(FORM), **end}


def _whole(since: datetime, until: datetime | None) -> Iterator[Hour]:
    where = {"_id": _span(since, until), "whole": True, "since": {"$type": "date"}}
    for row in Hour.collection().find(where).sort("_id", 1):
        found = Hour.read(row)
        with suppress(ValueError):  # none of ours
            begin_of(found)
            yield found


def _forget(until: datetime) -> None:
    """Remove those of days that are kept."""
    name = until.strftime(FORM)
    UsageHour.collection().delete_many({"hour": {"$lt": name}})
    Hour.collection().delete_many({"_id": {"$lt": name}})


def _next(since: datetime, until: datetime) -> datetime | None:
    """When the first picture from *since* on ended."""
    where = {"ended_at": {"$gte": since, "$lt": until}}
    rows = Generation.collection().find(where, {"_id": 0, "ended_at": 1})
    row = next(rows.hint("ended_how").sort("ended_at", 1).limit(1), None)
    return None if row is None else row["ended_at"]


def _close(begin: datetime, since: datetime, changes: int | None) -> None:
    hour = begin.strftime(FORM)
    users: dict[str, list[dict]] = defaultdict(list)
    whole = dict.fromkeys(STATES, 0)
    for way, n in days.ended(begin, begin + HOUR).items():
        kept = {name: getattr(way, name) for name in WAY}
        users[way.user_id].append({**kept, "pictures": n})
        whole[way.state] += n
    rows = UsageHour.collection()
    rows.delete_many({"hour": hour, "user_id": {"$nin": list(users)}})
    updates = [
        ReplaceOne(
            {"_id": f"{hour}|{user}"},
            {"hour": hour, "user_id": user, "ways": ways},
            upsert=True,
        )
        for user, ways in users.items()
    ]
    for start in range(0, len(updates), BATCH):
        rows.bulk_write(updates[start : start + BATCH], ordered=False)
    # The sums come last: they say that it is counted, unless it has changed meanwhile.
    same = {"_id": hour, "changes": changes if changes else {"$exists": False}}
    counted = {"$set": {**whole, "since": since, "whole": True}}
    with suppress(DuplicateKeyError):
        Hour.collection().update_one(same, counted, upsert=changes is None)


def _counted(hours: list[str], user_id: str | None) -> Counter[Ended]:
    where: dict = {"hour": {"$gte": hours[0], "$lte": hours[-1]}}
    if user_id is not None:
        where["user_id"] = user_id
    ways = {name: f"$ways.{name}" for name in WAY}
    day = {"$substrBytes": ["$hour", 0, 10]}
    rows = UsageHour.collection().aggregate(
        [
            {"$match": {**where, "hour": {"$in": hours}}},
            {"$unwind": "$ways"},
            {
                "$group": {
                    "_id": {"day": day, "user_id": "$user_id", **ways},
                    "n": {"$sum": "$ways.pictures"},
                }
            },
        ]
    )
    found: Counter[Ended] = Counter()
    for row in rows:
        way = {each.name: row["_id"].get(each.name) for each in fields(Ended)}
        if way["state"] in STATES and all(type(text) is str for text in way.values()):
            found[Ended(**way)] += row["n"]
    return found
