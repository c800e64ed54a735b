"""
Periodic tasks of a consumer, run by a few threads.

What uses a store has threads of its own, so that a store that hangs delays nothing
else; so has what settles, announces and delivers. Each run is bounded; if work remains,
the next run follows after `RERUN_AFTER_S`. While the process is idle no task runs more
often than every `activity.IDLE_INTERVAL_S`.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from jimeng.billing import settlement, spending
from jimeng.documents import indexes, migrations
from jimeng.errors import outages
from jimeng.jobs import (
    metric_counters,
    video_fetching,
)
from jimeng.process import activity, metric_counts
from jimeng.webhooks import budget_events, deliveries, outbox

RERUN_AFTER_S = 0.2  # if work remains after a run
HANG_TIMEOUT_S = 60.0  # far longer than any run takes


class Group(StrEnum):
    """What has threads of its own."""

    PROMPT = "prompt"  # settles, announces or delivers
    STORE = "store"  # may wait for a file system or S3
    OTHER = "other"


THREADS = {Group.PROMPT: 2, Group.STORE: 4, Group.OTHER: 3}


@dataclass
class PeriodicTask:
    """
    A function that runs periodically.

    Attributes:
        interval_s: Seconds between two runs.
        run: Returns whether work remains.
        began: Start of the current run, by `time.monotonic`; None between runs.
        runs: How many runs have ended, with or without an error.
        ended: End of the latest run, by `time.monotonic`.
        remains: What the latest run has returned.
    """

    name: str
    interval_s: float
    run: Callable[[], bool | None]
    group: Group = Group.OTHER
    began: float | None = None
    runs: int = 0
    ended: float = 0.0
    remains: bool = True

    @property
    def hangs(self) -> bool:
        began = self.began
        return began is not None and time.monotonic() > began + HANG_TIMEOUT_S

    @property
    def due_at(self) -> float:
        """By `time.monotonic`; earlier once the process is idle no more."""
        if self.remains:
            return self.ended + RERUN_AFTER_S
        idle = activity.IDLE_INTERVAL_S if activity.is_idle() else 0.0
        return self.ended + max(self.interval_s, idle)

    def run_once(self) -> bool:
        """Errors are logged, and the next run tries again."""
        self.began, self.remains = time.monotonic(), False
        try:
            self.remains = bool(self.run())
        except Exception as error:  # the next run tries again
            outages.failed(f"periodic task {self.name}", error)
        finally:
            self.ended = time.monotonic()
            self.began = None
            self.runs += 1
        return self.remains


class Pool:
    """
    Threads that share the periodic tasks of a group: whichever has waited longest.

    Args:
        stopped: Ends the threads, after `wake`.
    """

    def __init__(self, tasks: Iterable[PeriodicTask], stopped: threading.Event) -> None:
        self._waiting = list(tasks)
        self._stopped = stopped
        self._changed = threading.Condition()

    def wake(self) -> None:
        """Look again at what is due."""
        with self._changed:
            self._changed.notify_all()

    def serve(self) -> None:
        """The body of a thread."""
        while (task := self._take()) is not None:
            task.run_once()
            with self._changed:
                self._waiting.append(task)
                self._changed.notify()  # whoever waits does not know of this one

    def _take(self) -> PeriodicTask | None:
        """Wait for a task that is due; None when stopped."""
        with self._changed:
            while not self._stopped.is_set():
                wait = None
                if self._waiting:
                    first = min(self._waiting, key=lambda each: each.due_at)
                    wait = first.due_at - time.monotonic()
                    if wait <= 0:
                        self._waiting.remove(first)
                        return first
                self._changed.wait(wait)
        return None


def check_indexes() -> bool:
    """
    Ensure all indexes.

    Returns:
        Whether one has a fault, or none were checked yet.
    """
    last = indexes.last_check()
    indexes.ensure_indexes()
    return last is None or bool(last.faults)


INDEXES = PeriodicTask("indexes", 15.0, check_indexes)
PERIODIC_TASKS = [
    INDEXES,
    PeriodicTask("schema", 60.0, migrations.advance),
    PeriodicTask("temporary files", 600.0, video_fetching.sweep, Group.STORE),
    PeriodicTask("figures", metric_counts.FLUSH_EVERY_S, metric_counts.counts.flush),
    PeriodicTask("slots", metric_counters.SAMPLE_EVERY_S, metric_counters.sample_slots),
    PeriodicTask("hours", 3600.0, settlement.forget_hours),
    PeriodicTask("costs", 1.0, settlement.settle, Group.PROMPT),
    PeriodicTask("budget", 60.0, spending.recount_shared),
    PeriodicTask(
        "budget events", budget_events.INTERVAL_S, budget_events.announce_budgets
    ),
    PeriodicTask("outbox", 1.0, outbox.sweep, Group.PROMPT),
    PeriodicTask("webhooks", 1.0, deliveries.start_threads, Group.PROMPT),
    PeriodicTask("videos", 1.0, video_fetching.start_threads, Group.PROMPT),
]


def add(
    name: str,
    interval_s: float,
    run: Callable[[], bool | None],
    group: Group = Group.OTHER,
) -> None:
    """Add a periodic task to each consumer that starts from now on."""
    PERIODIC_TASKS.append(PeriodicTask(name, interval_s, run, group))


def start(stopped: threading.Event) -> None:
    for group, count in THREADS.items():
        tasks = [each for each in PERIODIC_TASKS if each.group is group]
        pool = Pool(tasks, stopped)
        activity.listen(pool.wake)
        for number in range(1, count + 1):
            name = f"tasks-{group}-{number}"
            threading.Thread(target=pool.serve, name=name, daemon=True).start()


def stuck() -> list[str]:
    """The names of the tasks whose current run exceeds `HANG_TIMEOUT_S`."""
    names = [
        periodic_task.name for periodic_task in PERIODIC_TASKS if periodic_task.hangs
    ]
    for name in names:
        outages.failed(
            f"periodic task {name}", TimeoutError(f"it takes over {HANG_TIMEOUT_S:g} s")
        )
    return names
