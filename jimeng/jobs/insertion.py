"""
Insert the generations of new tasks, several tasks in one write, and those that are
missing.

A task is durable once it is inserted itself. Its generations follow from it, and
`backfill_generations` inserts missing ones, so no request waits for the write batcher.
Inserting eight at a time costs a fifth of inserting them one by one.
"""

import atexit
import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from jimeng.documents import Generation, State, Task, best_effort
from jimeng.documents.connection import ignore_duplicates
from jimeng.documents.ids import age_of
from jimeng.documents.kinds import VIDEO
from jimeng.process.broker import enqueue_dispatch
from jimeng.providers.models.model import SEED_RANGE

log = logging.getLogger(__name__)

WRITE_EVERY_S = 0.05  # between two writes; the first one after a pause never waits
MAX_BUFFERED = 1000  # generations; beyond, requests insert their own
# What each generation has as its task has it.
OF_THE_TASK = (
    *("user_id", "lane", "provider", "req_key", "prompt", "width", "height", "video"),
    *("seed_given", "inputs", "has_mask", "strength", "expand", "key_id", "by_key"),
    *("owner_id", "budget_day", "price_id", "created_at"),
)
RECENT_S = 60.0  # by then the janitor has backfilled the generations of older tasks


def generations_of(task: Task, first_ticket: int | None) -> list[dict]:
    """
    Build the rows of a task's generations.

    Args:
        first_ticket: The first of *n* consecutive tickets; None for a task that
            reserves them later: at its scheduled time, or when its inputs are prepared.
    """
    return [
        _generation(task, index, None if first_ticket is None else first_ticket + index)
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


def _generation(task: Task, index: int, ticket: int | None) -> dict:
    when: dict = {"turn": ticket}
    if task.user_turn is not None and ticket is not None:
        when["user_turn"] = task.user_turn + index
    if task.inputs:
        when = {"state": State.PREPARING.value, "due_at": task.created_at}
    elif ticket is None:
        when = {"state": State.DELAYED.value, "due_at": task.not_before}
    return Generation.row(
        **{name: getattr(task, name) for name in OF_THE_TASK},
        id=task.generation_ids[index],
        task_id=task.id,
        index=index,
        seed=None if task.seed is None else (task.seed + index) % SEED_RANGE,
        kind=VIDEO if task.type == VIDEO else None,
        held_micros=task.hold_micros,
        waiting=True,
        **when,
    )


class WriteBatcher:
    """
    The buffered generations of a process, and the thread that writes them. The thread
    starts with the first entry, after the server's fork. A closed batcher accepts none.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writes = threading.Lock()  # one write at a time; `close` waits for it
        self._some = threading.Event()
        self._rows: list[dict] = []
        self._wakes: Counter[str] = Counter()  # jobs by lane
        self._thread: threading.Thread | None = None
        self._is_open = False

    def open(self) -> None:
        """Accept entries from now on; closed when the process exits."""
        self._is_open = True
        atexit.register(self.close)

    def close(self) -> None:
        """
        Write the buffer, waiting for a write in progress; from now on callers insert
        their generations themselves.
        """
        with self._lock:
            self._is_open = False
        self.write()

    def add(self, rows: Sequence[dict], lane: str, wakes: int) -> bool:
        """
        Buffer generations.

        Args:
            rows: The generations to insert.
            wakes: Dispatches to queue for *lane* after that.

        Returns:
            False if the batcher is closed or full.
        """
        with self._lock:
            if not self._is_open or len(self._rows) >= MAX_BUFFERED:
                return False
            is_first = not self._rows
            self._rows += rows
            self._wakes[lane] += wakes
            if is_first:
                self._begin()
        return True

    def _begin(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._run, name="write batcher", daemon=True
            )
            self._thread.start()
        self._some.set()

    def _run(self) -> None:
        while self._some.wait():
            self._some.clear()
            try:
                self.write()
            except Exception:  # the janitor backfills the lost generations
                log.exception("batch not written")
            time.sleep(WRITE_EVERY_S)

    def write(self) -> None:
        """Insert the buffered generations, then queue their dispatches."""
        with self._writes:
            with self._lock:
                rows, self._rows = self._rows, []
                wakes, self._wakes = self._wakes, Counter()
            if rows:
                with best_effort("generations"):
                    insert_missing(rows)
            for lane, n in wakes.items():
                if n:
                    enqueue_dispatch(lane, n)


batcher = WriteBatcher()


def insert_and_dispatch(task: Task, *, wakes: bool) -> None:
    """
    Insert the generations of a new task, batched with others, and queue dispatches.

    Args:
        wakes: Queue a dispatch for each picture: few jobs are queued already.
    """
    n = 0
    if wakes and task.not_before is None:
        # With inputs the dispatch finds nothing to send, but wakes an idle consumer.
        n = 1 if task.inputs else task.n
    rows = generations_of(task, task.turn)
    # Tasks that reserve their tickets later are rare, and `count_stored` finds nothing
    # of theirs in the buffer: insert these at once.
    if not task.reserves_ticket_later and batcher.add(rows, task.lane, n):
        return
    with best_effort("generations"):
        insert_missing(rows)
    if n:
        enqueue_dispatch(task.lane, n)
