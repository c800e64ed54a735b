"""The operator's queue page and actions on the whole queue, which are audited."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from jimeng import batches, jobs, lanes
from jimeng.billing import usage
from jimeng.billing.costs import day_begin, today
from jimeng.billing.usage import EndCounts
from jimeng.documents import BulkAction, Switch, User, utcnow
from jimeng.documents.principal import Principal, recorded
from jimeng.errors import Invalid
from jimeng.jobs import bulk
from jimeng.operations import failures, queue
from jimeng.operations.queue import QueueView
from jimeng.tasks import clear_queue
from jimeng.tasks.clear_queue import Pending

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Board:
    """
    The data of the operator's queue page.

    Attributes:
        done: Pictures completed in the last 60 minutes.
        failed: Pictures failed in the same time.
        codes: Code -> unresolved failures since midnight.
        more: Whether only the newest are counted.
    """

    overview: QueueView
    done: int
    failed: int
    codes: list[tuple[str, int]]
    more: bool

    @property
    def done_today(self) -> int:
        """Completed pictures that were created today, in ``BILLING_TIMEZONE``."""
        days = self.overview.days
        return sum(day.completed for day in days if day.date == self.today)

    @property
    def today(self) -> date:
        """The day in ``BILLING_TIMEZONE``."""
        return today()

    @property
    def archived(self) -> int:
        """Pictures that failed for good, since the beginning of the records."""
        return sum(day.failed for day in self.overview.days)

    @property
    def oldest_wait(self) -> float | None:
        """Seconds; None if nothing waits."""
        oldest = self.overview.oldest_at
        if oldest is None:
            return None
        return (self.overview.measured_at - oldest).total_seconds()


@dataclass(frozen=True)
class Pause:
    """A pause switch that is on, and the name or id of the user who set it."""

    name: str
    since: datetime
    by: str


def board(principal: Principal) -> Board:
    """
    Read the queue page's data.

    Raises:
        AdminsOnly: the principal is not an operator.
    """
    found = queue.read_queue(principal)
    ended = usage.ended_since(found.measured_at - HOUR)
    codes = failures.codes_since(principal, day_begin(today()))
    return Board(found, ended.completed, ended.failed, *codes)


def hours(principal: Principal) -> list[EndCounts]:
    """Ended pictures in each of the last 24 hours, oldest first."""
    principal.require_operator("operations")
    return usage.last_hours(utcnow())


def is_suspended(principal: Principal) -> bool:
    """Whether work is suspended because no worker is alive."""
    principal.require_operator("operations")
    return lanes.hold_reason() == lanes.NO_WORKER


def pauses(principal: Principal) -> list[Pause]:
    """The pause switches that are on."""
    principal.require_operator("operations")
    found = lanes.paused(fresh=True)
    names = User.names(switch.by for switch in found.values())

    def pause(switch: Switch) -> Pause:
        return Pause(switch.id, switch.paused_at, names.get(switch.by, switch.by))

    return [pause(found[name]) for name in lanes.SWITCHES if name in found]


def set_paused(principal: Principal, name: str, is_paused: bool) -> None:
    """
    Pause or resume a part of the work; all processes follow within a second.

    Args:
        name: ``intake``: no new tasks are accepted. ``sending``: nothing waiting is
            sent; submitted pictures continue. ``webhooks``: nothing is delivered.

    Raises:
        AdminsOnly: as `board`.
        Invalid: there is no such switch.
    """
    principal.require_operator("operations")
    if name not in lanes.SWITCHES:
        raise Invalid.field("name", "invalid.choice", known=", ".join(lanes.SWITCHES))
    action = f"{name}.{'pause' if is_paused else 'resume'}"
    with recorded(principal, action):
        if is_paused:
            lanes.pause(name, principal.user_id)
        else:
            lanes.resume(name)


def reset_lane(principal: Principal, lane: str) -> None:
    """
    Reset lowered limits and back-offs of a lane, for all accounts; all processes follow
    within a second.

    Args:
        lane: Its id, ``provider:req_key``.

    Raises:
        AdminsOnly: as `board`.
        Invalid: there is no such lane.
    """
    principal.require_operator("operations")
    known = jobs.runtime().registry.limits
    if lane not in known:
        raise Invalid.field("lane", "invalid.choice", known=", ".join(sorted(known)))
    with recorded(principal, "lane.reset", lane=lane):
        for account in known[lane]:
            lanes.reset_limits(lane, account)


def pending(principal: Principal) -> Pending:
    """Count the tasks and pictures that `clear` would cancel."""
    principal.require_operator("operations")
    return clear_queue.count_pending()


def clear(principal: Principal) -> BulkAction:
    """
    Cancel all waiting tasks: some within the request, the rest by the workers. Stop
    batches, which would otherwise fill the queue again at once.

    Raises:
        AdminsOnly: as `board`.
        QueueUnavailable: Redis is unavailable; nothing was cancelled.
    """
    principal.require_operator("operations")
    jobs.check_queue()
    batches.stop_all()
    return bulk.work_briefly(clear_queue.clear(principal))


def cleared(principal: Principal) -> BulkAction | None:
    """The clearing in progress, else the latest one, if it was recent."""
    principal.require_operator("operations")
    return bulk.latest(clear_queue.CLEAR)
