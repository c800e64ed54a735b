"""
The write batcher: insert the generations of several new tasks in one write.

A task is durable once it is inserted itself. Its generations follow from it, and
`backfill.backfill_generations` inserts missing ones, so no request waits for the
batcher. Inserting eight at a time costs a fifth of inserting them one by one.
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

WRITE_EVERY_S = 0.05  # between two writes; the first one after a pause never waits
MAX_BUFFERED = 1000  # generations; beyond, requests insert their own


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
                target=self._run, name="gathering", daemon=True
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
                    backfill.insert_missing(rows)
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
    rows = backfill.generations_of(task, task.turn)
    # Tasks that reserve their tickets later are rare, and `count_stored` finds nothing
    # of theirs in the buffer: insert these at once.
    if not task.reserves_ticket_later and batcher.add(rows, task.lane, n):
        return
    with best_effort("generations"):
        backfill.insert_missing(rows)
    if n:
        enqueue_dispatch(task.lane, n)
