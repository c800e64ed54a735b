"""Running again: each task of a batch that lacks pictures once more, where it helps."""

import logging
import time

from jimeng.batches.capacity import LATER
from jimeng.batches.progress import NEEDED, owed_by, rows_of
from jimeng.documents import Batch, Task, utcnow
from jimeng.documents.batch import rerun_id
from jimeng.documents.principal import Principal
from jimeng.documents.task import ENDED, THERE
from jimeng.errors import JimengError
from jimeng.tasks import retry
from jimeng.tasks.retries import PAID, READY, WITHDRAWN, kind_of

log = logging.getLogger(__name__)

CHUNK = 50  # tasks that are looked at in one step


def run_again(
    batch: Batch, principal: Principal, places: int, deadline: float
) -> tuple[Batch | None, bool]:
    """
    Run some of the tasks again that are meant by `Batch.again`.

    Args:
        places: Pictures that there is room for.
        deadline: By `time.monotonic`.

    Returns:
        The batch, None where it is another's by now; and whether all is done.

    Raises:
        JimengError: one of those that pass, as of `tasks.create`.
    """
    again, rows = batch.again or {}, meant(batch)
    held = batch
    prompts = [row.get("batch_index") for row in rows]
    owed = owed_by(batch, rows_of(batch, batch_index={"$in": prompts}))
    for row in rows:
        task = Task.read(row)
        lacks = task.n - len(task.done)
        if not owed.get(task.id) or not is_wanted(kind_of(task), again):
            continue
        if places < lacks or time.monotonic() > deadline:
            return held, False
        rerun(batch, principal, task)
        places -= lacks
        more = passed(held, task.id)
        if more is None:
            return None, False
        held = more
    if len(rows) == CHUNK:
        return passed(held, rows[-1]["_id"]), False
    return held.update_owned({"$unset": {"again": ""}}), True


def passed(batch: Batch, task_id: str) -> Batch | None:
    """The batch, from whose tasks up to this one nothing more is to be done."""
    return batch.update_owned(
        {"$set": {"again.after": task_id}, "$unset": {"waits": ""}}
    )


def meant(batch: Batch) -> list[dict]:
    """The next tasks that had ended, or not, when it was asked for."""
    again = batch.again or {}
    where = {
        **{"batch": batch.id, **THERE, "status": {"$in": ENDED}},
        **{"created_at": {"$lte": again.get("at") or utcnow()}},
        **{"_id": {"$gt": again.get("after") or ""}},
    }
    rows = Task.collection().find(where, NEEDED)
    return list(rows.sort("_id", 1).limit(CHUNK))


def is_wanted(kind: str, again: dict) -> bool:
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
    except LATER:
        raise
    except JimengError as error:  # it is gone by now, or cannot be asked for any more
        log.info("task not run again task=%s code=%s", task.id, error.code)
