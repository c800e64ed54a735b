"""The same for many tasks at once: cancelling, and running again."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pymongo.errors import PyMongoError

from jimeng.documents import Task
from jimeng.documents.cursors import NEWEST_FIRST
from jimeng.documents.principal import Principal
from jimeng.errors import (
    DatabaseUnavailable,
    JimengError,
    OutOfTime,
    TaskFinished,
    TaskNotFound,
)
from jimeng.tasks.audit import audited
from jimeng.tasks.cancellation import cancel_where
from jimeng.tasks.queries import THERE, owned
from jimeng.tasks.retries import MAX_AT_ONCE, retry

log = logging.getLogger(__name__)

RETRY_TIME = 0.9  # seconds of a request


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


def select(principal: Principal, user_id: str, status: str) -> list[str]:
    """
    The newest of a user's tasks in *status*, as many as go at once.

    Raises:
        TaskNotFound: another's tasks are not there to see.
    """
    where = {**owned(principal, user_id), **THERE, "status": status}
    return Task.find_ids(where, sort=NEWEST_FIRST, limit=MAX_AT_ONCE)


@audited(Task, "tasks.cancel")
def cancel_many(principal: Principal, task_ids: Sequence[str]) -> list[Outcome]:
    """
    `cancel` each of these tasks; one that cannot be keeps none of the others.

    Returns:
        An outcome for each id, in their order; its error is that of `cancel`.
    """
    where = {"_id": {"$in": list(task_ids)}, **principal.filter(), **THERE}
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
    principal: Principal,
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
        `OutOfTime`. Where a database goes away while some are made, the others
        are told of that.

    Raises:
        QueueUnavailable: Redis is away, and none has been made.
    """
    deadline = time.monotonic() + RETRY_TIME
    found: list[Outcome] = []
    for task_id in task_ids:
        if time.monotonic() > deadline:
            found.append(Outcome(task_id, error=OutOfTime(f"task {task_id[:64]!r}")))
            continue
        # No client's own key can have a space in it.
        key = None if idem_key is None else f"{idem_key} {task_id}"
        try:
            task, replayed = retry(
                principal,
                task_id,
                accept_double_charge=accept_double_charge,
                idem_key=key,
            )
        except JimengError as error:
            if error.status >= 500 and not any(each.task for each in found):
                raise
            found.append(Outcome(task_id, error=error))
        except PyMongoError as error:
            if not any(each.task for each in found):
                raise
            log.warning("database away: %s: %s", type(error).__name__, error)
            found.append(Outcome(task_id, error=DatabaseUnavailable("retry")))
        else:
            found.append(Outcome(task_id, task, replayed=replayed))
    return found
