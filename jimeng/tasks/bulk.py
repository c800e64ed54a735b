"""The same for many tasks at once: cancelling, and running again."""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from jimeng import lanes, limits
from jimeng.documents import Generation, State, Status, Task, new_token, utcnow
from jimeng.documents.generation import WAITING
from jimeng.documents.task import OPEN
from jimeng.errors import JimengError, OutOfTime, TaskFinished, TaskNotFound
from jimeng.tasks.changes import retry
from jimeng.tasks.reading import NEWEST_FIRST, THERE, owned
from jimeng.viewers import Viewer

log = logging.getLogger(__name__)

MOST_AT_ONCE = 100  # tasks in one request
RETRY_TIME = 0.9  # seconds of a request
BATCH = 500
QUEUE_CLEARED = "queue_cleared"


@dataclass(frozen=True)
class Outcome:
    """
    What became of one of the tasks.

    Attributes:
        task_id: As it was given.
        task: After the change (of a retry: the new one), where there was one.
        error: Why there was none.
        replayed: An earlier request with the same key had made the task.
    """

    task_id: str
    task: Task | None = None
    error: JimengError | None = None
    replayed: bool = False


def select(viewer: Viewer, user_id: str, status: str) -> list[str]:
    """
    The newest of a user's tasks in *status*, as many as go at once.

    Raises:
        TaskNotFound: another's tasks are not there to see.
    """
    where = {**owned(viewer, user_id), **THERE, "status": status}
    rows = Task.collection().find(where, {"_id": 1}).sort(NEWEST_FIRST)
    return [row["_id"] for row in rows.limit(MOST_AT_ONCE)]


def cancel_many(viewer: Viewer, task_ids: Sequence[str]) -> list[Outcome]:
    """
    `cancel` each of these tasks; one that cannot be keeps none of the others.

    Returns:
        An outcome for each id, in their order; its error is that of `cancel`.
    """
    where = {"_id": {"$in": list(task_ids)}, **viewer.filter(), **THERE}
    cancelled = {task.id: task for task in cancel_where(where)}
    there = {row["_id"]: row["status"] for row in Task.collection().find(where)}

    def outcome(task_id: str) -> Outcome:
        if task_id in cancelled:
            return Outcome(task_id, cancelled[task_id])
        if task_id in there:
            ended = TaskFinished(f"task {task_id} is {there[task_id]}")
            return Outcome(task_id, error=ended)
        return Outcome(task_id, error=TaskNotFound(f"task {task_id[:64]!r}"))

    return [outcome(task_id) for task_id in task_ids]


def retry_many(
    viewer: Viewer,
    task_ids: Sequence[str],
    *,
    accept_double_charge: bool = False,
    idem_key: str | None = None,
) -> list[Outcome]:
    """
    `retry` each of these tasks, for as long as a request may take.

    Args:
        idem_key: Counts for each task by itself: sent again, the tasks that it
            made are found, and those that time did not allow are made.

    Returns:
        An outcome for each id, in their order; its error is that of `retry`, or
        `OutOfTime`.
    """
    deadline = time.monotonic() + RETRY_TIME
    return [
        _retry(viewer, task_id, accept_double_charge, idem_key, deadline)
        for task_id in task_ids
    ]


def _retry(
    viewer: Viewer,
    task_id: str,
    accept_double_charge: bool,
    idem_key: str | None,
    deadline: float,
) -> Outcome:
    if time.monotonic() > deadline:
        return Outcome(task_id, error=OutOfTime(f"task {task_id[:64]!r}"))
    # No client's own key can have a space in it.
    key = None if idem_key is None else f"{idem_key} {task_id}"
    try:
        task, replayed = retry(
            viewer, task_id, accept_double_charge=accept_double_charge, idem_key=key
        )
    except JimengError as error:
        if error.status >= 500:
            raise
        return Outcome(task_id, error=error)
    return Outcome(task_id, task, replayed=replayed)


def cancel_pending(*, within: float | None = None) -> int:
    """
    Cancel all tasks of everybody that have not begun; return how many.

    What is at the provider, or was once, goes on.

    Args:
        within: Seconds after which no further ones are begun.
    """
    cancelled = 0
    deadline = math.inf if within is None else time.monotonic() + within
    where = {"open": True, "status": Status.PENDING.value}
    rows = Task.collection().find(where, {"_id": 1}).hint("open")
    ids = [row["_id"] for row in rows]
    for start in range(0, len(ids), BATCH):
        if time.monotonic() > deadline:
            break
        batch = {"_id": {"$in": ids[start : start + BATCH]}}
        found = cancel_where(batch, [Status.PENDING.value], reason=QUEUE_CLEARED)
        cancelled += len(found)
    log.info("queue cleared tasks=%d", cancelled)
    return cancelled


def cancel_where(
    where: dict, statuses: Sequence[str] = OPEN, *, reason: str | None = None
) -> list[Task]:
    """
    Cancel the tasks of *where* that are in one of *statuses*, in few updates.

    Args:
        reason: The code of why, where it was not their owner's wish.

    Returns:
        Those that are cancelled now and were not before.
    """
    where = {**where, "status": {"$in": list(statuses)}}
    ids = [row["_id"] for row in Task.collection().find(where, {"_id": 1})]
    if not ids:
        return []
    now = utcnow()
    ended = {"status": Status.CANCELLED.value, "completed_at": now, "updated_at": now}
    because = {"reason": reason} if reason else {}
    Task.collection().update_many(
        {**where, "_id": {"$in": ids}},
        {"$set": {**ended, **because}, "$unset": {"open": ""}},
    )
    rows = Task.collection().find({"_id": {"$in": ids}, **ended})
    tasks = [Task._from_son(row) for row in rows]
    drop_waiting(tasks)
    return tasks


def drop_waiting(tasks: Sequence[Task]) -> None:
    """Take the waiting pictures of all these out of the lines, in few updates."""
    generations = Generation.collection()
    ids = {"task_id": {"$in": [task.id for task in tasks]}}
    token = new_token()  # by which those of this very update are told apart
    dropped = {"state": State.DROPPED.value, "ended_at": utcnow(), "owner": token}
    generations.update_many(
        {**ids, "state": {"$in": WAITING}},
        {"$set": dropped, "$unset": {"due_at": "", "waiting": ""}},
    )
    for (lane, user_id), n in count_by_line({**ids, "owner": token}).items():
        lanes.leave(lane, user_id, n)
    limits.give_back({**ids, "owner": token})
    users = {"user_id": {"$in": list({task.user_id for task in tasks})}}
    for lane in {task.lane for task in tasks}:
        still = count_by_line({"lane": lane, **users, "waiting": True})
        for _, user_id in still:
            lanes.renumber(lane, user_id)


def count_by_line(where: dict) -> dict[tuple[str, str], int]:
    """How many of these pictures each user has in each lane."""
    line = {"lane": "$lane", "user_id": "$user_id"}
    rows = Generation.collection().aggregate(
        [{"$match": where}, {"$group": {"_id": line, "n": {"$sum": 1}}}]
    )
    return {(row["_id"]["lane"], row["_id"]["user_id"]): row["n"] for row in rows}
