"""Retry the tasks of a batch that lack pictures, where that may help."""

import logging
import time

from jimeng.batches.capacity import TRANSIENT
from jimeng.batches.progress import NEEDED, owed_by, rows_of
from jimeng.documents import Batch, Task, utcnow
from jimeng.documents.batch import rerun_id
from jimeng.documents.principal import Principal
from jimeng.documents.task import ENDED, THERE
from jimeng.errors import JimengError
from jimeng.tasks import retry
from jimeng.tasks.retries import PAID, READY, WITHDRAWN, kind_of

log = logging.getLogger(__name__)

CHUNK = 50  # tasks read in one step


def retry_some(
    batch: Batch, principal: Principal, capacity_pictures: int, deadline: float
) -> tuple[Batch | None, bool]:
    """
    Retry some of the tasks that `Batch.again` selects.

    Args:
        capacity_pictures: The number of pictures that may be added to the queue.
        deadline: By `time.monotonic`.

    Returns:
        The batch, or None if the lease was lost; and whether all are done.

    Raises:
        JimengError: a transient error of `tasks.create`.
    """
    again, rows = batch.again or {}, next_tasks(batch)
    owned = batch
    prompts = [row.get("batch_index") for row in rows]
    owed = owed_by(batch, rows_of(batch, batch_index={"$in": prompts}))
    for row in rows:
        task = Task.read(row)
        lacks = task.n - len(task.done)
        if not owed.get(task.id) or not is_included(kind_of(task), again):
            continue
        if capacity_pictures < lacks or time.monotonic() > deadline:
            return owned, False
        rerun(batch, principal, task)
        capacity_pictures -= lacks
        more = advance_cursor(owned, task.id)
        if more is None:
            return None, False
        owned = more
    if len(rows) == CHUNK:
        return advance_cursor(owned, rows[-1]["_id"]), False
    return owned.update_owned({"$unset": {"again": ""}}), True


def advance_cursor(batch: Batch, task_id: str) -> Batch | None:
    """Store that the tasks up to this one are done."""
    return batch.update_owned(
        {"$set": {"again.after": task_id}, "$unset": {"waits": ""}}
    )


def next_tasks(batch: Batch) -> list[dict]:
    """The next ended tasks that existed when the retry was requested."""
    again = batch.again or {}
    where = {
        **{"batch": batch.id, **THERE, "status": {"$in": ENDED}},
        **{"created_at": {"$lte": again.get("at") or utcnow()}},
        **{"_id": {"$gt": again.get("after") or ""}},
    }
    rows = Task.collection().find(where, NEEDED)
    return list(rows.sort("_id", 1).limit(CHUNK))


def is_included(kind: str, again: dict) -> bool:
    wanted = {READY: True, WITHDRAWN: again.get("rest"), PAID: again.get("agreed")}
    return bool(wanted.get(kind))


def rerun(batch: Batch, principal: Principal, task: Task) -> None:
    again = batch.again or {}
    moment = again.get("at") or batch.created_at
    try:
        retry(
            principal,
            task.id,
            accept_double_charge=bool(again.get("agreed")),
            new_id=rerun_id(task.id, moment, task.batch_index or 0),
        )
    except TRANSIENT:
        raise
    except JimengError as error:  # the task was deleted, or can no longer be retried
        log.info("task not run again task=%s code=%s", task.id, error.code)
