"""What a user can do to all tasks in one state: cancel what waits, retry failures."""

import logging
from collections.abc import Container
from dataclasses import dataclass

from jimeng.documents import Status, Task
from jimeng.documents.task import THERE
from jimeng.providers.catalogue import retryable
from jimeng.tasks.bulk import MOST_AT_ONCE, cancel_where
from jimeng.tasks.reading import NEWEST_FIRST, owned
from jimeng.tasks.summary import SCHEDULED, in_state, runs_again
from jimeng.viewers import Viewer

log = logging.getLogger(__name__)

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


def cancel_all(viewer: Viewer, user_id: str, state: str) -> int:
    """
    Cancel a user's tasks that have not begun; return how many.

    Args:
        state: One of `CANCELLABLE`. What begins in this very moment goes on.

    Raises:
        TaskNotFound: another's tasks are not there to see.
    """
    where = {**owned(viewer, user_id), **THERE, **in_state(state)}
    cancelled = cancel_where(where, [Status.PENDING.value])
    log.info("tasks cancelled user=%s state=%s n=%d", user_id, state, len(cancelled))
    return len(cancelled)


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
