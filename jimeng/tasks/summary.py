"""A user's tasks by state: how many there are in each, and which."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jimeng.documents import Status, Task, utcnow
from jimeng.documents.task import THERE
from jimeng.errors import Invalid
from jimeng.tasks.reading import MOST_SEARCHED, NEWEST_FIRST, owned, with_words
from jimeng.viewers import Viewer

SCHEDULED = "scheduled"
# Those of the API, but that what waits for its hour is told from what is in line.
STATES = ("pending", "processing", SCHEDULED, "completed", "failed", "cancelled")
MOST_COUNTED = 1000  # tasks in one state


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
    viewer: Viewer,
    user_id: str,
    states: Sequence[str] = STATES,
    *,
    within: dict | None = None,
) -> dict[str, Count]:
    """
    How many tasks a user has in each of these *states*, up to `MOST_COUNTED`.

    Args:
        within: Only tasks for which this query holds too.
    """
    mine = {**owned(viewer, user_id), **THERE, **(within or {})}
    first, *others = (_counting({**mine, **in_state(s)}, s) for s in states)
    tasks = Task.collection()
    more = [{"$unionWith": {"coll": tasks.name, "pipeline": each}} for each in others]
    found = {row["_id"]: row["n"] for row in tasks.aggregate([*first, *more])}
    return {state: _up_to(found.get(state, 0)) for state in states}


def _up_to(n: int) -> Count:
    return Count(min(n, MOST_COUNTED), n > MOST_COUNTED)


def _counting(where: dict, state: str) -> list[dict]:
    group = {"$group": {"_id": {"$literal": state}, "n": {"$sum": 1}}}
    return [{"$match": where}, {"$limit": MOST_COUNTED + 1}, group]


def counts_found(viewer: Viewer, user_id: str, q: str) -> dict[str, Count]:
    """
    The same of those whose prompts have all words of *q*, among as many of the newest
    as the first page of a search looks at.
    """
    # A field that is missing is less than any time.
    later = {"$gt": ["$not_before", utcnow()]}
    is_scheduled = {"$and": [{"$eq": ["$status", Status.PENDING.value]}, later]}
    state = {"$cond": [is_scheduled, SCHEDULED, "$status"]}
    groups = [
        {"$match": with_words(q)},
        {"$group": {"_id": state, "n": {"$sum": 1}}},
    ]
    rows = Task.collection().aggregate(
        [
            {"$match": {**owned(viewer, user_id), **THERE}},
            {"$sort": dict(NEWEST_FIRST)},
            {"$limit": MOST_SEARCHED},
            {"$project": {"prompt": 1, "status": 1, "not_before": 1}},
            {"$facet": {"groups": groups, "seen": [{"$count": "n"}]}},
        ]
    )
    row = next(iter(rows))
    least = any(each["n"] == MOST_SEARCHED for each in row["seen"])
    numbers = {each["_id"]: each["n"] for each in row["groups"]}
    return {name: Count(numbers.get(name, 0), least) for name in STATES}
