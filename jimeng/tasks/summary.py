"""A user's tasks by state: how many in each, which, and when the next one starts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from jimeng.documents import Status, Task, cursors, utcnow
from jimeng.documents.cursors import NEWEST_FIRST
from jimeng.documents.status import ENDED
from jimeng.documents.task import DOOMED, THERE
from jimeng.errors import Invalid
from jimeng.tasks.reading import (
    Searched,
    find_all,
    last_searched,
    owned,
    with_words,
)
from jimeng.tasks.views import view_all
from jimeng.viewers import Viewer

SCHEDULED = "scheduled"
# Those of the API, but that what waits for its hour is told from what is in line.
STATES = ("pending", "processing", SCHEDULED, "completed", "failed", "cancelled")
MOST_COUNTED = 1000  # tasks in one state
GONE = {"deleted_at": {"$exists": True}}
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
    mine = {**owned(viewer, user_id), **(within or {})}
    # Of those that have ended all are counted, from an index alone; whatever else is
    # asked for is read. The deleted ones among them are few, and counted apart.
    bare = [state for state in states if state in ENDED and not within]
    read = [state for state in states if state not in bare]
    found = _add_up(
        *(_counting({**mine, **in_state(state)}, state) for state in bare),
        *(_counting({**mine, **THERE, **in_state(state)}, state) for state in read),
        *(_deleted(user_id) if bare else ()),
    )
    unsure = [state for state in bare if _is_unsure(state, found)]
    for state in bare:
        found[state] -= found[f"trash {state}"] + found[f"doomed {state}"]
    if unsure:
        where = {state: {**mine, **THERE, **in_state(state)} for state in unsure}
        again = _add_up(*(_counting(where[state], state) for state in unsure))
        found = Counter({**found, **{state: again[state] for state in unsure}})
    return {state: _up_to(found[state]) for state in states}


def _up_to(n: int) -> Count:
    return Count(min(max(n, 0), MOST_COUNTED), n > MOST_COUNTED)


def _add_up(*each: list[dict]) -> Counter[str]:
    """What these pipelines count, by name, in one command."""
    tasks = Task.collection()
    first, *others = each
    more = [{"$unionWith": {"coll": tasks.name, "pipeline": one}} for one in others]
    rows = tasks.aggregate([*first, *more])
    return Counter({row["_id"]: row["n"] for row in rows})


def _counting(where: dict, state: str) -> list[dict]:
    group = {"$group": {"_id": {"$literal": state}, "n": {"$sum": 1}}}
    return [{"$match": where}, {"$limit": MOST_COUNTED + 1}, group]


def _deleted(user_id: str) -> Iterator[list[dict]]:
    """
    The user's deleted tasks by state, those in the trash and those that are about to
    go, among which there are others'.
    """
    trashed = {"user_id": user_id, "purge_at": {"$exists": True}}
    is_mine = {"$eq": ["$user_id", {"$literal": user_id}]}
    for name, where in (("trash", {**trashed, **GONE}), ("doomed", DOOMED)):
        state = {"$concat": [f"{name} ", {"$cond": [is_mine, "$status", ""]}]}
        group = {"$group": {"_id": state, "n": {"$sum": 1}}}
        yield [{"$match": where}, {"$limit": MOST_COUNTED + 1}, group]


def _is_unsure(state: str, found: Counter[str]) -> bool:
    """Whether there may be more of it than were counted, or more deleted ones."""
    for name in ("trash", "doomed"):
        seen = sum(n for each, n in found.items() if each.startswith(f"{name} "))
        if seen > MOST_COUNTED:
            return True
        if found[f"{name} {state}"] and found[state] > MOST_COUNTED:
            return True
    return False


def counts_found(
    viewer: Viewer, user_id: str, q: str
) -> tuple[dict[str, Count], Searched]:
    """
    The same of those whose prompts have all words of *q*, among as many of the newest
    as the first page of a search looks at; and what that page need not find out anew.
    """
    mine = owned(viewer, user_id)
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
    counts = {name: Count(numbers[name], last is not None) for name in STATES}
    return counts, Searched(last, numbers.total())


@dataclass(frozen=True)
class Line:
    """
    Attributes:
        n: How many of the viewer's tasks wait to be started.
        more: Whether there may be *more* than were counted.
        seconds: Until the first of them starts; None while they are held.
        held: Why they are, as `lanes.why_held`.
    """

    n: int
    more: bool
    seconds: int | None
    held: str | None


def line(viewer: Viewer) -> Line:
    """Look at what the viewer has waiting now; what waits for its hour is left out."""
    where = {"user_id": viewer.user_id, **THERE}
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
    views = view_all(viewer, find_all(viewer, first.values()))
    starts = [each.eta_seconds for each in views if each.eta_seconds is not None]
    full = len(found) == LOOKED_THROUGH == len(waiting)
    held = next((each.held for each in views if each.held), None)
    return Line(len(waiting), full, None if held else min(starts, default=0), held)
