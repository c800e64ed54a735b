"""Clearing: what has not begun is cancelled, a user's own or everybody's."""

from dataclasses import dataclass

from jimeng import jobs, lanes
from jimeng.documents import BulkAction, Generation, Status, Task
from jimeng.documents.cursors import NEWEST_FIRST
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.jobs import bulk
from jimeng.jobs.bulk import Counts, DocumentBatch, Kind
from jimeng.tasks.cancellation import cancel_batch, drop_of
from jimeng.tasks.queries import owned
from jimeng.tasks.summary import SCHEDULED, in_state

CANCEL, CLEAR = "tasks.cancel", "queue.clear"
CLEARED = "queue_cleared"
NOT_BEGUN = {"open": True, "status": Status.PENDING.value}
MAX_COUNTED = 10_000  # tasks
CANCELLABLE = (Status.PENDING.value, SCHEDULED)  # states of what has not begun


@dataclass(frozen=True)
class Pending:
    """What clearing the queue would cancel."""

    tasks: int
    pictures: int
    users: int


def pending() -> Pending:
    """
    Count what `clear` would cancel; of more than `MAX_COUNTED` tasks, about as many
    as there are.
    """
    found = _counted()
    if found.tasks <= MAX_COUNTED:
        return found
    # Those that have begun are among these: no more than the providers draw at a time.
    tasks = Task.collection().count_documents({"open": True}, hint="open")
    waiting = lanes.waiting_by_user()
    users = {user for _, user in waiting}
    return Pending(
        max(found.tasks, tasks),
        max(found.pictures, waiting.total()),
        max(found.users, len(users)),
    )


def _counted() -> Pending:
    each = {"_id": "$user_id", "tasks": {"$sum": 1}, "pictures": {"$sum": "$n"}}
    sums = {name: {"$sum": f"${name}"} for name in ("tasks", "pictures")}
    rows = Task.collection().aggregate(
        [
            {"$match": NOT_BEGUN},
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
    Begin to cancel everybody's tasks that have not begun. What is at the provider,
    or was once, goes on.

    Raises:
        QueueUnavailable: Redis is away; nothing is cancelled.
    """
    removed = jobs.check_queue()
    total = pending().tasks
    details = {"jobs": removed}
    return bulk.start(principal, CLEAR, total=total, details=details, audited=True)


def cancel_all(principal: Principal, user_id: str, state: str) -> BulkAction:
    """
    Cancel a user's tasks that have not begun, as many as a request has time for; the
    consumers go on with the rest.

    Args:
        state: One of `CANCELLABLE`. What begins in this very moment goes on.

    Raises:
        TaskNotFound: another's tasks are not there to see.
    """
    total = Task.collection().count_documents(_meant(owned(principal, user_id), state))
    details = {"user": user_id, "state": state}
    scope = f"{user_id}|{state}"
    action = bulk.start(principal, CANCEL, scope=scope, total=total, details=details)
    return bulk.work_briefly(action)


def cancelling(principal: Principal) -> list[BulkAction]:
    """What is being cancelled of the principal's own, in this moment."""
    return bulk.under_way(CANCEL, by=principal.user_id)


def find_cancelling(principal: Principal, action_id: str) -> BulkAction | None:
    """The cancellation of the principal's own that has this id, or None."""
    action = bulk.find(action_id)
    if action is None or action.kind != CANCEL:
        return None
    return action if action.details["user"] == principal.user_id else None


def _meant(mine: dict, state: str) -> dict:
    return {**mine, **THERE, **in_state(state)}


def _of_user(action: BulkAction, size: int) -> tuple[list[str], None]:
    mine = {"user_id": action.details["user"]}
    where = {**_meant(mine, action.details["state"]), **_earlier(action)}
    return Task.find_ids(where, sort=NEWEST_FIRST, limit=size), None


def _of_all(action: BulkAction, size: int) -> tuple[list[str], None]:
    where = {**NOT_BEGUN, **_earlier(action)}
    return Task.find_ids(where, hint="open", limit=size), None


def _earlier(action: BulkAction) -> dict:
    """What is asked for from now on is not meant."""
    return {"created_at": {"$lte": action.started_at}}


def _cancel(batch: DocumentBatch, where: dict, reason: str | None = None) -> Counts:
    """Cancel those of a batch that have not begun; the turns of others stay."""
    begun_not = [Status.PENDING.value]
    ended = cancel_batch(where, batch.ids, begun_not, at=batch.at, reason=reason)
    drop_of(ended, batch.token)
    return Counts(len(ended))


def _cancel_of_user(action: BulkAction, batch: DocumentBatch) -> Counts:
    return _cancel(batch, {"user_id": action.details["user"], **THERE})


def _finish_of_user(action: BulkAction) -> None:
    for lane in jobs.runtime().registry.lanes:
        lanes.renumber(lane, [action.details["user"]])


def _finish_of_all(action: BulkAction) -> None:
    waiting = Generation.collection().distinct("lane", {"waiting": True})
    for lane in {*waiting, *jobs.runtime().registry.lanes}:
        lanes.renumber(lane)
    # The pump queues anew what the provider has begun.
    jobs.huey.storage.flush_queue()


bulk.register(
    CANCEL, Kind(select=_of_user, apply=_cancel_of_user, finish=_finish_of_user)
)
bulk.register(
    CLEAR,
    Kind(
        select=_of_all,
        apply=lambda action, batch: _cancel(batch, {}, CLEARED),
        finish=_finish_of_all,
        counts="tasks",
    ),
)
