"""Cancelling: one way for a single task and for very many."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from jimeng import jobs, lanes
from jimeng.config import logs
from jimeng.documents import (
    ApiKey,
    Generation,
    State,
    Status,
    Task,
    best_effort,
    new_token,
    utcnow,
)
from jimeng.documents.generation import WAITING
from jimeng.documents.principal import Principal
from jimeng.documents.task import OPEN, THERE
from jimeng.errors import ImageNotFound, PictureUnderWay, TaskFinished
from jimeng.jobs import endings
from jimeng.lanes import TicketHolder
from jimeng.tasks.audit import audited
from jimeng.tasks.queries import find

log = logging.getLogger(__name__)

BATCH = 500  # tasks in one update
AT_ONCE = 2 * BATCH  # rows of one answer


@audited(Task, "tasks.cancel")
def cancel(principal: Principal, task_id: str) -> Task:
    """
    End a task. Pictures that wait are never sent; one that the provider has
    begun is charged, and not shown.

    Raises:
        TaskNotFound: as in `find`.
        TaskFinished: it has ended already.
    """
    task = Task.cancel({**principal.filter(), **THERE}, task_id)
    if task is None:
        ended = find(principal, task_id)
        raise TaskFinished(f"task {ended.id} is {ended.status}")
    with logs.bound(task=task.id, user=task.user_id):
        log.info("task cancelled")
        with best_effort("waiting pictures"):
            drop_waiting([task.id])
    return task


@audited(Task, "tasks.cancel")
def cancel_picture(principal: Principal, task_id: str, index: int) -> Task:
    """
    End one picture of a task that waits; the others go on.

    Whoever dies after the first write has done it all the same: what is marked is
    never sent, and counts as cancelled once its turn comes.

    Args:
        index: From 0.

    Raises:
        TaskNotFound: as in `find`.
        ImageNotFound: the task has fewer.
        PictureUnderWay: it was sent already, or has ended.
    """
    task = find(principal, task_id)
    if not 0 <= index < task.n:
        raise ImageNotFound(f"picture {index} of task {task.id}")
    jobs.insert_generations([task.id])
    mine = {"_id": f"{task.id}_{index}", "state": {"$in": WAITING}}
    marked = Generation.find_and_modify(mine, {"$set": {"unwanted": True}})
    if not task.is_open or marked is None:
        raise PictureUnderWay(f"picture {index} of task {task.id}")
    with logs.bound(task=task.id, user=task.user_id):
        log.info("picture cancelled index=%d", index)
        with best_effort("waiting picture"):
            endings.record_failure(marked, endings.CANCELLED)
            renumber(drop({"_id": marked.id}))
    return find(principal, task_id)


def cancel_where(where: dict) -> list[Task]:
    """
    Cancel the open tasks of *where*, some at a time.

    Returns:
        Those that are cancelled now and were not before.
    """
    ids = Task.find_ids({**where, "status": {"$in": OPEN}})
    cancelled: list[str] = []
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        cancelled += cancel_batch(where, some, OPEN, at=utcnow())
    with best_effort("waiting pictures"):
        drop_waiting(cancelled)
    return Task.find_all({"_id": {"$in": cancelled}})


def cancel_batch(
    where: dict,
    task_ids: Sequence[str],
    statuses: Sequence[str],
    *,
    at: datetime,
    reason: str | None = None,
) -> list[str]:
    """
    Cancel those of these tasks that are in one of *statuses*; their pictures still
    wait, until `drop_waiting`.

    Args:
        at: The moment that it counts for. Repeated with the same, it returns the same.
        reason: The code of why, where it was not their owner's wish.
    """
    ids = {"_id": {"$in": list(task_ids)}}
    ended = {"status": Status.CANCELLED.value, "completed_at": at, "updated_at": at}
    because = {"reason": reason} if reason else {}
    Task.collection().update_many(
        {**where, **ids, "status": {"$in": list(statuses)}},
        {"$set": {**ended, **because}, "$unset": {"open": ""}},
    )
    return Task.find_ids({**ids, **ended})


def hiding(at: datetime, purge_at: datetime | None = None) -> list[dict]:
    """
    The one update by which a task is deleted, and cancelled if it has not ended.

    Args:
        purge_at: Until when it can be brought back; None: it cannot.
    """
    is_open = {"$in": ["$status", OPEN]}
    gone: dict = {
        "deleted_at": at,
        "updated_at": at,
        "status": {"$cond": [is_open, "cancelled", "$status"]},
        "completed_at": {"$cond": [is_open, at, "$completed_at"]},
        "purge_at": purge_at or "$$REMOVE",
    }
    return [{"$set": gone}, {"$unset": ["open", "idem_key"]}]


def drop_waiting(task_ids: Sequence[str]) -> int:
    """Take the waiting pictures of these tasks out of the lines; return how many."""
    dropped: Counter[TicketHolder] = Counter()
    for start in range(0, len(task_ids), BATCH):
        dropped += drop_of(task_ids[start : start + BATCH])
    renumber(dropped)
    return dropped.total()


def drop_of(task_ids: Sequence[str], token: str | None = None) -> Counter[TicketHolder]:
    """`drop` the pictures of these tasks, those on their way into the line too."""
    jobs.insert_generations(task_ids)
    return drop({"task_id": {"$in": list(task_ids)}}, token)


def drop(where: dict, token: str | None = None) -> Counter[TicketHolder]:
    """
    Take the waiting ones of these pictures out, and out of what counts them.

    The turns of what remains are left as they are: `renumber` them.

    Args:
        token: Under which this may be repeated, and counts them out once.

    Returns:
        How many, by where they waited.
    """
    generations = Generation.collection()
    owner = token or new_token()  # by which those of this very update are told apart
    dropped = {"state": State.DROPPED.value, "ended_at": utcnow(), "owner": owner}
    changed = generations.update_many(
        {**where, "state": {"$in": WAITING}},
        {"$set": dropped, "$unset": {"due_at": "", "waiting": ""}},
    )
    if not changed.modified_count and token is None:
        return Counter()
    day = {"$dateToString": {"date": "$created_at", "format": "%Y-%m-%d"}}
    place = {"lane": "$lane", "user_id": "$user_id", "day": day}
    groups: list[dict] = [
        {"$match": {**where, "owner": owner}},
        {"$group": {"_id": {**place, "key": "$key_id"}, "n": {"$sum": 1}}},
    ]
    left: Counter[TicketHolder] = Counter()
    of_keys: Counter[tuple[str, str]] = Counter()
    for row in generations.aggregate(groups, batchSize=AT_ONCE):
        key_id = row["_id"].pop("key", None)
        left[TicketHolder(**row["_id"])] += row["n"]
        if key_id:
            of_keys[key_id, row["_id"]["day"]] += row["n"]
    lanes.release_all_tickets(left, token)
    if changed.modified_count:  # once, where it is repeated under a token
        for (key_id, iso_day), n in of_keys.items():
            ApiKey.give_back(key_id, date.fromisoformat(iso_day), n)
    return left


def renumber(places: Iterable[TicketHolder]) -> None:
    """Close the gaps in the turns of these lanes' users."""
    users: dict[str, set[str]] = defaultdict(set)
    for place in places:
        users[place.lane].add(place.user_id)
    for lane, found in users.items():
        lanes.renumber(lane, found)
