"""
Periodic tasks of a consumer, each in a thread of its own.

A slow one does not delay the pump or the others. Each run is bounded; if work remains,
the next run follows after `RERUN_AFTER_S`.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from jimeng.documents import indexes, migrations
from jimeng.errors import outages
from jimeng.jobs import (
    budget_events,
    input_cleanup,
    janitor,
    metric_counters,
    purge,
    repair,
    retention,
    settlement,
    spending,
    video_fetching,
    webhook_deliveries,
    webhook_outbox,
)

RERUN_AFTER_S = 0.2  # if work remains after a run
HANG_TIMEOUT_S = 60.0  # far longer than any run takes


@dataclass
class PeriodicTask:
    """
    A function that runs periodically.

    Attributes:
        interval_s: Seconds between two runs.
        run: Returns whether work remains.
        began: Start of the current run, by `time.monotonic`; None between runs.
        runs: How many runs have ended, with or without an error.
    """

    name: str
    interval_s: float
    run: Callable[[], bool | None]
    began: float | None = None
    runs: int = 0

    @property
    def hangs(self) -> bool:
        began = self.began
        return began is not None and time.monotonic() > began + HANG_TIMEOUT_S

    def repeat(self, stopped: threading.Event) -> None:
        """Run until *stopped*; errors are logged, and the next run tries again."""
        while not stopped.wait(RERUN_AFTER_S if self.run_once() else self.interval_s):
            pass

    def run_once(self) -> bool:
        self.began = time.monotonic()
        try:
            return bool(self.run())
        except Exception as error:  # the next run tries again
            outages.failed(f"periodic task {self.name}", error)
        finally:
            self.began = None
            self.runs += 1
        return False


def check_indexes() -> bool:
    """Ensure all indexes; return whether one has a fault or none were checked yet."""
    indexes.ensure_indexes()
    last = indexes.last_check()
    return last is None or bool(last.faults)


INDEXES = PeriodicTask("indexes", 15.0, check_indexes)
PERIODIC_TASKS = [
    INDEXES,
    PeriodicTask("plans", 5.0, janitor.backfill_all_generations),
    PeriodicTask("mending", 20.0, repair.repair),
    PeriodicTask("deletions", 15.0, janitor.finish_deletions),
    PeriodicTask("trash", 30.0, purge.empty_trash),
    PeriodicTask("retention", 60.0, retention.apply_limits),
    PeriodicTask("room", 10.0, retention.watch_disk),
    PeriodicTask("schema", 60.0, migrations.advance),
    PeriodicTask("unserved", 60.0, janitor.fail_unserved),
    PeriodicTask("files", 60.0, janitor.sweep_files),
    PeriodicTask("temporary files", 600.0, video_fetching.sweep),
    PeriodicTask("inputs", 30.0, input_cleanup.sweep_inputs),
    PeriodicTask("input files", 60.0, input_cleanup.sweep_files),
    PeriodicTask(
        "figures", metric_counters.FLUSH_EVERY_S, metric_counters.counts.flush
    ),
    PeriodicTask("slots", metric_counters.SAMPLE_EVERY_S, metric_counters.sample_slots),
    PeriodicTask("days", 300.0, janitor.close_days),
    PeriodicTask("costs", 1.0, settlement.settle),
    PeriodicTask("budget", 60.0, spending.recount_installation),
    PeriodicTask(
        "budget events", budget_events.INTERVAL_S, budget_events.announce_budgets
    ),
    PeriodicTask("outbox", 1.0, webhook_outbox.sweep),
    PeriodicTask("webhooks", 1.0, webhook_deliveries.start_threads),
]


def add(name: str, interval_s: float, run: Callable[[], bool | None]) -> None:
    """Add a periodic task to each consumer that starts from now on."""
    PERIODIC_TASKS.append(PeriodicTask(name, interval_s, run))


def start(stopped: threading.Event) -> None:
    for periodic_task in PERIODIC_TASKS:
        target, name = periodic_task.repeat, f"task-{periodic_task.name}"
        threading.Thread(target=target, args=[stopped], name=name, daemon=True).start()


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
