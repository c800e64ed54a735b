"""The generations of a task: written once, however often this is called."""

import secrets
from collections import Counter
from collections.abc import Iterable

from pymongo.errors import BulkWriteError, DuplicateKeyError

from jimeng import lanes
from jimeng.documents import Generation, State, Task

DUPLICATE = 11000  # MongoDB's code for a key that exists
SEEDS = 2**31


def write_generations(task: Task, first_turn: int | None) -> None:
    """
    Insert those of the task's generations that are not there yet.

    Args:
        first_turn: The first of *n* turns in a row; None for a task whose pictures
            take theirs later: when the time has come, or what goes in is ready.
    """
    rows = [
        _generation(task, index, None if first_turn is None else first_turn + index)
        for index in range(task.n)
    ]
    # Not durable by itself: the task is, and what is missing of it gets written again.
    generations = Generation.collection(durable=False)
    try:
        if task.n == 1:  # by far the most frequent, and a third of the work
            generations.insert_one(rows[0])
        else:
            generations.insert_many(rows, ordered=False)
    except DuplicateKeyError:
        return
    except BulkWriteError as error:
        if any(e["code"] != DUPLICATE for e in error.details["writeErrors"]):
            raise


def count_written(task_ids: Iterable[str]) -> Counter[str]:
    """Of each of these tasks, how many of its generations there are."""
    rows = Generation.collection().aggregate(
        [
            {"$match": {"task_id": {"$in": list(task_ids)}}},
            {"$group": {"_id": "$task_id", "n": {"$sum": 1}}},
        ],
        hint="task",
    )
    return Counter({row["_id"]: row["n"] for row in rows})


def complete_plan(task: Task) -> int:
    """
    Write what a death between task and generations left out.

    Returns:
        How many were missing.
    """
    missing = task.n - count_written([task.id])[task.id]
    if missing > 0:
        if not task.takes_turn_later:
            turn, _ = lanes.take_turns(task.lane, task.user_id, task.n)
        write_generations(task, None if task.takes_turn_later else turn)
    return max(missing, 0)


def new_seed() -> int:
    """0 to 2^31-1."""
    return secrets.randbelow(SEEDS)


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
        seed=None if task.seed is None else (task.seed + index) % SEEDS,
        seed_given=task.seed_given,
        inputs=task.inputs,
        has_mask=task.has_mask,
        strength=task.strength,
        expand=task.expand,
        waiting=True,
        created_at=task.created_at,
        **when,
    )
