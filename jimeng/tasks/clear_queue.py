"""Bulk actions that cancel tasks before they start: a user's own, or all users'."""

from dataclasses import dataclass

from jimeng import jobs, lanes
from jimeng.documents import BulkAction, Generation, OwnerBudget, Status, Task, User
from jimeng.documents.cursors import NEWEST_FIRST
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.jobs import bulk
from jimeng.jobs.bulk import Counts, DocumentBatch, Kind
from jimeng.tasks.cancellation import cancel_batch, drop_generations_of
from jimeng.tasks.queries import owner_filter
from jimeng.tasks.summary import SCHEDULED, state_filter

CANCEL, CLEAR = "tasks.cancel", "queue.clear"
CLEARED = "queue_cleared"
NOT_STARTED = {"open": True, "status": Status.PENDING.value}
MAX_COUNTED = 10_000  # tasks
CANCELLABLE = (Status.PENDING.value, SCHEDULED)


@dataclass(frozen=True)
class Pending:
    """What clearing the queue would cancel."""

    tasks: int
    pictures: int
    users: int


def count_pending() -> Pending:
    """
    Count what `clear` would cancel: exactly up to `MAX_COUNTED` tasks, above that an
    estimate.
    """
    found = _count_exactly()
    if found.tasks <= MAX_COUNTED:
        return found
    # These include started tasks, at most as many as the providers generate at a time.
    tasks = Task.collection().count_documents({"open": True}, hint="open")
    waiting = lanes.waiting_by_user()
    users = {user for _, user in waiting}
    return Pending(
        max(found.tasks, tasks),
        max(found.pictures, waiting.total()),
        max(found.users, len(users)),
    )


def _count_exactly() -> Pending:
    each = {"_id": "$user_id", "tasks": {"$sum": 1}, "pictures": {"$sum": "$n"}}
    sums = {name: {"$sum": f"${name}"} for name in ("tasks", "pictures")}
    rows = Task.collection().aggregate(
        [
            {"$match": NOT_STARTED},
            {"$limit": MAX_COUNTED + 1},
            {"$group": each},
            {"$group": {"_id": None, **sums, "users": {"$sum": 1}}},
            {"$unset": "_id"},
        ],
        hint="open",
    )
    return Pending(**next(iter(rows), {"tasks": 0, "pictures": 0, "users": 0}))


def clear(principal: Principal) -> BulkAction:
    """
    Start a bulk action that cancels all users' tasks that have not started. Tasks that
    were ever submitted to the provider go on.

    Raises:
        QueueUnavailable: Redis is unavailable; nothing is cancelled.
    """
    removed = jobs.check_queue()
    total = count_pending().tasks
    details = {"jobs": removed}
    return bulk.start(principal, CLEAR, total=total, details=details, audited=True)


def cancel_all(principal: Principal, user_id: str, state: str) -> BulkAction:
    """
    Cancel a user's tasks that have not started, as many as a request has time for; the
    consumers continue with the rest.

    Args:
        state: One of `CANCELLABLE`. Tasks that start meanwhile go on.

    Raises:
        UserNotFound: the principal may not see that user.
    """
    total = Task.collection().count_documents(
        _cancellable(owner_filter(principal, user_id), state)
    )
    details = {"user": user_id, "state": state}
    scope = f"{user_id}|{state}"
    action = bulk.start(principal, CANCEL, scope=scope, total=total, details=details)
    return bulk.work_briefly(action)


def running_cancellations(principal: Principal) -> list[BulkAction]:
    """The principal's own cancellations that are running."""
    return bulk.under_way(CANCEL, by=principal.user_id)


def find_cancellation(principal: Principal, action_id: str) -> BulkAction | None:
    """The principal's own cancellation of this id, or None."""
    action = bulk.find(action_id)
    if action is None or action.kind != CANCEL:
        return None
    return action if action.details["user"] == principal.user_id else None


def _cancellable(mine: dict, state: str) -> dict:
    return {**mine, **THERE, **state_filter(state)}


def _select_of_user(action: BulkAction, size: int) -> tuple[list[str], None]:
    mine = {"user_id": action.details["user"]}
    where = {**_cancellable(mine, action.details["state"]), **_created_before(action)}
    return Task.find_ids(where, sort=NEWEST_FIRST, limit=size), None


def _select_of_all(action: BulkAction, size: int) -> tuple[list[str], None]:
    where = {**NOT_STARTED, **_created_before(action)}
    return Task.find_ids(where, hint="open", limit=size), None


def _created_before(action: BulkAction) -> dict:
    """Leave out tasks that were created after the action started."""
    return {"created_at": {"$lte": action.started_at}}


def _cancel(batch: DocumentBatch, where: dict, reason: str | None = None) -> Counts:
    """Cancel those of a batch that have not started; tickets are not renumbered."""
    statuses = [Status.PENDING.value]
    ended = cancel_batch(where, batch.ids, statuses, at=batch.at, reason=reason)
    drop_generations_of(ended, batch.token)
    return Counts(len(ended))


def _cancel_of_user(action: BulkAction, batch: DocumentBatch) -> Counts:
    return _cancel(batch, {"user_id": action.details["user"], **THERE})


def _finish_of_user(action: BulkAction) -> None:
    user_id = action.details["user"]
    owner_id = User.owner_of(user_id) if ":" in user_id else user_id
    owners = OwnerBudget.find_all({"_id": owner_id})
    for lane in jobs.runtime().registry.lanes:
        lanes.renumber(lane, [user_id], [owner.id for owner in owners])


def _finish_of_all(action: BulkAction) -> None:
    waiting = Generation.collection().distinct("lane", {"waiting": True})
    for lane in {*waiting, *jobs.runtime().registry.lanes}:
        lanes.renumber(lane)
    # The pump queues the jobs of started generations again.
    jobs.huey.storage.flush_queue()


bulk.register(
    CANCEL, Kind(select=_select_of_user, apply=_cancel_of_user, finish=_finish_of_user)
)
bulk.register(
    CLEAR,
    Kind(
        select=_select_of_all,
        apply=lambda action, batch: _cancel(batch, {}, CLEARED),
        finish=_finish_of_all,
        counts="tasks",
    ),
)
