"""Cancelling, deleting, and running again."""

import logging

from jimeng import jobs, logs
from jimeng.documents import Task, left_over, utcnow
from jimeng.errors import MayBeChargedTwice, TaskFinished, TaskNotRetryable
from jimeng.tasks.cancelling import drop_waiting, hiding
from jimeng.tasks.creation import NewTask, create
from jimeng.tasks.reading import THERE, find
from jimeng.viewers import Viewer

log = logging.getLogger(__name__)


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
        log.info("task cancelled")
        with left_over("waiting pictures"):
            drop_waiting([task.id])
    return task


def delete(viewer: Viewer, task_id: str) -> None:
    """
    Cancel a task if it has not ended, and remove it with its pictures.

    Raises:
        TaskNotFound: as in `find`.
    """
    task = find(viewer, task_id)
    Task.collection().update_one({"_id": task.id}, hiding(utcnow()))
    log.info("task deleted task=%s user=%s", task.id, task.user_id)
    with left_over("deletion"):
        if task.is_open:
            drop_waiting([task.id])
        jobs.finish_deletion(task.id)


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
