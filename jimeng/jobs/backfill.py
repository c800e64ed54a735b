"""The generations of a task: written once, however often this is called."""

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pymongo.errors import BulkWriteError, DuplicateKeyError

from jimeng.documents import Generation, State, Task
from jimeng.documents.ids import age_of

DUPLICATE_KEY = 11000  # MongoDB's code for a key that exists
SEED_RANGE = 2**31
RECENT_S = 60.0  # seconds: by then the janitor has met what a death left out


def generations_of(task: Task, first_turn: int | None) -> list[dict]:
    """
    The task's generations as they are stored.

    Args:
        first_turn: The first of *n* turns in a row; None for a task whose pictures
            take theirs later: when the time has come, or what goes in is ready.
    """
    return [
        _generation(task, index, None if first_turn is None else first_turn + index)
        for index in range(task.n)
    ]


def insert_missing(rows: Sequence[dict]) -> None:
    """Insert those of these generations that are not there yet."""
    # Not durable by itself: the task is, and what is missing of it gets written again.
    generations = Generation.collection(durable=False)
    try:
        if len(rows) == 1:  # by far the most frequent, and a third of the work
            generations.insert_one(rows[0])
        else:
            generations.insert_many(rows, ordered=False)
    except DuplicateKeyError:
        return
    except BulkWriteError as error:
        if any(e["code"] != DUPLICATE_KEY for e in error.details["writeErrors"]):
            raise


def count_stored(task_ids: Iterable[str]) -> Counter[str]:
    """Of each of these tasks, how many of its generations there are."""
    rows = Generation.collection().aggregate(
        [
            {"$match": {"task_id": {"$in": list(task_ids)}}},
            {"$group": {"_id": "$task_id", "n": {"$sum": 1}}},
        ],
        hint="task",
    )
    return Counter({row["_id"]: row["n"] for row in rows})


def find_incomplete(wanted: Mapping[str, int]) -> list[str]:
    """Those of these tasks, with how many generations each has, that lack some."""
    written = count_stored(wanted)
    return [task_id for task_id, n in wanted.items() if written[task_id] < n]


def backfill_generations(task: Task) -> int:
    """
    Write what a death between task and generations left out.

    Returns:
        How many were missing.
    """
    missing = task.n - count_stored([task.id])[task.id]
    if missing > 0:
        insert_missing(
            generations_of(task, None if task.reserves_ticket_later else task.turn)
        )
    return max(missing, 0)


def backfill_recent(task_ids: Iterable[str]) -> None:
    """
    Write what is still on its way of those of these tasks that have just been made:
    who takes pictures out of the line is to find all of them in it.
    """
    fresh = [task_id for task_id in task_ids if age_of(task_id) < RECENT_S]
    written = count_stored(fresh) if fresh else Counter()
    if coming := [task_id for task_id in fresh if not written[task_id]]:
        for row in Task.collection().find({"_id": {"$in": coming}}):
            backfill_generations(Task.read(row))


def new_seed() -> int:
    """0 to 2^31-1."""
    return secrets.randbelow(SEED_RANGE)


def _generation(task: Task, index: int, turn: int | None) -> dict:
    when: dict = {"turn": turn}
    if task.inputs:
        when = {"state": State.PREPARING.value, "due_at": task.created_at}
    elif turn is None:
        when = {"state": State.DELAYED.value, "due_at": task.not_before}
    return Generation.row(
        id=task.generation_ids[index],
        task_id=task.id,
        index=index,
        user_id=task.user_id,
        lane=task.lane,
        provider=task.provider,
        req_key=task.req_key,
        prompt=task.prompt,
        width=task.width,
        height=task.height,
        seed=None if task.seed is None else (task.seed + index) % SEED_RANGE,
        seed_given=task.seed_given,
        inputs=task.inputs,
        has_mask=task.has_mask,
        strength=task.strength,
        expand=task.expand,
        key_id=task.key_id,
        waiting=True,
        created_at=task.created_at,
        **when,
    )
