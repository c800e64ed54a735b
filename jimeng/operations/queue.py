"""The queue as its operator sees it: what waits, what runs, what has ended."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from jimeng import jobs, usage
from jimeng.documents import State, User, Worker, utcnow
from jimeng.errors import QueueUnavailable
from jimeng.operations import groups, lanes
from jimeng.operations.groups import Group
from jimeng.operations.lanes import LaneView
from jimeng.usage import Ends
from jimeng.viewers import Viewer

MOST_USERS = 20  # that are shown
REMEMBERED = timedelta(hours=1)  # how long a consumer that is gone is shown
HERE: list[dict] = [{"left": {"$ne": True}}, {"too_old": True}]
QUEUED = State.QUEUED.value
AT_PROVIDER = (State.STARTING, State.SUBMITTING, State.GENERATING, State.SAVING)


@dataclass(frozen=True)
class UserView:
    """
    One user's share of the queue.

    Attributes:
        name: Where there is a record.
    """

    id: str
    name: str | None
    waiting: int
    running: int


@dataclass(frozen=True)
class QueueView:
    """
    All numbers count pictures, each of which is a submission of its own.

    Attributes:
        pending: Waiting, those with a delay included.
        active: Claimed, sent, being drawn, or being saved.
        retry: Waiting again after a refusal that was not charged.
        days: What ended, by day, newest first.
        jobs: Jobs in Redis that no worker has taken; None if Redis is away.
        workers: Those that work, or did so lately, the latest heartbeat first.
        users: Those who have something waiting or under way, the most first.
        oldest_at: When what has waited longest was asked for; None if nothing waits.
    """

    measured_at: datetime
    pending: int
    active: int
    retry: int
    days: list[Ends]
    jobs: int | None
    workers: list[Worker]
    lanes: list[LaneView]
    users: list[UserView]
    oldest_at: datetime | None

    @property
    def alive_within_s(self) -> int:
        """Seconds after its heartbeat in which a worker counts as alive."""
        return round(Worker.ALIVE.total_seconds())


def read(viewer: Viewer) -> QueueView:
    """
    Describe the queue as it is now.

    Raises:
        AdminsOnly: the viewer does not see everybody's tasks.
    """
    viewer.require_operator("the queue")
    now = utcnow()
    found = groups.read()
    waiting = groups.total(found, "lane", state=QUEUED, again=False)
    again = groups.total(found, "lane", state=QUEUED, again=True)
    under_way = groups.total(found, "state")
    return QueueView(
        measured_at=now,
        pending=waiting.total() + sum(under_way[state] for state in groups.NOT_IN_LINE),
        active=sum(under_way[state] for state in AT_PROVIDER),
        retry=again.total(),
        days=usage.all_days(),
        jobs=_jobs(),
        workers=Worker.find_all(
            {"seen_at": {"$gte": now - REMEMBERED}, "$or": HERE}, sort=[("seen_at", -1)]
        ),
        lanes=lanes.read(waiting, again),
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
    for state in (QUEUED, *groups.NOT_IN_LINE):
        waiting += groups.total(found, "user", state=state)
    for state in AT_PROVIDER:
        running += groups.total(found, "user", state=state.value)
    most = (waiting + running).most_common(MOST_USERS)
    names = User.names(user_id for user_id, _ in most)
    return [
        UserView(user_id, names.get(user_id), waiting[user_id], running[user_id])
        for user_id, _ in most
    ]
