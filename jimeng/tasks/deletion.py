"""Delete tasks permanently: one, or all tasks of a user."""

import logging
from collections.abc import Sequence

from jimeng.documents import Batch, BulkAction, Task, best_effort, utcnow
from jimeng.documents.auditing import audited
from jimeng.documents.principal import Principal
from jimeng.documents.task import DOOMED
from jimeng.jobs import bulk
from jimeng.jobs.bulk import Counts, DocumentBatch, Kind
from jimeng.tasks.cancellation import deletion_update, drop_generations_of, drop_waiting
from jimeng.tasks.queries import find
from jimeng.upkeep.janitor import finish_deletion

log = logging.getLogger(__name__)

DELETE = "tasks.delete"
HIDDEN_PHASE = "hidden"  # the second phase: all tasks are hidden, and are removed
PURGE_BATCH = 25  # tasks removed at a time, with the bytes of their pictures


@audited(Task, "tasks.delete")
def delete(principal: Principal, task_id: str) -> None:
    """
    Cancel a task if it has not ended, and remove it with its pictures.

    Raises:
        TaskNotFound: as in `find`.
    """
    task = find(principal, task_id)
    Task.collection().update_one({"_id": task.id}, deletion_update(utcnow()))
    log.info("task deleted task=%s user=%s", task.id, task.user_id)
    with best_effort("deletion"):
        if task.is_open:
            drop_waiting([task.id])
        Batch.count_anew(task.batch)
        finish_deletion(task.id)


def delete_all(principal: Principal, user_id: str) -> int:
    """
    Delete all tasks of a user that the principal may see; return how many.

    A bulk action hides and cancels them, then removes them: as many as fit into this
    request; the consumers continue with the rest.
    """
    if not principal.may_see(user_id):
        return 0
    total = Task.collection().count_documents({"user_id": user_id, "$nor": [DOOMED]})
    details = {"user": user_id}
    action = bulk.start(principal, DELETE, scope=user_id, total=total, details=details)
    bulk.work_briefly(action)
    return total


def _select(action: BulkAction, size: int) -> tuple[Sequence[str], str | None]:
    # Tasks that are created meanwhile are not deleted.
    mine = {
        "user_id": action.details["user"],
        "created_at": {"$lte": action.started_at},
    }
    if action.cursor is None:
        ids = Task.find_ids({**mine, "$nor": [DOOMED]}, limit=size)  # the trash too
        if ids:
            return ids, None
    return Task.find_ids({**mine, **DOOMED}, limit=min(size, PURGE_BATCH)), HIDDEN_PHASE


def _apply(action: BulkAction, batch: DocumentBatch) -> Counts:
    if batch.cursor == HIDDEN_PHASE:
        for task_id in batch.ids:
            finish_deletion(task_id)
        return Counts(len(batch.ids))
    mine = {"_id": {"$in": list(batch.ids)}, "$nor": [DOOMED]}
    Task.collection().update_many(mine, deletion_update(batch.at))
    drop_generations_of(batch.ids, batch.token)
    return Counts(0)


bulk.register(DELETE, Kind(select=_select, apply=_apply))
