"""Resolve failures: retry them, or drop them from the list."""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from jimeng import jobs, lanes, tasks
from jimeng.documents import BulkAction, Generation, Task, utcnow
from jimeng.documents.cursors import cursor_of
from jimeng.documents.generation import FAILED
from jimeng.documents.principal import Principal, recorded
from jimeng.errors import JimengError
from jimeng.jobs import bulk
from jimeng.jobs.bulk import Counts, DocumentBatch, Kind
from jimeng.operations.failures.listing import (
    Filter,
    count,
    find,
    retries_of,
    state_of,
    there,
    to_retry,
)

log = logging.getLogger(__name__)

RETRY, DROP = "failures.retry_all", "failures.drop_all"
MAX_TOTAL_SHOWN = 10_000  # pictures; beyond that, the total is not counted


def retry(
    principal: Principal, task_id: str, *, accept_double_charge: bool = False
) -> Task:
    """
    Retry one failed task for its owner, as a new task. Idempotent.

    Raises:
        AdminsOnly: as `page`.
        MayBeChargedTwice: as `tasks.retry`; so are all other errors.
    """
    principal.require_operator("failures")
    details = {"accept_double_charge": True} if accept_double_charge else {}
    with recorded(principal, "failures.retry", task_id, **details) as outcome:
        task = _retry(principal, task_id, accept_double_charge)
        outcome["task"] = task.id
    return task


def _retry(principal: Principal, task_id: str, accept_double_charge: bool) -> Task:
    task, _ = tasks.retry(
        principal,
        task_id,
        accept_double_charge=accept_double_charge,
        idem_key=key_of(task_id),
    )
    resolve({"task_id": task_id}, "retried", principal.user_id)
    return task


def key_of(task_id: str) -> str:
    """An idempotency key that no client can use: theirs contain no space."""
    return f"operator {task_id}"


def retry_all(principal: Principal, wanted: Filter) -> BulkAction:
    """
    Retry all that match: some within the request, the rest by the workers.

    Raises:
        AdminsOnly: as `page`.
        IntakePaused: no new tasks are accepted.
        QueueUnavailable: Redis is unavailable.
    """
    principal.require_operator("failures")
    lanes.check_intake()
    jobs.check_queue()
    return _begin(principal, RETRY, wanted, to_retry(wanted), wanted.index_to_retry)


def drop_all(principal: Principal, wanted: Filter) -> BulkAction:
    """
    Drop all that match from the list: some within the request, the rest by the workers.

    Raises:
        AdminsOnly: as `page`.
    """
    principal.require_operator("failures")
    return _begin(principal, DROP, wanted, wanted.where(), wanted.index)


def under_way(principal: Principal, action_id: str) -> BulkAction | None:
    """
    The current state of an action of `retry_all` or `drop_all`; if it is not found,
    another one in progress.

    Raises:
        AdminsOnly: as `page`.
    """
    principal.require_operator("failures")
    action = bulk.find(action_id)
    if action and action.kind in (RETRY, DROP):
        return action
    return next(iter(bulk.under_way(RETRY, DROP)), None)


def _begin(
    principal: Principal, kind: str, wanted: Filter, where: dict, index: str
) -> BulkAction:
    total = count(where, index, MAX_TOTAL_SHOWN + 1)
    fields = wanted.as_json()
    scope = "|".join(f"{name}={text}" for name, text in sorted(fields.items()))
    action = bulk.start(
        principal, kind, scope=scope, total=total, details=fields, audited=True
    )
    return bulk.work_briefly(action)


def _select(
    action: BulkAction, size: int, where: Callable[[Filter], dict]
) -> tuple[list[str], str | None]:
    # Leave out failures since the start of the action.
    wanted = Filter.from_json(action.details)
    meant = {"$and": [where(wanted), {"ended_at": {"$lte": action.started_at}}]}
    rows = list(find(wanted, action.cursor, size, meant))
    behind = cursor_of(rows[-1], "ended_at") if rows else None
    return [row["_id"] for row in rows], behind


def _retry_batch(action: BulkAction, batch: DocumentBatch) -> Counts:
    """Retry the tasks of a batch of pictures, each once; count successes and others."""
    principal = Principal(action.by, is_operator=action.is_operator)
    rows = Generation.collection().find({"_id": {"$in": list(batch.ids)}})
    counts = Counter(
        _retry_one(principal, task_id) for task_id in {row["task_id"] for row in rows}
    )
    return Counts(counts[True], counts[False])


def _retry_one(principal: Principal, task_id: str) -> bool:
    # Skip a task that its owner has retried.
    others = {**retries_of([task_id]), "idem_key": {"$ne": key_of(task_id)}}
    task = Task.find_one(there([task_id]))
    if state_of(task, is_retried=Task.find_one(others) is not None) != "open":
        return False
    try:
        _retry(principal, task_id, accept_double_charge=False)
    except JimengError as error:
        if error.status >= 500:
            raise
        log.info("not run again task=%s code=%s", task_id, error.code)
        return False
    return True


def drop(principal: Principal, task_id: str) -> int:
    """Drop a task's failures from the list; return the number of pictures."""
    principal.require_operator("failures")
    with recorded(principal, "failures.drop", task_id) as outcome:
        outcome["done"] = resolve({"task_id": task_id}, "dropped", principal.user_id)
    return outcome["done"]


def _drop_batch(action: BulkAction, batch: DocumentBatch) -> Counts:
    ids = {"_id": {"$in": list(batch.ids)}}
    resolve(ids, "dropped", action.by, at=batch.at)
    dealt_with = {**ids, "dealt_with.at": batch.at}
    return Counts(Generation.collection().count_documents(dealt_with))


def resolve(where: dict, how: str, by: str, *, at: datetime | None = None) -> int:
    """Mark failures as resolved by an operator; return their number."""
    resolution = {
        "how": how,
        "by": {"$literal": by},
        "at": at or utcnow(),
        "error": "$error",
    }
    changed = Generation.collection().update_many(
        {**where, **FAILED}, [{"$set": {"dealt_with": resolution}}, {"$unset": "error"}]
    )
    return changed.modified_count


bulk.register(
    RETRY,
    Kind(
        select=lambda action, size: _select(action, size, to_retry),
        apply=_retry_batch,
        size=25,
        creates=True,
    ),
)
bulk.register(
    DROP,
    Kind(
        select=lambda action, size: _select(action, size, Filter.where),
        apply=_drop_batch,
    ),
)
