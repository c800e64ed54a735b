"""
The write batcher: generations of tasks created at the same time, written together.

A task is safe once it is written itself. Its pictures follow from it, and where nobody
writes them `backfill.backfill_generations` does: so no request waits for that. To
write eight at a time costs a fifth of writing them one by one.
"""

import atexit
import logging
import threading
import time
from collections import Counter
from collections.abc import Sequence

from jimeng.documents import Task, best_effort
from jimeng.jobs import backfill
from jimeng.jobs.queue import enqueue_dispatch

log = logging.getLogger(__name__)

WRITE_EVERY_S = (
    0.05  # seconds from one write to the next: the first of some never waits
)
MAX_BUFFERED = 1000  # pictures that are kept; more are written at once


class WriteBatcher:
    """
    What a process has still to write, and its thread, which starts with the first of
    it: that is after the server's fork. Closed, it takes nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writes = threading.Lock()  # one at a time, which the end waits for
        self._some = threading.Event()
        self._rows: list[dict] = []
        self._wakes: Counter[str] = Counter()  # jobs by lane
        self._thread: threading.Thread | None = None
        self._is_open = False

    def open(self) -> None:
        """From here on there is a server, whose process closes it as it ends."""
        self._is_open = True
        atexit.register(self.close)

    def close(self) -> None:
        """
        Write what there is, and wait for what is being written; from here on whoever
        has something writes it himself.
        """
        with self._lock:
            self._is_open = False
        self.write()

    def add(self, rows: Sequence[dict], lane: str, wakes: int) -> bool:
        """
        Args:
            rows: Generations that are to be written.
            wakes: Jobs that are to be queued for *lane* then.

        Returns:
            False where it is closed, or full.
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
                target=self._run, name="gathering", daemon=True
            )
            self._thread.start()
        self._some.set()

    def _run(self) -> None:
        while self._some.wait():
            self._some.clear()
            try:
                self.write()
            except Exception:  # what it held is written by the janitor
                log.exception("what was gathered is not written")
            time.sleep(WRITE_EVERY_S)

    def write(self) -> None:
        """Write what there is, and have it sent."""
        with self._writes:
            with self._lock:
                rows, self._rows = self._rows, []
                wakes, self._wakes = self._wakes, Counter()
            if rows:
                with best_effort("generations"):
                    backfill.insert_missing(rows)
            for lane, n in wakes.items():
                if n:
                    enqueue_dispatch(lane, n)


batcher = WriteBatcher()


def insert_and_dispatch(task: Task, *, wakes: bool) -> None:
    """
    Write the pictures of a task that has just been written, and have them sent.

    Args:
        wakes: Queue a job for each: there are few.
    """
    n = 0
    if wakes and task.not_before is None:
        # Where pictures go in it finds nothing to send, but wakes an idle consumer.
        n = 1 if task.inputs else task.n
    rows = backfill.generations_of(task, task.turn)
    # What takes its turn later is seldom, and has a phase that its record does not say.
    if not task.reserves_ticket_later and batcher.add(rows, task.lane, n):
        return
    with best_effort("generations"):
        backfill.insert_missing(rows)
    if n:
        enqueue_dispatch(task.lane, n)
