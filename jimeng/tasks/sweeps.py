"""What a user can do to all tasks in one state: cancel what waits, retry failures."""

from collections.abc import Container
from dataclasses import dataclass

from jimeng import bulk, jobs, lanes
from jimeng.bulk import Kind
from jimeng.documents import BulkAction, Status, Task
from jimeng.documents.task import THERE
from jimeng.providers.catalogue import retryable
from jimeng.tasks.bulk import MOST_AT_ONCE
from jimeng.tasks.clearing import cancel_some
from jimeng.tasks.reading import NEWEST_FIRST, owned
from jimeng.tasks.summary import SCHEDULED, in_state, runs_again
from jimeng.viewers import Viewer

CANCEL = "tasks.cancel"
CANCELLABLE = (Status.PENDING.value, SCHEDULED)  # states of what has not begun
MOST_LOOKED_AT = 500  # failed tasks, the newest


@dataclass(frozen=True)
class Again:
    """
    Which of a user's failed tasks can all be run again without a second thought.

    Attributes:
        task_ids: Those, newest first, as many as go at once.
        pictures: How many they ask for.
        paid: How many others may have been charged, so that each needs consent.
        hopeless: How many others would fail the same way.
    """

    task_ids: list[str]
    pictures: int
    paid: int
    hopeless: int


def cancel_all(viewer: Viewer, user_id: str, state: str) -> BulkAction:
    """
    Cancel a user's tasks that have not begun, as many as a request has time for; the
    consumers go on with the rest.

    Args:
        state: One of `CANCELLABLE`. What begins in this very moment goes on.

    Raises:
        TaskNotFound: another's tasks are not there to see.
    """
    total = Task.collection().count_documents(_meant(owned(viewer, user_id), state))
    details = {"user": user_id, "state": state}
    scope = f"{user_id}|{state}"
    action = bulk.start(viewer, CANCEL, scope=scope, total=total, details=details)
    return bulk.work_briefly(action)


def cancelling(viewer: Viewer) -> list[BulkAction]:
    """What is being cancelled of the viewer's own, in this moment."""
    found = [bulk.latest(CANCEL, f"{viewer.user_id}|{each}") for each in CANCELLABLE]
    return [action for action in found if action is not None and action.is_open]


def find(viewer: Viewer, action_id: str) -> BulkAction | None:
    """The cancellation of the viewer's own that has this id, or None."""
    action = bulk.find(action_id)
    if action is None or action.kind != CANCEL:
        return None
    return action if action.details["user"] == viewer.user_id else None


def _meant(mine: dict, state: str) -> dict:
    return {**mine, **THERE, **in_state(state)}


def _select(action: BulkAction, size: int) -> tuple[list[str], None]:
    mine = {"user_id": action.details["user"]}
    earlier = {"created_at": {"$lte": action.started_at}}
    where = {**_meant(mine, action.details["state"]), **earlier}
    rows = Task.collection().find(where, {"_id": 1}).sort(NEWEST_FIRST).limit(size)
    return [row["_id"] for row in rows], None


def _finish(action: BulkAction) -> None:
    user_id = action.details["user"]
    for lane in jobs.runtime().registry.lanes:
        lanes.renumber(lane, [user_id])


bulk.register(
    CANCEL,
    Kind(
        select=_select,
        apply=lambda action, batch: cancel_some(
            batch, {"user_id": action.details["user"], **THERE}
        ),
        finish=_finish,
    ),
)


def failures(viewer: Viewer, user_id: str, *, to_edit: Container[str] = ()) -> Again:
    """
    Look through a user's failed tasks, for those to run again.

    Those that were run again already are left out of all numbers.

    Args:
        to_edit: Codes of errors that other words would help, and the same would not.

    Raises:
        TaskNotFound: another's tasks are not there to see.
    """
    where = {**owned(viewer, user_id), **THERE, **in_state(Status.FAILED.value)}
    rows = Task.collection().find(where, {"n": 1, "outcomes": 1})
    found = list(rows.sort(NEWEST_FIRST).limit(MOST_LOOKED_AT))
    again = runs_again(viewer, (row["_id"] for row in found))
    left = [row for row in found if row["_id"] not in again]
    kinds = [_kind(row["outcomes"], to_edit) for row in left]
    ready = [row for row, kind in zip(left, kinds, strict=True) if kind == "ready"]
    ready = ready[:MOST_AT_ONCE]
    return Again(
        [row["_id"] for row in ready],
        sum(row["n"] for row in ready),
        kinds.count("paid"),
        kinds.count("hopeless"),
    )


def _kind(outcomes: dict, to_edit: Container[str]) -> str:
    errors = [each["error"] for each in outcomes.values() if "error" in each]
    if any(error["charged"] != "no" for error in errors):
        return "paid"
    codes = {error["code"] for error in errors}
    useful = any(retryable(code) and code not in to_edit for code in codes)
    return "ready" if useful else "hopeless"
