"""Cancel tasks, one or very many, and drop their waiting generations."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from jimeng import jobs, lanes
from jimeng.config import logs
from jimeng.documents import (
    Generation,
    State,
    Status,
    Task,
    best_effort,
    utcnow,
)
from jimeng.documents.auditing import audited
from jimeng.documents.generation import CANNOT_STOP, STOPPABLE, WAITING
from jimeng.documents.kinds import VIDEO
from jimeng.documents.principal import Principal
from jimeng.documents.task import CANCELLABLE, OPEN, THERE
from jimeng.errors import CannotStop, ImageNotFound, PictureUnderWay, TaskFinished
from jimeng.jobs import endings
from jimeng.lanes import TicketHolder
from jimeng.tasks.queries import find

log = logging.getLogger(__name__)

MAX_BATCH = 500  # tasks in one update


@audited(Task, "tasks.cancel")
def cancel(principal: Principal, task_id: str) -> Task:
    """
    Cancel a task. Waiting pictures are never sent; one that the provider has begun is
    charged, and not shown. A video that the provider has begun is completed instead,
    and so the task stays open: see `cancel_videos`.

    Raises:
        TaskNotFound: as in `find`.
        TaskFinished: it has ended already.
        CannotStop: the provider has begun all remaining videos.
    """
    task = Task.cancel({**principal.filter(), **THERE}, task_id)
    if task is None:
        found = find(principal, task_id)
        if found.type != VIDEO or not found.is_open:
            raise TaskFinished(f"task {found.id} is {found.status}")
        cancel_videos(found)
        return find(principal, task_id)
    with logs.bound(task=task.id, user=task.user_id):
        log.info("task cancelled")
        with best_effort("waiting pictures"):
            drop_waiting([task.id])
    return task


def cancel_videos(task: Task) -> None:
    """
    Cancel the rest of a task of videos, some of which were sent. Those that wait
    are never sent; for the others a worker asks the provider, which cancels what it
    has not begun.

    Raises:
        CannotStop: the provider has begun all remaining ones, and these go on.
    """
    jobs.backfill_recent([task.id])
    generations, mine = Generation.collection(), {"task_id": task.id}
    remaining = {
        "state": {"$in": [*WAITING, *STOPPABLE]},
        "trouble": {"$ne": CANNOT_STOP},
    }
    # The first write is enough, as in `cancel_picture`.
    marked = generations.update_many(
        {**mine, **remaining}, {"$set": {"unwanted": True}}
    )
    if not marked.matched_count:
        raise CannotStop(f"task {task.id}")
    log.info("videos cancelled count=%d", marked.matched_count)
    with best_effort("unwanted videos"):
        # Not in another state: an earlier `due_at` would end the lease of a submission.
        accepted = {**mine, "state": State.GENERATING.value, "unwanted": True}
        generations.update_many(accepted, {"$min": {"due_at": utcnow()}})
        waiting = {**mine, "state": {"$in": WAITING}, "unwanted": True}
        for row in generations.find(waiting):
            endings.record_failure(Generation.read(row), endings.CANCELLED)
        renumber_tickets(endings.drop_all(waiting))


@audited(Task, "tasks.cancel")
def cancel_picture(principal: Principal, task_id: str, index: int) -> Task:
    """
    Cancel one waiting picture of a task; the others go on.

    The first write is enough: a picture marked as unwanted is never sent, and is
    recorded as cancelled when it is claimed, even if this process dies.

    Args:
        index: From 0.

    Raises:
        TaskNotFound: as in `find`.
        ImageNotFound: the task has fewer pictures.
        PictureUnderWay: it was already sent, or has ended.
    """
    task = find(principal, task_id)
    if not 0 <= index < task.n:
        raise ImageNotFound(f"picture {index} of task {task.id}")
    jobs.backfill_recent([task.id])
    mine = {"_id": f"{task.id}_{index}", "state": {"$in": WAITING}}
    marked = Generation.find_and_modify(mine, {"$set": {"unwanted": True}})
    if not task.is_open or marked is None:
        raise PictureUnderWay(f"picture {index} of task {task.id}")
    with logs.bound(task=task.id, user=task.user_id):
        log.info("picture cancelled index=%d", index)
        with best_effort("waiting picture"):
            endings.record_failure(marked, endings.CANCELLED)
            renumber_tickets(endings.drop_all({"_id": marked.id}))
    return find(principal, task_id)


def cancel_where(where: dict) -> list[Task]:
    """
    Cancel the open tasks that match *where*, in batches of `MAX_BATCH`.

    Returns:
        Those that this call has cancelled.
    """
    ids = Task.find_ids({**where, "status": {"$in": OPEN}})
    cancelled: list[str] = []
    for start in range(0, len(ids), MAX_BATCH):
        batch = ids[start : start + MAX_BATCH]
        cancelled += cancel_batch(where, batch, OPEN, at=utcnow())
    with best_effort("waiting pictures"):
        drop_waiting(cancelled)
    return Task.find_all({"_id": {"$in": cancelled}})


def cancel_batch(
    where: dict,
    task_ids: Sequence[str],
    statuses: Sequence[str],
    *,
    at: datetime,
    reason: str | None = None,
) -> list[str]:
    """
    Cancel those of these tasks that are in one of *statuses*; their pictures stay in
    the queue until `drop_waiting`.

    Args:
        at: When they ended. Repeated with the same time, it returns the same ids.
        reason: An error code, unless their owner cancelled them.
    """
    ids = {"_id": {"$in": list(task_ids)}}
    ended = {"status": Status.CANCELLED.value, "completed_at": at, "updated_at": at}
    reasons = {"reason": reason} if reason else {}
    Task.collection().update_many(
        {**where, **ids, **CANCELLABLE, "status": {"$in": list(statuses)}},
        {"$set": {**ended, **reasons}, "$unset": {"open": ""}},
    )
    # Not by `updated_at`, which changes with the costs of their pictures.
    return Task.find_ids({**ids, "status": ended["status"], "completed_at": at})


def deletion_update(at: datetime, purge_at: datetime | None = None) -> list[dict]:
    """
    The update that hides a task as deleted, and cancels it if it has not ended.

    Args:
        purge_at: Until when it can be restored from the trash; None for never.
    """
    is_open = {"$in": ["$status", OPEN]}
    hidden: dict = {
        "deleted_at": at,
        "updated_at": at,
        "status": {"$cond": [is_open, "cancelled", "$status"]},
        "completed_at": {"$cond": [is_open, at, "$completed_at"]},
        "purge_at": purge_at or "$$REMOVE",
    }
    return [{"$set": hidden}, {"$unset": ["open", "idem_key"]}]


def drop_waiting(task_ids: Sequence[str]) -> int:
    """Remove the waiting pictures of these tasks from the queues; return how many."""
    dropped: Counter[TicketHolder] = Counter()
    for start in range(0, len(task_ids), MAX_BATCH):
        dropped += drop_generations_of(task_ids[start : start + MAX_BATCH])
    renumber_tickets(dropped)
    return dropped.total()


def drop_generations_of(
    task_ids: Sequence[str], token: str | None = None
) -> Counter[TicketHolder]:
    """`endings.drop_all` of these tasks, backfilling those not inserted yet."""
    jobs.backfill_recent(task_ids)
    return endings.drop_all({"task_id": {"$in": list(task_ids)}}, token)


def renumber_tickets(holders: Iterable[TicketHolder]) -> None:
    """Close the gaps in these users' tickets, and in those of their owners."""
    users: dict[str, set[str]] = defaultdict(set)
    owners: dict[str, set[str]] = defaultdict(set)
    for holder in holders:
        users[holder.lane].add(holder.user_id)
        if holder.owner_id:
            owners[holder.lane].add(holder.owner_id)
    for lane, user_ids in users.items():
        lanes.renumber(lane, user_ids, owners[lane])
