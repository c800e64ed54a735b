"""
The operator's view of the queue: waiting and running pictures, by lane and user.

Up to `MAX_COUNTED` generations are counted exactly; beyond that, the metrics' counters
are used, so that the view does not slow down with the length of the queue.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jimeng import jobs, lanes
from jimeng.billing import usage
from jimeng.billing.usage import EndCounts
from jimeng.documents import Generation, State, Task, User, Worker, utcnow
from jimeng.documents.principal import Principal
from jimeng.documents.task import Status
from jimeng.errors import QueueUnavailable
from jimeng.operations import lane_status
from jimeng.operations.lane_status import LaneView

MAX_COUNTED = 10_000  # pictures
WAITING_UNQUEUED = (State.PREPARING, State.DELAYED)


@dataclass(frozen=True)
class Group:
    """
    Pictures of one user in one lane and state.

    Attributes:
        state: The state of the generations.
        again: Whether they were sent before.
        oldest: When the first of them was created.
    """

    lane: str
    user: str
    state: str
    n: int
    again: bool = False
    oldest: datetime | None = None


def read_groups() -> list[Group]:
    """All groups; queued generations have no ``due_at``, other open ones have one."""
    head, moving = _head(), _under_way()
    if all(sum(group.n for group in each) <= MAX_COUNTED for each in (head, moving)):
        return [*head, *moving]
    return [*_estimated(head, moving), *moving]


def total(groups: Iterable[Group], key: str, **where: object) -> Counter:
    """Sum the groups that match *where*, by *key*."""
    found: Counter = Counter()
    for group in groups:
        if all(getattr(group, name) == value for name, value in where.items()):
            found[getattr(group, key)] += group.n
    return found


def _head() -> list[Group]:
    """The queued pictures, up to `MAX_COUNTED`."""
    return _groups({"state": State.QUEUED.value}, "waiting", [("lane", 1), ("turn", 1)])


def _under_way() -> list[Group]:
    """The pictures with a ``due_at``; delayed ones are last."""
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
            {"$limit": MAX_COUNTED + 1},
            {"$group": {"_id": group, **counts}},
        ],
        hint=index,
    )
    return [Group(**row["_id"], n=row["n"], oldest=row["oldest"]) for row in rows]


def _estimated(head: list[Group], moving: list[Group]) -> list[Group]:
    """
    Estimate the queued pictures by the counters of each user. They include delayed
    pictures that were not counted.
    """
    found = lanes.waiting_by_user()
    for group in [*head, *moving]:  # the counters include these
        if group.again or group.state in WAITING_UNQUEUED:
            found[group.lane, group.user] -= group.n
    groups = []
    for group in head:
        more = found.pop((group.lane, group.user), 0) if not group.again else 0
        groups.append(replace(group, n=max(group.n, more)))
    queued, oldest = State.QUEUED.value, _oldest_in_group()
    rest = [Group(*key, queued, n, oldest=oldest) for key, n in found.items()]
    return [*groups, *(group for group in rest if group.n > 0)]


def _oldest_in_group() -> datetime | None:
    """When the oldest waiting task was created."""
    where = {"open": True, "status": Status.PENDING.value}
    now = {"$or": [{"not_before": None}, {"not_before": {"$lte": utcnow()}}]}
    rows = Task.collection().find({**where, **now}, {"created_at": 1}).hint("open")
    row = next(rows.sort("created_at", 1).limit(1), None)
    return row and row["created_at"]


MAX_USERS = 20  # in the list
GONE_SHOWN_FOR = timedelta(hours=1)  # for workers that are gone
SHOWN_WORKERS: list[dict] = [{"left": {"$ne": True}}, {"too_old": True}]
QUEUED = State.QUEUED.value
AT_PROVIDER = (
    *(State.STARTING, State.SUBMITTING, State.SEEKING),
    *(State.GENERATING, State.SAVING, State.FETCHING),
)


@dataclass(frozen=True)
class UserView:
    """
    One user's share of the queue.

    Attributes:
        name: The user's name, if known.
    """

    id: str
    name: str | None
    waiting: int
    running: int


@dataclass(frozen=True)
class QueueView:
    """
    All numbers count pictures, each of which is a separate submission.

    Attributes:
        pending: Waiting, including delayed ones.
        active: Claimed, submitted, being generated, or being saved.
        retry: Waiting again after a refusal that was not charged.
        days: Ended pictures by day, newest first.
        jobs: Queued jobs in Redis; None if Redis is unavailable.
        workers: Current and recent workers, latest heartbeat first.
        users: Users with waiting or running pictures, most first.
        oldest_at: When the oldest waiting picture was created; None if none waits.
    """

    measured_at: datetime
    pending: int
    active: int
    retry: int
    days: list[EndCounts]
    jobs: int | None
    workers: list[Worker]
    lanes: list[LaneView]
    users: list[UserView]
    oldest_at: datetime | None

    @property
    def heartbeat_timeout_s(self) -> int:
        """Seconds after its heartbeat in which a worker counts as alive."""
        return round(Worker.ALIVE.total_seconds())


def read_queue(principal: Principal) -> QueueView:
    """
    Describe the queue as it is now.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    principal.require_operator("the queue")
    now = utcnow()
    found = read_groups()
    waiting = total(found, "lane", state=QUEUED, again=False)
    again = total(found, "lane", state=QUEUED, again=True)
    under_way = total(found, "state")
    return QueueView(
        measured_at=now,
        pending=waiting.total() + sum(under_way[state] for state in WAITING_UNQUEUED),
        active=sum(under_way[state] for state in AT_PROVIDER),
        retry=again.total(),
        days=usage.all_days(),
        jobs=_jobs(),
        workers=Worker.find_all(
            {"seen_at": {"$gte": now - GONE_SHOWN_FOR}, "$or": SHOWN_WORKERS},
            sort=[("seen_at", -1)],
        ),
        lanes=lane_status.read_lanes(waiting, again),
        users=_users(found),
        oldest_at=_oldest(found),
    )


def _jobs() -> int | None:
    try:
        return jobs.check_queue()
    except QueueUnavailable:
        return None


def _oldest(found: list[Group]) -> datetime | None:
    moments = [each.oldest for each in found if each.state == QUEUED and each.oldest]
    return min(moments, default=None)


def _users(found: list[Group]) -> list[UserView]:
    waiting, running = Counter[str](), Counter[str]()
    for state in (QUEUED, *WAITING_UNQUEUED):
        waiting += total(found, "user", state=state)
    for state in AT_PROVIDER:
        running += total(found, "user", state=state.value)
    most = (waiting + running).most_common(MAX_USERS)
    names = User.names(user_id for user_id, _ in most)
    return [
        UserView(user_id, names.get(user_id), waiting[user_id], running[user_id])
        for user_id, _ in most
    ]
