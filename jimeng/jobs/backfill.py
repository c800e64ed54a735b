"""Insert the generations of a task; idempotent."""

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from jimeng.documents import Generation, State, Task
from jimeng.documents.base import VIDEO, age_of, ignore_duplicates

SEED_RANGE = 2**31
RECENT_S = 60.0  # by then the janitor has backfilled the generations of older tasks


def generations_of(task: Task, first_turn: int | None) -> list[dict]:
    """
    Build the rows of a task's generations.

    Args:
        first_turn: The first of *n* consecutive tickets; None for a task that reserves
            them later: at its scheduled time, or when its inputs are prepared.
    """
    return [
        _generation(task, index, None if first_turn is None else first_turn + index)
        for index in range(task.n)
    ]


def insert_missing(rows: Sequence[dict]) -> None:
    """Insert the rows that are not stored yet."""
    # Not durable: the task is, and lost generations of it are backfilled.
    generations = Generation.collection(durable=False)
    with ignore_duplicates():
        if len(rows) == 1:  # by far the most frequent case, at a third of the cost
            generations.insert_one(rows[0])
        else:
            generations.insert_many(rows, ordered=False)


def count_stored(task_ids: Iterable[str]) -> Counter[str]:
    """Count the stored generations of each task."""
    rows = Generation.collection().aggregate(
        [
            {"$match": {"task_id": {"$in": list(task_ids)}}},
            {"$group": {"_id": "$task_id", "n": {"$sum": 1}}},
        ],
        hint="task",
    )
    return Counter({row["_id"]: row["n"] for row in rows})


def find_incomplete(wanted: Mapping[str, int]) -> list[str]:
    """Return the ids of tasks with fewer stored generations than *wanted*."""
    stored = count_stored(wanted)
    return [task_id for task_id, n in wanted.items() if stored[task_id] < n]


def backfill_generations(task: Task) -> int:
    """
    Insert the generations that a process has not written before it died.

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
    Insert generations that the write batcher has not written yet, of tasks younger than
    `RECENT_S`: a caller that removes pictures from the queue has to find all of them.
    """
    recent = [task_id for task_id in task_ids if age_of(task_id) < RECENT_S]
    stored = count_stored(recent) if recent else Counter()
    if pending := [task_id for task_id in recent if not stored[task_id]]:
        for row in Task.collection().find({"_id": {"$in": pending}}):
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
        kind=VIDEO if task.type == VIDEO else None,
        video=task.video,
        key_id=task.key_id,
        by_key=task.by_key,
        budget_day=task.budget_day,
        held_micros=task.hold_micros,
        price_id=task.price_id,
        waiting=True,
        created_at=task.created_at,
        **when,
    )
