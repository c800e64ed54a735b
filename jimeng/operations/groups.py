"""
What waits and what is under way, by lane and user.

Up to `MOST_COUNTED` pictures are counted one by one. Of more the rest is told by what
was counted as it came: a look at the queue must not take longer the longer it is.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from jimeng import lanes
from jimeng.documents import Generation, State, Task, utcnow
from jimeng.documents.task import Status

MOST_COUNTED = 10_000  # pictures
NOT_IN_LINE = (State.PREPARING, State.DELAYED)  # and waiting all the same


@dataclass(frozen=True)
class Group:
    """
    Pictures of one user in one lane that are alike.

    Attributes:
        state: A generation's.
        again: They were sent before.
        oldest: When the first of them was asked for.
    """

    lane: str
    user: str
    state: str
    n: int
    again: bool = False
    oldest: datetime | None = None


def read() -> list[Group]:
    """All groups; what is in line has no ``due_at``, whatever else goes on has one."""
    head, moving = _head(), _under_way()
    if all(sum(group.n for group in each) <= MOST_COUNTED for each in (head, moving)):
        return [*head, *moving]
    return [*_estimated(head, moving), *moving]


def total(groups: Iterable[Group], key: str, **where: object) -> Counter:
    """The sums by *key*, of those that are as *where* says."""
    found: Counter = Counter()
    for group in groups:
        if all(getattr(group, name) == value for name, value in where.items()):
            found[getattr(group, key)] += group.n
    return found


def _head() -> list[Group]:
    """What is in line, as far as it is counted."""
    return _groups({"state": State.QUEUED.value}, "waiting", [("lane", 1), ("turn", 1)])


def _under_way() -> list[Group]:
    """What has a ``due_at``; the delayed ones come last."""
    return _groups({"due_at": {"$exists": True}}, "due", [("due_at", 1)])


def _groups(where: dict, index: str, order: list[tuple[str, int]]) -> list[Group]:
    names = {"lane": "$lane", "user": "$user_id", "state": "$state"}
    known = {name: {"$ifNull": [field, ""]} for name, field in names.items()}
    group = {**known, "again": {"$gt": ["$attempts", 0]}}
    counts = {"n": {"$sum": 1}, "oldest": {"$min": "$created_at"}}
    rows = Generation.collection().aggregate(
        [
            {"$match": where},
            {"$sort": dict(order)},
            {"$limit": MOST_COUNTED + 1},
            {"$group": {"_id": group, **counts}},
        ],
        hint=index,
    )
    return [Group(**row["_id"], n=row["n"], oldest=row["oldest"]) for row in rows]


def _estimated(head: list[Group], moving: list[Group]) -> list[Group]:
    """
    What is in line: of each user as many as they asked for, or were counted. Delayed
    ones that were not counted are among these.
    """
    found = lanes.waiting_by_user()
    for group in [*head, *moving]:  # these are in the users' numbers, too
        if group.again or group.state in NOT_IN_LINE:
            found[group.lane, group.user] -= group.n
    groups = []
    for group in head:
        more = found.pop((group.lane, group.user), 0) if not group.again else 0
        groups.append(replace(group, n=max(group.n, more)))
    queued, oldest = State.QUEUED.value, _oldest()
    rest = [Group(*place, queued, n, oldest=oldest) for place, n in found.items()]
    return [*groups, *(group for group in rest if group.n > 0)]


def _oldest() -> datetime | None:
    """When the first task that waits now was asked for."""
    where = {"open": True, "status": Status.PENDING.value}
    now = {"$or": [{"not_before": None}, {"not_before": {"$lte": utcnow()}}]}
    rows = Task.collection().find({**where, **now}, {"created_at": 1}).hint("open")
    row = next(rows.sort("created_at", 1).limit(1), None)
    return row and row["created_at"]
