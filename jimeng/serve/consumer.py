"""Huey's consumer, which finishes its jobs on shutdown however many signals arrive."""

import importlib
import logging
import os
import signal
import time
from types import FrameType
from typing import NoReturn

from huey.consumer import Consumer
from pymongo.errors import PyMongoError

from jimeng.config import Config, logs
from jimeng.documents import migrations
from jimeng.jobs.metric_counters import counts
from jimeng.operations import backup

log = logging.getLogger(__name__)

WORKERS = 8  # threads; `jobs.submission.MAX_SYNCHRONOUS_CALLS` depends on them


class PatientConsumer(Consumer):
    """
    On SIGTERM or SIGHUP, finish the running jobs, for at most ``SHUTDOWN_GRACE``.

    Huey's own consumer interrupts its jobs at a second SIGTERM, which leaves
    submissions in an unknown state. But a second one is normal: systemd signals the
    whole process group, and a parent forwards the signal.
    """

    def start(self) -> None:
        # Huey sets them after starting its threads, which may have a job by then.
        self._set_signal_handlers()
        super().start()

    def _handle_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signum = number
        self._restart, self._graceful = False, number != signal.SIGINT


def run(config: Config) -> NoReturn:
    """Run the jobs of ``wsgi.huey`` until a signal, then exit the process."""
    logs.setup(config)
    huey = importlib.import_module("wsgi").huey
    if data_id := os.environ.get("JIMENG_DATA_PLACE"):
        await_recognition(data_id)
    PatientConsumer(
        huey,
        workers=WORKERS,
        worker_type="thread",
        periodic=False,
        graceful_signal="TERM",
        shutdown_timeout=config.SHUTDOWN_GRACE,
    ).run()
    counts.flush()
    # A normal exit would wait for threads that are blocked on a database outage.
    os._exit(logs.REFUSED if migrations.is_known_too_old() else 0)


def await_recognition(data_id: str) -> None:
    """Wait until it is known whether the data are a copy; nothing is sent before."""
    while True:
        try:
            backup.recognise(data_id)
            return
        except PyMongoError as error:
            log.warning("not known yet whether the data are a copy: %s", error)
            time.sleep(1)
