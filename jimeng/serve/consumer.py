"""A consumer: Huey's, that finishes what it holds however often it is told to stop."""

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

WORKERS = 8  # threads; `config.MAX_SYNCHRONOUS` counts on them


class PatientConsumer(Consumer):
    """
    Told by SIGTERM or SIGHUP it finishes its jobs, for at most ``SHUTDOWN_GRACE``.

    Huey's own takes a second SIGTERM for impatience and interrupts them, and then
    nobody knows what was being submitted. But systemd sends it to a whole group, in
    which a parent passes it on.
    """

    def start(self) -> None:
        # Huey listens only once its threads run, and by then they may have a job.
        self._set_signal_handlers()
        super().start()

    def _handle_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signum = number
        self._restart, self._graceful = False, number != signal.SIGINT


def run(config: Config) -> NoReturn:
    """Run the jobs of ``wsgi.huey`` until told to stop, then end the process."""
    logs.setup(config)
    huey = importlib.import_module("wsgi").huey
    if place := os.environ.get("JIMENG_DATA_PLACE"):
        await_recognition(place)
    PatientConsumer(
        huey,
        workers=WORKERS,
        worker_type="thread",
        periodic=False,
        graceful_signal="TERM",
        shutdown_timeout=config.SHUTDOWN_GRACE,
    ).run()
    counts.flush()
    # Python would wait for the threads that ask a database which is away.
    os._exit(logs.REFUSED if migrations.is_known_too_old() else 0)


def await_recognition(place: str) -> None:
    """Whether the data are a copy has to be known before anything of them is sent."""
    while True:
        try:
            backup.recognise(place)
            return
        except PyMongoError as error:
            log.warning("not known yet whether the data are a copy: %s", error)
            time.sleep(1)
