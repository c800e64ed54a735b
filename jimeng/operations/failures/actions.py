"""Failures are dealt with: run again, or dropped from the list."""

import logging
import time
from dataclasses import dataclass

from jimeng import tasks
from jimeng.documents import Generation, Task, utcnow
from jimeng.documents.cursors import cursor_of
from jimeng.documents.generation import FAILED
from jimeng.errors import JimengError
from jimeng.operations import audit
from jimeng.operations.failures.listing import Filter, find, retries_of, to_retry
from jimeng.viewers import Viewer

log = logging.getLogger(__name__)

STEP_TIME = 0.8  # seconds of a request
STEP = 100  # pictures that are read at a time
DROP_STEP = 1000


@dataclass
class Step:
    """
    What one request of a long operation has done.

    Attributes:
        done: Pictures (of a retry: tasks) that are dealt with.
        left_out: Tasks that cannot be run again, or not without consent.
        after: Where the next request goes on; None at the end.
    """

    done: int = 0
    left_out: int = 0
    after: str | None = None


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
    with audit.recorded(viewer, "failures.retry", task_id, **details) as outcome:
        made = _retry(viewer, task_id, accept_double_charge)
        outcome["task"] = made.id
    return made


def _retry(viewer: Viewer, task_id: str, accept_double_charge: bool) -> Task:
    # No client's own key can have a space in it.
    made, _ = tasks.retry(
        viewer,
        task_id,
        accept_double_charge=accept_double_charge,
        idem_key=f"operator {task_id}",
    )
    deal({"task_id": task_id}, "retried", viewer)
    return made


def retry_step(viewer: Viewer, wanted: Filter, cursor: str | None = None) -> Step:
    """
    Run those that match again, from *cursor* on, for as long as a request may take.

    Raises:
        AdminsOnly: as `page`.
        IntakePaused: no new tasks are taken; QueueUnavailable, likewise.
        Invalid: the cursor is not one of ours.
    """
    viewer.require_operator("failures")
    step = Step()
    with audit.recorded(viewer, "failures.retry_all", **wanted.as_json()) as outcome:
        try:
            _retry_some(viewer, wanted, cursor, step)
        finally:
            outcome.update(done=step.done, left_out=step.left_out)
    return step


def _retry_some(viewer: Viewer, wanted: Filter, cursor: str | None, step: Step) -> None:
    deadline = time.monotonic() + STEP_TIME
    rows = list(find(wanted, cursor, STEP + 1, to_retry(wanted)))
    seen: set[str] = set()
    for row in rows[:STEP]:
        if row["task_id"] not in seen:  # else another picture of the same
            seen.add(row["task_id"])
            _retry_one(viewer, row["task_id"], step)
        step.after = cursor_of(row, "ended_at")
        if time.monotonic() > deadline:
            return
    if len(rows) <= STEP:
        step.after = None


def _retry_one(viewer: Viewer, task_id: str, step: Step) -> None:
    # Its owner may have been quicker; nobody has asked for it twice.
    if Task.find_one(retries_of([task_id])):
        step.left_out += 1
        return
    try:
        _retry(viewer, task_id, accept_double_charge=False)
        step.done += 1
    except JimengError as error:
        if error.status >= 500:
            raise
        step.left_out += 1
        log.info("not run again task=%s code=%s", task_id, error.code)


def drop(viewer: Viewer, task_id: str) -> int:
    """Take a task's failures off the list; return how many pictures that were."""
    viewer.require_operator("failures")
    with audit.recorded(viewer, "failures.drop", task_id) as outcome:
        outcome["done"] = deal({"task_id": task_id}, "dropped", viewer)
    return outcome["done"]


def drop_step(viewer: Viewer, wanted: Filter) -> Step:
    """
    Take those that match off the list, as many as a request has time for.

    Raises:
        AdminsOnly: as `page`.
    """
    viewer.require_operator("failures")
    with audit.recorded(viewer, "failures.drop_all", **wanted.as_json()) as outcome:
        step = Step()
        deadline = time.monotonic() + STEP_TIME
        while time.monotonic() < deadline:
            ids = [row["_id"] for row in find(wanted, None, DROP_STEP)]
            step.done += deal({"_id": {"$in": ids}}, "dropped", viewer)
            if len(ids) < DROP_STEP:
                break
        else:
            step.after = "more"
        outcome["done"] = step.done
    return step


def deal(where: dict, how: str, viewer: Viewer) -> int:
    """Note that an operator has dealt with these failures; return how many."""
    kept = {
        "how": how,
        "by": {"$literal": viewer.user_id},
        "at": utcnow(),
        "error": "$error",
    }
    changed = Generation.collection().update_many(
        {**where, **FAILED}, [{"$set": {"dealt_with": kept}}, {"$unset": "error"}]
    )
    return changed.modified_count
