"""Clearing: all tasks of everybody that have not begun are cancelled."""

from dataclasses import dataclass

from jimeng import bulk, jobs, lanes
from jimeng.bulk import Batch, Counts, Kind
from jimeng.documents import BulkAction, Generation, Status, Task
from jimeng.tasks.cancelling import cancel_batch, drop
from jimeng.viewers import Viewer

CLEAR = "queue.clear"
REASON = "queue_cleared"
NOT_BEGUN = {"open": True, "status": Status.PENDING.value}


@dataclass(frozen=True)
class Pending:
    """What clearing the queue would cancel."""

    tasks: int
    pictures: int
    users: int


def pending() -> Pending:
    """Count what `clear` would cancel."""
    each = {"_id": "$user_id", "tasks": {"$sum": 1}, "pictures": {"$sum": "$n"}}
    sums = {name: {"$sum": f"${name}"} for name in ("tasks", "pictures")}
    rows = Task.collection().aggregate(
        [
            {"$match": NOT_BEGUN},
            {"$group": each},
            {"$group": {"_id": None, **sums, "users": {"$sum": 1}}},
            {"$unset": "_id"},
        ],
        hint="open",
    )
    return Pending(**next(iter(rows), {"tasks": 0, "pictures": 0, "users": 0}))


def clear(viewer: Viewer) -> BulkAction:
    """
    Begin to cancel what has not begun. What is at the provider, or was once, goes on.

    Raises:
        QueueUnavailable: Redis is away; nothing is cancelled.
    """
    removed = jobs.check_queue()
    total = pending().tasks
    details = {"jobs": removed}
    return bulk.start(viewer, CLEAR, total=total, details=details, audited=True)


def _select(action: BulkAction, size: int) -> tuple[list[str], None]:
    # What is asked for from now on is not meant.
    where = {**NOT_BEGUN, "created_at": {"$lte": action.started_at}}
    rows = Task.collection().find(where, {"_id": 1}).hint("open").limit(size)
    return [row["_id"] for row in rows], None


def cancel_some(batch: Batch, where: dict, reason: str | None = None) -> Counts:
    """Cancel those of a batch that have not begun; the turns of others stay."""
    begun_not = [Status.PENDING.value]
    ended = cancel_batch(where, batch.ids, begun_not, at=batch.at, reason=reason)
    drop(ended, batch.token)
    return Counts(len(ended))


def _finish(action: BulkAction) -> None:
    waiting = Generation.collection().distinct("lane", {"waiting": True})
    for lane in {*waiting, *jobs.runtime().registry.lanes}:
        lanes.renumber(lane)
    # The pump queues anew what the provider has begun.
    jobs.huey.storage.flush_queue()


bulk.register(
    CLEAR,
    Kind(
        select=_select,
        apply=lambda action, batch: cancel_some(batch, {}, REASON),
        finish=_finish,
        counts="tasks",
    ),
)
