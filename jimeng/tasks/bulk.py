"""Cancel and retry several tasks in one request."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pymongo.errors import PyMongoError

from jimeng.documents import Task
from jimeng.documents.auditing import audited
from jimeng.documents.cursors import NEWEST_FIRST
from jimeng.documents.principal import Principal
from jimeng.errors import (
    DatabaseUnavailable,
    JimengError,
    OutOfTime,
    TaskFinished,
    TaskNotFound,
)
from jimeng.tasks.cancellation import cancel_where
from jimeng.tasks.estimates import Decision, Estimate
from jimeng.tasks.queries import THERE, owner_filter
from jimeng.tasks.retries import MAX_AT_ONCE, estimate_retry, retry

log = logging.getLogger(__name__)

RETRY_TIMEOUT_S = 0.9  # for all tasks of a request


@dataclass(frozen=True)
class BulkResult:
    """
    The result for one of the tasks.

    Attributes:
        task_id: As in the request.
        task: After the change; for a retry, the new task. None on failure.
        error: Why it failed.
        replayed: An earlier request with the same idempotency key created the task.
    """

    task_id: str
    task: Task | None = None
    error: JimengError | None = None
    replayed: bool = False


@dataclass(frozen=True)
class BulkEstimate:
    """
    What the retry of one of several tasks would be.

    Attributes:
        estimate: None if the task cannot be retried.
        decision: Whether it would be accepted after those before it.
    """

    task_id: str
    estimate: Estimate | None
    decision: Decision

    @property
    def n(self) -> int | None:
        return self.estimate.n if self.estimate else None

    @property
    def micros(self) -> int | None:
        """The price of all its pictures in micro-yuan; None if unknown."""
        return self.estimate.micros_of_all if self.estimate else None


def newest_ids(principal: Principal, user_id: str, status: str) -> list[str]:
    """
    The ids of a user's newest tasks in *status*, up to `MAX_AT_ONCE`.

    Raises:
        UserNotFound: the principal may not see that user.
    """
    where = {**owner_filter(principal, user_id), **THERE, "status": status}
    return Task.find_ids(where, sort=NEWEST_FIRST, limit=MAX_AT_ONCE)


@audited(Task, "tasks.cancel")
def cancel_many(principal: Principal, task_ids: Sequence[str]) -> list[BulkResult]:
    """
    `cancel` each of these tasks; a failure does not stop the others.

    Returns:
        A result for each id, in their order; its error is that of `cancel`.
    """
    where = {"_id": {"$in": list(task_ids)}, **principal.filter(), **THERE}
    cancelled = {task.id: task for task in cancel_where(where)}
    statuses = {row["_id"]: row["status"] for row in Task.collection().find(where)}

    def result(task_id: str) -> BulkResult:
        if task_id in cancelled:
            return BulkResult(task_id, cancelled[task_id])
        if task_id in statuses:
            error = TaskFinished(f"task {task_id} is {statuses[task_id]}")
            return BulkResult(task_id, error=error)
        return BulkResult(task_id, error=TaskNotFound(f"task {task_id[:64]!r}"))

    return [result(task_id) for task_id in task_ids]


def retry_many(
    principal: Principal,
    task_ids: Sequence[str],
    *,
    accept_double_charge: bool = False,
    idem_key: str | None = None,
) -> list[BulkResult]:
    """
    `retry` each of these tasks, for `RETRY_TIMEOUT_S` at most.

    Args:
        idem_key: Applied to each task separately: a repeated request replays the
            tasks that it created and creates those that there was no time for.

    Returns:
        A result for each id, in their order; its error is that of `retry`, or
        `OutOfTime`. If a database fails after the first was created, the others have
        that error.

    Raises:
        QueueUnavailable: Redis is unavailable, and none was created.
    """
    deadline = time.monotonic() + RETRY_TIMEOUT_S
    found: list[BulkResult] = []
    for task_id in task_ids:
        if time.monotonic() > deadline:
            found.append(BulkResult(task_id, error=OutOfTime(f"task {task_id[:64]!r}")))
            continue
        # Keys of clients contain no space, so that they cannot collide with this.
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
            found.append(BulkResult(task_id, error=error))
        except PyMongoError as error:
            if not any(each.task for each in found):
                raise
            log.warning("database unavailable: %s: %s", type(error).__name__, error)
            found.append(BulkResult(task_id, error=DatabaseUnavailable("retry")))
        else:
            found.append(BulkResult(task_id, task, replayed=replayed))
    return found


def estimate_retries(
    principal: Principal, task_ids: Sequence[str], *, accept_double_charge: bool = False
) -> list[BulkEstimate]:
    """
    Estimate what `retry_many` would create; nothing is created, no limit is used up.

    Returns:
        An estimate for each id, in their order.
    """
    accepted: list[Task] = []
    found: list[BulkEstimate] = []
    for task_id in task_ids:
        estimate: Estimate | None = None
        error: JimengError | None
        try:
            estimate = estimate_retry(
                principal, task_id, accept_double_charge=accept_double_charge
            )
            error = estimate.refusal(accepted)
        except JimengError as refused:
            error = refused
        if estimate is not None and error is None:
            accepted.append(estimate.task)
        found.append(BulkEstimate(task_id, estimate, Decision(error is None, error)))
    return found
