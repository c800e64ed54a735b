"""Cancelling, deleting, and running again."""

import logging
import time

from jimeng import jobs, lanes, limits, logs
from jimeng.documents import Generation, State, Task, new_token, utcnow
from jimeng.documents.generation import WAITING
from jimeng.documents.task import DOOMED, OPEN
from jimeng.errors import MayBeChargedTwice, TaskFinished, TaskNotRetryable
from jimeng.tasks import steps
from jimeng.tasks.creation import NewTask, create
from jimeng.tasks.reading import THERE, find
from jimeng.viewers import Viewer

log = logging.getLogger(__name__)

DELETION_TIME = 0.8  # seconds of a request
DELETED = {"deleted_at": {"$exists": True}}


def cancel(viewer: Viewer, task_id: str) -> Task:
    """
    End a task. Pictures that wait are never sent; one that the provider has
    begun is charged, and not shown.

    Raises:
        TaskNotFound: as in `find`.
        TaskFinished: it has ended already.
    """
    task = Task.cancel({**viewer.filter(), **THERE}, task_id)
    if task is None:
        ended = find(viewer, task_id)
        raise TaskFinished(f"task {ended.id} is {ended.status}")
    with logs.bound(task=task.id, user=task.user_id):
        dropped = drop_waiting(task)
        log.info("task cancelled dropped=%d of=%d", dropped, task.n)
    return task


def drop_waiting(task: Task) -> int:
    """Take the task's waiting pictures out of the line; return how many."""
    dropped = drop_where({"task_id": task.id})
    if dropped:
        lanes.leave(task.lane, task.user_id, dropped)
        lanes.renumber(task.lane, task.user_id)
    return dropped


def drop_where(where: dict) -> int:
    token = new_token()  # by which those of this very update are told apart
    dropped = {"state": State.DROPPED.value, "ended_at": utcnow(), "owner": token}
    result = Generation.collection().update_many(
        {**where, "state": {"$in": WAITING}},
        {"$set": dropped, "$unset": {"due_at": "", "waiting": ""}},
    )
    if result.modified_count:
        limits.give_back({**where, "owner": token})
    return result.modified_count


def delete(viewer: Viewer, task_id: str) -> None:
    """
    Cancel a task if it has not ended, and remove it with its pictures.

    Raises:
        TaskNotFound: as in `find`.
    """
    task = find(viewer, task_id)
    Task.collection().update_one(
        {"_id": task.id}, {"$set": {"deleted_at": utcnow()}, "$unset": {"idem_key": ""}}
    )
    if Task.cancel({}, task.id) is not None:
        drop_waiting(task)
    jobs.finish_deletion(task.id)
    log.info("task deleted task=%s user=%s", task.id, task.user_id)


def delete_all(viewer: Viewer, user_id: str) -> int:
    """
    Delete all tasks of a user that the viewer may act for; return how many.

    They are hidden and cancelled at once. As many as fit into `DELETION_TIME` are
    removed here; the janitor removes the rest within a minute.
    """
    if not viewer.may_act_for(user_id):
        return 0
    now = utcnow()
    is_open = {"$in": ["$status", OPEN]}
    cancelled = {"$cond": [is_open, "cancelled", "$status"]}
    hidden = steps.update(
        Task.collection(),
        {"user_id": user_id, "$nor": [DOOMED]},  # the trash too
        [
            {"$set": {"deleted_at": now, "updated_at": now, "status": cancelled}},
            {"$unset": ["open", "idem_key", "purge_at"]},
        ],
    )
    for lane in jobs.runtime().registry.lanes:
        drop_deleted(lane, user_id)
    began = time.monotonic()
    rows = Task.collection().find({"user_id": user_id, **DELETED}, {"_id": 1})
    for task_id in [row["_id"] for row in rows]:
        if time.monotonic() - began > DELETION_TIME:
            break
        jobs.finish_deletion(task_id)
    return hidden


def drop_deleted(lane: str, user_id: str) -> None:
    """Take the pictures of a user's deleted tasks out of a line."""
    where = {"lane": lane, "user_id": user_id, "waiting": True}
    waiting = Generation.collection().distinct("task_id", where)
    # Only of these: somebody may be asking for new ones in this moment.
    deleted = Task.collection().distinct("_id", {"_id": {"$in": waiting}, **DELETED})
    dropped = drop_where({"task_id": {"$in": deleted}})
    if dropped:
        lanes.leave(lane, user_id, dropped)


def retry(
    viewer: Viewer,
    task_id: str,
    *,
    accept_double_charge: bool = False,
    idem_key: str | None = None,
) -> tuple[Task, bool]:
    """
    Run a failed or cancelled task again, as a new one: the pictures that are
    missing.

    Args:
        accept_double_charge: Needed where the first may have been charged.
        idem_key: As in `create`.

    Returns:
        The new task, and whether an earlier request had made it.

    Raises:
        TaskNotFound: as in `find`.
        TaskNotRetryable: it is still under way, or has its pictures.
        MayBeChargedTwice: the provider may have been paid for the first.
        Invalid: as in `create`: the model may be gone.
    """
    task = find(viewer, task_id)
    if task.status not in {"failed", "cancelled"}:
        raise TaskNotRetryable(f"task {task.id} is {task.status}")
    charges = {error["charged"] for error in task.failures.values()}
    if "unknown" in charges and not accept_double_charge:
        raise MayBeChargedTwice(f"task {task.id}")
    missing = [index for index in range(task.n) if index not in task.done]
    seed = (task.seed + missing[0]) % 2**31 if task.seed_given else -1
    new = NewTask(
        user_id=task.user_id,
        prompt=task.prompt,
        model=task.model,
        provider=task.provider,
        size=f"{task.width}x{task.height}",
        n=len(missing),
        seed=seed,
        given=task.input,
        retried_from=task.id,
    )
    return create(viewer, new, idem_key=idem_key)
