"""
Usage: results and charges of submitted pictures, by day, user and model.

As the sums of the ledger say: a picture counts for the day of its creation, in
``BILLING_TIMEZONE``, once it has ended. Deleting a task, a picture or a user changes
nothing.

`schemas`, `operations` and the interfaces may import it; it knows no Flask.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from jimeng.billing import costs
from jimeng.billing.settlement import HOUR
from jimeng.documents import CostSum, Generation, Settler, State, utcnow
from jimeng.documents.principal import Principal
from jimeng.process.runtime import runtime

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
AN_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Ended:
    """
    The key by which ended pictures are counted; `day`, `user_id` and `lane` are empty
    where they are counted together.

    Attributes:
        state: ``done``, ``failed``, ``unknown`` or ``dropped``.
        charged: ``no``, ``unknown`` or ``yes``.
        code: Of the error; empty where there was none.
    """

    day: str
    user_id: str
    lane: str
    state: str
    charged: str
    code: str


@dataclass(frozen=True)
class UsageRow:
    """
    The number of pictures of one day, by model, result and charge.

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
    Pictures of a day that have ended, or those that ended in an hour.

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
    days = {"$gte": since.isoformat(), "$lte": until.isoformat()}
    where = {"of": "user", "user_id": user_id, "day": days}
    return Report(_rows(_count(where, "day", "lane", hint="user")), _is_whole())


def today(principal: Principal) -> list[UserDay]:
    """
    The pictures that were created today and have ended, by user, most first.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    principal.require_operator("everybody's usage")
    users: dict[str, UserDay] = {}
    where = {"of": "user", "day": costs.today().isoformat()}
    for way, n in _count(where, "user_id", hint="day").items():
        empty = UserDay(way.user_id, Counter(), Counter())
        user = users.setdefault(way.user_id, empty)
        user.outcomes[OUTCOMES[way.state]] += n
        user.charged[way.charged] += n
    return sorted(users.values(), key=lambda u: (-u.outcomes.total(), u.user_id))


def totals(principal: Principal) -> tuple[Counter[UsageKey], Counter[str]]:
    """
    Totals of all pictures that ever ended, and recent failures that may still change.

    The totals never decrease: a failure that becomes a picture counts as both. After an
    upgrade there are none until what ended before is counted, too.

    Returns:
        Pictures by `UsageKey`; and pictures by error code, of the failures of the last
        day that may still change.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    principal.require_operator("everybody's usage")
    ways: Counter[UsageKey] = Counter()
    found = _count({"of": "ever"}, "lane", hint="day") if _is_whole() else {}
    models = _models(way.lane for way in found)
    for way, n in found.items():
        outcome = OUTCOMES[way.state]
        ways[UsageKey(models[way.lane], outcome, way.charged, way.code)] += n
    recent = {"$gte": utcnow() - CERTAIN_AFTER}
    where = {"error.code": {"$in": UNCERTAIN}, "ended_at": recent}
    rows = Generation.collection().aggregate(
        [{"$match": where}, {"$group": {"_id": "$error.code", "n": {"$sum": 1}}}]
    )
    young = Counter(dict.fromkeys(UNCERTAIN, 0))
    young.update({row["_id"]: row["n"] for row in rows})
    return ways, young


def all_days() -> list[EndCounts]:
    """The counts of all users for each day that has any, newest first."""
    days = _states({"of": "all"})
    counted = [
        EndCounts.of(costs.day_begin(date.fromisoformat(day)), states)
        for day, states in days.items()
    ]
    return sorted(counted, key=lambda each: each.begin, reverse=True)


def last_hours(now: datetime) -> list[EndCounts]:
    """
    What ended in each of the last 24 clock hours, this one included; a failure that
    became a picture in both of its hours.
    """
    last = now.replace(minute=0, second=0, microsecond=0)
    moments = [last - n * AN_HOUR for n in reversed(range(24))]
    found = _states({"of": "hour", "day": {"$gte": f"{moments[0]:{HOUR}}"}})
    return [EndCounts.of(at, found.get(f"{at:{HOUR}}", {})) for at in moments]


def ended_since(since: datetime) -> EndCounts:
    """What has ended since that moment."""
    groups: list[dict] = [
        {"$match": {"ended_at": {"$gte": since}}},
        {"$group": {"_id": "$state", "n": {"$sum": 1}}},
    ]
    rows = Generation.collection().aggregate(groups, hint="ended_how")
    return EndCounts.of(since, {row["_id"]: row["n"] for row in rows})


def _is_whole() -> bool:
    """Whether also what ended under an earlier release is counted by now."""
    settler = Settler.find_one({})
    return settler is None or settler.has_all_ends


def _states(where: dict) -> dict[str, Counter[str]]:
    """The pictures by day, or by hour, and state."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for way, n in _count(where, "day", hint="day").items():
        found[way.day][way.state] += n
    return found


def _count(where: dict, *by: str, hint: str) -> Counter[Ended]:
    """The pictures of the sums that match, by some of their fields and their end."""
    groups: list[dict[str, Any]] = [
        {"$match": {**where, "ends": {"$type": "object"}}},
        {"$project": {**dict.fromkeys(by, 1), "ends": {"$objectToArray": "$ends"}}},
        {"$unwind": "$ends"},
        {
            "$group": {
                "_id": {**{name: f"${name}" for name in by}, "ended": "$ends.k"},
                "n": {"$sum": "$ends.v"},
            }
        },
    ]
    found: Counter[Ended] = Counter()
    for row in CostSum.collection().aggregate(groups, hint=hint):
        state, _, rest = row["_id"].pop("ended").partition("|")
        if row["n"] and state in OUTCOMES:  # else by a later release
            charged, _, code = rest.partition("|")
            of = {"day": "", "user_id": "", "lane": "", **row["_id"]}
            found[Ended(**of, state=state, charged=charged, code=code)] += row["n"]
    return found


def _rows(found: Counter[Ended]) -> list[UsageRow]:
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
