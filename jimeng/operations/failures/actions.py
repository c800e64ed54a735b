"""Failures are dealt with: run again, or dropped from the list."""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from jimeng import bulk, jobs, tasks
from jimeng.bulk import Counts, Kind, Portion
from jimeng.documents import BulkAction, Generation, Task, utcnow
from jimeng.documents.cursors import cursor_of
from jimeng.documents.generation import FAILED
from jimeng.errors import JimengError
from jimeng.lanes import switches
from jimeng.operations.failures.listing import (
    Filter,
    count,
    find,
    retries_of,
    state_of,
    there,
    to_retry,
)
from jimeng.viewers import Viewer, recorded

log = logging.getLogger(__name__)

RETRY, DROP = "failures.retry_all", "failures.drop_all"
MOST_TOLD = 10_000  # pictures: how many more there are is not counted


def retry(viewer: Viewer, task_id: str, *, accept_double_charge: bool = False) -> Task:
    """
    Run one failed task again for its owner, as a new one.

    Asking twice makes one.

    Raises:
        AdminsOnly: as `page`.
        MayBeChargedTwice: as `tasks.retry`, and so is all else.
    """
    viewer.require_operator("failures")
    details = {"accept_double_charge": True} if accept_double_charge else {}
    with recorded(viewer, "failures.retry", task_id, **details) as outcome:
        made = _retry(viewer, task_id, accept_double_charge)
        outcome["task"] = made.id
    return made


def _retry(viewer: Viewer, task_id: str, accept_double_charge: bool) -> Task:
    made, _ = tasks.retry(
        viewer,
        task_id,
        accept_double_charge=accept_double_charge,
        idem_key=key_of(task_id),
    )
    deal({"task_id": task_id}, "retried", viewer.user_id)
    return made


def key_of(task_id: str) -> str:
    """No client's own key can have a space in it."""
    return f"operator {task_id}"


def retry_all(viewer: Viewer, wanted: Filter) -> BulkAction:
    """
    Run those that match again, as many as a request has time for; the consumers go on.

    Raises:
        AdminsOnly: as `page`.
        IntakePaused: no new tasks are taken; QueueUnavailable, likewise.
    """
    viewer.require_operator("failures")
    switches.check_intake()
    jobs.check_queue()
    return _begin(viewer, RETRY, wanted, to_retry(wanted), wanted.index_to_retry)


def drop_all(viewer: Viewer, wanted: Filter) -> BulkAction:
    """
    Take those that match off the list, as many as a request has time for; the
    consumers go on.

    Raises:
        AdminsOnly: as `page`.
    """
    viewer.require_operator("failures")
    return _begin(viewer, DROP, wanted, wanted.where(), wanted.index)


def under_way(viewer: Viewer, action_id: str) -> BulkAction | None:
    """
    What `retry_all` or `drop_all` began, as it is now; if that is forgotten, whatever
    else of the kind goes on.

    Raises:
        AdminsOnly: as `page`.
    """
    viewer.require_operator("failures")
    action = bulk.find(action_id)
    if action and action.kind in (RETRY, DROP):
        return action
    return next(iter(bulk.under_way(RETRY, DROP)), None)


def _begin(
    viewer: Viewer, kind: str, wanted: Filter, where: dict, index: str
) -> BulkAction:
    total = count(where, index, MOST_TOLD + 1)
    given = wanted.as_json()
    scope = "|".join(f"{name}={text}" for name, text in sorted(given.items()))
    action = bulk.start(
        viewer, kind, scope=scope, total=total, details=given, audited=True
    )
    return bulk.work_briefly(action)


def _select(
    action: BulkAction, size: int, where: Callable[[Filter], dict]
) -> tuple[list[str], str | None]:
    # What fails from now on is not meant.
    wanted = Filter.from_json(action.details)
    meant = {"$and": [where(wanted), {"ended_at": {"$lte": action.started_at}}]}
    rows = list(find(wanted, action.cursor, size, meant))
    behind = cursor_of(rows[-1], "ended_at") if rows else None
    return [row["_id"] for row in rows], behind


def _retry_batch(action: BulkAction, batch: Portion) -> Counts:
    """A picture of a task that was seen already is dealt with, or left out, by then."""
    viewer = Viewer(action.by, sees_all=action.sees_all)
    rows = Generation.collection().find({"_id": {"$in": list(batch.ids)}})
    counts = Counter(
        _retry_one(viewer, task_id) for task_id in {row["task_id"] for row in rows}
    )
    return Counts(counts[True], counts[False])


def _retry_one(viewer: Viewer, task_id: str) -> bool:
    # Its owner may have been quicker; nobody has asked for it twice.
    others = {**retries_of([task_id]), "idem_key": {"$ne": key_of(task_id)}}
    task = Task.find_one(there([task_id]))
    if state_of(task, is_retried=Task.find_one(others) is not None) != "open":
        return False
    try:
        _retry(viewer, task_id, accept_double_charge=False)
    except JimengError as error:
        if error.status >= 500:
            raise
        log.info("not run again task=%s code=%s", task_id, error.code)
        return False
    return True


def drop(viewer: Viewer, task_id: str) -> int:
    """Take a task's failures off the list; return how many pictures that were."""
    viewer.require_operator("failures")
    with recorded(viewer, "failures.drop", task_id) as outcome:
        outcome["done"] = deal({"task_id": task_id}, "dropped", viewer.user_id)
    return outcome["done"]


def _drop_batch(action: BulkAction, batch: Portion) -> Counts:
    ids = {"_id": {"$in": list(batch.ids)}}
    deal(ids, "dropped", action.by, at=batch.at)
    dealt_with = {**ids, "dealt_with.at": batch.at}
    return Counts(Generation.collection().count_documents(dealt_with))


def deal(where: dict, how: str, by: str, *, at: datetime | None = None) -> int:
    """Note that an operator has dealt with these failures; return how many."""
    kept = {
        "how": how,
        "by": {"$literal": by},
        "at": at or utcnow(),
        "error": "$error",
    }
    changed = Generation.collection().update_many(
        {**where, **FAILED}, [{"$set": {"dealt_with": kept}}, {"$unset": "error"}]
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
