"""
Chores: what a consumer looks after beside its pictures, each in a thread of its own.

However long one of them takes, the pump and the others go on. What one run does is
bounded; where there is more, the next run comes soon.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from jimeng import migrations
from jimeng.documents import indexes
from jimeng.errors import outages
from jimeng.jobs import (
    counts,
    input_sweep,
    janitor,
    outbox,
    purge,
    repair,
    retention,
    webhooks,
)

SOON = 0.2  # seconds, where a run has left something
HANGS_AFTER = 60.0  # seconds: far more than any run takes


@dataclass
class Chore:
    """
    Attributes:
        every: Seconds between two runs.
        run: Returns whether it has left something that it could go on with.
        began: When the present run did, by `time.monotonic`; None between two.
        runs: How many have ended, well or not.
    """

    name: str
    every: float
    run: Callable[[], bool | None]
    began: float | None = None
    runs: int = 0

    @property
    def hangs(self) -> bool:
        began = self.began
        return began is not None and time.monotonic() > began + HANGS_AFTER

    def repeat(self, stopped: threading.Event) -> None:
        """Run until *stopped*; whatever goes wrong is logged and tried again."""
        while not stopped.wait(SOON if self.turn() else self.every):
            pass

    def turn(self) -> bool:
        self.began = time.monotonic()
        try:
            return bool(self.run())
        except Exception as error:  # the others and the next run go on
            outages.failed(f"chore {self.name}", error)
        finally:
            self.began = None
            self.runs += 1
        return False


def tend_indexes() -> bool:
    """Whether one is not as it should be: nothing may be sent until that is seen."""
    indexes.ensure_indexes()
    last = indexes.last_look()
    return last is None or bool(last.faults)


INDEXES = Chore("indexes", 15.0, tend_indexes)
CHORES = [
    INDEXES,
    Chore("plans", 5.0, janitor.complete_plans),
    Chore("mending", 20.0, repair.repair),
    Chore("deletions", 15.0, janitor.finish_deletions),
    Chore("trash", 30.0, purge.empty_trash),
    Chore("retention", 60.0, retention.keep_to_limits),
    Chore("room", 10.0, retention.watch_room),
    Chore("schema", 60.0, migrations.advance),
    Chore("unserved", 60.0, janitor.fail_unserved),
    Chore("files", 60.0, janitor.sweep_files),
    Chore("inputs", 30.0, input_sweep.sweep_inputs),
    Chore("input files", 60.0, input_sweep.sweep_files),
    Chore("figures", counts.EVERY, counts.counts.add_up),
    Chore("slots", counts.SAMPLE_EVERY_S, counts.sample_slots),
    Chore("days", 300.0, janitor.close_days),
    Chore("outbox", 1.0, outbox.sweep),
    Chore("webhooks", 1.0, webhooks.work_on),
]


def add(name: str, every: float, run: Callable[[], bool | None]) -> None:
    """Have *run* looked after by each consumer that starts from now on."""
    CHORES.append(Chore(name, every, run))


def start(stopped: threading.Event) -> None:
    for chore in CHORES:
        target, name = chore.repeat, f"chore-{chore.name}"
        threading.Thread(target=target, args=[stopped], name=name, daemon=True).start()


def stuck() -> list[str]:
    """The names of those whose run takes so long that it must be hanging."""
    found = [chore.name for chore in CHORES if chore.hangs]
    for name in found:
        outages.failed(
            f"chore {name}", TimeoutError(f"it takes over {HANGS_AFTER:g} s")
        )
    return found
