"""
Usage: what became of the pictures that were asked for, and what was charged.

Days that can still change are counted by the hour, and their latest hour from the
generations; older ones were counted once and are kept (`jobs.close_days`). Deleting a
task, a picture or a user changes nothing: a generation stays, without its words.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from jimeng import jobs
from jimeng.documents import Generation, State, Usage, utcnow
from jimeng.jobs import Ended
from jimeng.viewers import Viewer

WAY = ("day", "user_id", "lane", "state", "charged", "code")  # fields of `Ended`
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

_closed: tuple[tuple[datetime, int], Counter[Ended]] | None = None


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


def by_day(viewer: Viewer, user_id: str, *, since: date, until: date) -> Report:
    """
    A user's pictures from *since* to *until*, both included.

    Raises:
        UserNotFound: another's are not there to see.
    """
    viewer.require_reader(user_id)
    begin, end = jobs.midnight(since), jobs.midnight(until + timedelta(days=1))
    kept = jobs.close_days()
    found = _kept(
        {
            "user_id": user_id,
            "day": {"$gte": since.isoformat(), "$lte": until.isoformat()},
        }
    )
    if end > kept.counted_from:
        begin_open = max(begin, kept.counted_from)
        found += jobs.ended_lately(begin_open, end, user_id=user_id)
    is_there = end <= kept.until or begin >= kept.counted_from
    return Report(_rows(found), kept.is_whole or is_there)


def today(viewer: Viewer) -> list[UserDay]:
    """
    What has ended since midnight, UTC, by user, the most first.

    Raises:
        AdminsOnly: it is not for this viewer to see.
    """
    viewer.require_operator("everybody's usage")
    users: dict[str, UserDay] = {}
    for way, n in jobs.ended_lately(jobs.midnight(utcnow().date())).items():
        empty = UserDay(way.user_id, Counter(), Counter())
        user = users.setdefault(way.user_id, empty)
        user.outcomes[OUTCOMES[way.state]] += n
        user.charged[way.charged] += n
    return sorted(users.values(), key=lambda u: (-u.outcomes.total(), u.user_id))


def totals(viewer: Viewer) -> tuple[Counter[Way], Counter[str]]:
    """
    All pictures that ever ended, and those of which that is not certain yet.

    The first only ever grow: a failure that may still be undone counts a day later,
    and the latest days once all that were before them are counted.

    Returns:
        Pictures by their way of ending; and the code -> pictures of those failures
        of the last day.

    Raises:
        AdminsOnly: it is not for this viewer to see.
    """
    viewer.require_operator("everybody's usage")
    kept, border = jobs.close_days(), utcnow() - CERTAIN_AFTER
    certain = [{"error.code": {"$nin": UNCERTAIN}}, {"ended_at": {"$lt": border}}]
    found = _all_kept(kept.until)
    if kept.is_whole:
        found = found + jobs.ended(kept.until, failed={"$or": certain})
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


def _kept(where: dict) -> Counter[Ended]:
    found: Counter[Ended] = Counter()
    known = {"state": {"$in": list(OUTCOMES)}}
    for row in Usage.collection().find({**where, **known}):
        kept = Usage.read(row)
        found[Ended(**{name: kept[name] for name in WAY})] += kept.pictures
    return found


def _text(field: str) -> dict:
    return {"$cond": [{"$eq": [{"$type": f"${field}"}, "string"]}, f"${field}", ""]}


def _all_kept(since: datetime) -> Counter[Ended]:
    """Those of all closed days, added up; read anew when there is one more."""
    global _closed
    key = (since, Usage.collection().estimated_document_count())
    if _closed is None or _closed[0] != key:
        names = ("lane", "state", "charged", "code")
        group = {"_id": {name: _text(name) for name in names}}
        rows = Usage.collection().aggregate(
            [
                {"$match": {"state": {"$in": list(OUTCOMES)}}},
                {"$group": {**group, "n": {"$sum": "$pictures"}}},
            ]
        )
        found = {Ended(day="", user_id="", **row["_id"]): row["n"] for row in rows}
        _closed = key, Counter(found)
    return _closed[1]


def _rows(found: Counter[Ended]) -> list[UsageRow]:
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
