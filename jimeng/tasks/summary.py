"""A user's tasks by state: how many in each, which, and when the next one starts."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jimeng.documents import Status, Task, cursors, utcnow
from jimeng.documents.cursors import NEWEST_FIRST
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.errors import Invalid
from jimeng.tasks.queries import find_all, last_searched, owned, with_words
from jimeng.tasks.views import view_all

SCHEDULED = "scheduled"
# Those of the API, but that what waits for its hour is told from what is in line.
STATES = ("pending", "processing", SCHEDULED, "completed", "failed", "cancelled")
MAX_COUNTED = 1000  # tasks in one state
LOOKED_THROUGH = 200  # tasks, the newest: what waits is among them
NEEDED = {"status": 1, "lane": 1, "not_before": 1}


@dataclass(frozen=True)
class Count:
    """
    Attributes:
        n: How many, or more where it is the *least*.
    """

    n: int
    least: bool = False

    def __bool__(self) -> bool:
        return self.n > 0

    def __str__(self) -> str:
        return f"{self.n}+" if self.least else str(self.n)

    @classmethod
    def sum(cls, counts: Iterable["Count"]) -> "Count":
        each = list(counts)
        return cls(sum(c.n for c in each), any(c.least for c in each))


def in_state(state: str) -> dict:
    """The part of a query that keeps to tasks in one of `STATES` now."""
    if state not in STATES:
        raise Invalid.field("status", "invalid.status", known=", ".join(STATES))
    if state == SCHEDULED:
        return {"status": Status.PENDING.value, "not_before": {"$gt": utcnow()}}
    if state == Status.PENDING:
        # Also true where there is no such field.
        return {"status": state, "not_before": {"$not": {"$gt": utcnow()}}}
    return {"status": state}


def counts(
    principal: Principal,
    user_id: str,
    states: Sequence[str] = STATES,
    *,
    within: dict | None = None,
) -> dict[str, Count]:
    """
    How many tasks a user has in each of these *states*, up to `MAX_COUNTED`.

    Args:
        within: Only tasks for which this query holds too.
    """
    mine = {**owned(principal, user_id), **THERE, **(within or {})}
    tasks = Task.collection()
    counting: list[list[dict]] = [
        [
            {"$match": {**mine, **in_state(state)}},
            {"$limit": MAX_COUNTED + 1},
            {"$group": {"_id": {"$literal": state}, "n": {"$sum": 1}}},
        ]
        for state in states
    ]
    first, *others = counting
    # In one command.
    more = [{"$unionWith": {"coll": tasks.name, "pipeline": each}} for each in others]
    rows = tasks.aggregate([*first, *more])
    found = Counter({row["_id"]: row["n"] for row in rows})
    return {
        state: Count(min(found[state], MAX_COUNTED), found[state] > MAX_COUNTED)
        for state in states
    }


def counts_found(principal: Principal, user_id: str, q: str) -> dict[str, Count]:
    """
    The same of those whose prompts have all words of *q*, among as many of the newest
    as the first page of a search looks at.
    """
    mine = owned(principal, user_id)
    last = last_searched([mine])
    # A field that is missing is less than any time.
    later = {"$gt": ["$not_before", utcnow()]}
    is_scheduled = {"$and": [{"$eq": ["$status", Status.PENDING.value]}, later]}
    state = {"$cond": [is_scheduled, SCHEDULED, "$status"]}
    newest = [] if last is None else [cursors.down_to(last, "created_at")]
    rows = Task.collection().aggregate(
        [
            {"$match": {"$and": [mine, *newest, THERE, with_words(q)]}},
            {"$group": {"_id": state, "n": {"$sum": 1}}},
        ],
        hint="user_created",  # which it does not choose by itself
    )
    numbers = Counter({row["_id"]: row["n"] for row in rows})
    return {name: Count(numbers[name], last is not None) for name in STATES}


@dataclass(frozen=True)
class Line:
    """
    Attributes:
        n: How many of the principal's tasks wait to be started.
        more: Whether there may be *more* than were counted.
        seconds: Until the first of them starts; None while they are held.
        held: Why they are, as `lanes.why_held`.
    """

    n: int
    more: bool
    seconds: int | None
    held: str | None


def line(principal: Principal) -> Line:
    """What the principal has waiting now; without what is scheduled for later."""
    where = {"user_id": principal.user_id, **THERE}
    rows = Task.collection().find(where, NEEDED).sort(NEWEST_FIRST)
    found, now = list(rows.limit(LOOKED_THROUGH)), utcnow()
    waiting = [
        row
        for row in found
        if row["status"] == Status.PENDING.value
        and (row.get("not_before") or now) <= now
    ]
    # The oldest in each line is ahead of the others in it.
    first = {row.get("lane"): row["_id"] for row in waiting}
    views = view_all(principal, find_all(principal, first.values()))
    starts = [each.eta_seconds for each in views if each.eta_seconds is not None]
    full = len(found) == LOOKED_THROUGH == len(waiting)
    held = next((each.held for each in views if each.held), None)
    return Line(len(waiting), full, None if held else min(starts, default=0), held)
