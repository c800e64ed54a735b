"""
A consumer that has MongoDB, or itself, killed at its writes.

Before each write by the modules of ``KILLER_FILES`` it says what it is about to write
to ``KILLER_PORT``, and is told what to do first: nothing, or to wait until MongoDB is
killed, with the write stored or not, or to store it and die. It is stored by another
connection, so the answer to it is lost. It is a consumer of its own and not a fault of
the driver's: the connections break, and all threads see it.

With ``sweep`` as its argument it deletes files without a record, however young, and
ends.
"""

import os
import signal
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from multiprocessing.connection import Client

from pymongo import MongoClient, monitoring
from pymongo.errors import PyMongoError

from jimeng.jobs import janitor, video_fetching
from jimeng.serve.__main__ import main

AUTHKEY = b"killer"
WRITES = {"insert", "update", "findAndModify", "delete"}
FILES = tuple(os.environ.get("KILLER_FILES", "").split())
# Of a command, but for its connection and session.
SESSION = {"lsid", "txnNumber", "$db", "$clusterTime", "$readPreference"}


def functions() -> list[str]:
    """The functions of these modules that have led here, outermost first."""
    found, frame = [], sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename.endswith(FILES):
            found.append(frame.f_code.co_name)
        frame = frame.f_back
    return found[::-1]


class Teller(monitoring.CommandListener):
    def __init__(self, port: int) -> None:
        self._lock = threading.Lock()
        self._test = Client(("127.0.0.1", port), authkey=AUTHKEY)
        self._mongo: MongoClient = MongoClient(os.environ["MONGODB_URI"])

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        name = event.command_name
        where = functions() if name in WRITES else []
        if not where:
            return
        with self._lock:
            self._test.send(f"{name} {event.command[name]}: {' > '.join(where)}")
            state = self._test.recv()
            if state in ("stored", "dead"):
                command = {k: v for k, v in event.command.items() if k not in SESSION}
                with suppress(PyMongoError):
                    self._mongo[event.database_name].command(command)
            if state == "dead":
                os.kill(os.getpid(), signal.SIGKILL)
            self._test.send("ready")
            self._test.recv()

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def sweep() -> None:
    from app import create_app

    create_app()
    janitor.UNREFERENCED_AFTER = timedelta(0)
    janitor.sweep_files()


if __name__ == "__main__":
    if sys.argv[1:] == ["sweep"]:
        sweep()
        sys.exit()
    video_fetching.RENEW_EVERY_S = 0.0
    teller = Teller(int(os.environ["KILLER_PORT"]))
    monitoring.register(teller)
    sys.exit(main(["worker"]))
