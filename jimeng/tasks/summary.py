"""Summaries of a user's tasks: counts by state, and what is waiting."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jimeng.documents import Status, Task, cursors, utcnow
from jimeng.documents.cursors import NEWEST_FIRST
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.errors import Invalid
from jimeng.tasks.queries import (
    find_all,
    last_searched,
    owner_filter,
    prompt_filter,
    view_all,
)

SCHEDULED = "scheduled"
# The API's statuses, with scheduled tasks separated from pending ones.
STATES = ("pending", "processing", SCHEDULED, "completed", "failed", "cancelled")
MAX_COUNTED = 1000  # tasks in one state
MAX_SCANNED = 200  # newest tasks, among which the waiting ones are
WAITING_FIELDS = {"status": 1, "lane": 1, "not_before": 1}


@dataclass(frozen=True)
class Count:
    """
    Attributes:
        n: How many.
        is_minimum: There may be more than *n*.
    """

    n: int
    is_minimum: bool = False

    def __bool__(self) -> bool:
        return self.n > 0

    def __str__(self) -> str:
        return f"{self.n}+" if self.is_minimum else str(self.n)

    @classmethod
    def sum(cls, counts: Iterable["Count"]) -> "Count":
        each = list(counts)
        return cls(sum(c.n for c in each), any(c.is_minimum for c in each))


def state_filter(state: str) -> dict:
    """A filter for tasks that are in one of `STATES` now."""
    if state not in STATES:
        raise Invalid.field("status", "invalid.status", known=", ".join(STATES))
    if state == SCHEDULED:
        return {"status": Status.PENDING.value, "not_before": {"$gt": utcnow()}}
    if state == Status.PENDING:
        # Also matches documents without the field.
        return {"status": state, "not_before": {"$not": {"$gt": utcnow()}}}
    return {"status": state}


def count_by_state(
    principal: Principal,
    user_id: str,
    states: Sequence[str] = STATES,
    *,
    condition: dict | None = None,
) -> dict[str, Count]:
    """
    How many tasks a user has in each of these *states*, up to `MAX_COUNTED`.

    Args:
        condition: An additional MongoDB filter.
    """
    mine = {**owner_filter(principal, user_id), **THERE, **(condition or {})}
    tasks = Task.collection()
    counting: list[list[dict]] = [
        [
            {"$match": {**mine, **state_filter(state)}},
            {"$limit": MAX_COUNTED + 1},
            {"$group": {"_id": {"$literal": state}, "n": {"$sum": 1}}},
        ]
        for state in states
    ]
    first, *others = counting
    # One command for all states.
    more = [{"$unionWith": {"coll": tasks.name, "pipeline": each}} for each in others]
    rows = tasks.aggregate([*first, *more])
    found = Counter({row["_id"]: row["n"] for row in rows})
    return {
        state: Count(min(found[state], MAX_COUNTED), found[state] > MAX_COUNTED)
        for state in states
    }


def count_matches_by_state(
    principal: Principal, user_id: str, q: str
) -> dict[str, Count]:
    """
    Count by state the tasks whose prompts contain all words of *q*, among those that
    the first page of the search scans.
    """
    mine = owner_filter(principal, user_id)
    last = last_searched([mine])
    # A missing field compares as less than any time.
    later = {"$gt": ["$not_before", utcnow()]}
    is_scheduled = {"$and": [{"$eq": ["$status", Status.PENDING.value]}, later]}
    state = {"$cond": [is_scheduled, SCHEDULED, "$status"]}
    newest = [] if last is None else [cursors.down_to(last, "created_at")]
    rows = Task.collection().aggregate(
        [
            {"$match": {"$and": [mine, *newest, THERE, prompt_filter(q)]}},
            {"$group": {"_id": state, "n": {"$sum": 1}}},
        ],
        hint="user_created",  # the planner does not choose it
    )
    numbers = Counter({row["_id"]: row["n"] for row in rows})
    return {name: Count(numbers[name], last is not None) for name in STATES}


@dataclass(frozen=True)
class WaitingSummary:
    """
    Attributes:
        n: How many of the principal's tasks wait to start.
        more: Whether there may be more than *n*.
        seconds: Until the first of them starts; None while nothing is sent.
        hold_reason: Why nothing is sent, as `lanes.hold_reason_of`.
    """

    n: int
    more: bool
    seconds: int | None
    hold_reason: str | None


def waiting_summary(principal: Principal) -> WaitingSummary:
    """Summarise the principal's waiting tasks, without scheduled ones."""
    where = {"user_id": principal.user_id, **THERE}
    rows = Task.collection().find(where, WAITING_FIELDS).sort(NEWEST_FIRST)
    found, now = list(rows.limit(MAX_SCANNED)), utcnow()
    waiting = [
        row
        for row in found
        if row["status"] == Status.PENDING.value
        and (row.get("not_before") or now) <= now
    ]
    # The oldest task of each queue starts first; rows are newest first.
    first = {row.get("lane"): row["_id"] for row in waiting}
    views = view_all(principal, find_all(principal, first.values()))
    starts = [each.eta_seconds for each in views if each.eta_seconds is not None]
    full = len(found) == MAX_SCANNED == len(waiting)
    hold_reason = next((each.hold_reason for each in views if each.hold_reason), None)
    return WaitingSummary(
        len(waiting), full, None if hold_reason else min(starts, default=0), hold_reason
    )
