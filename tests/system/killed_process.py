"""
A consumer, or a worker of the web server, that is killed at its writes, or has MongoDB
killed.

Before each write by the modules of ``KILLER_FILES``, parts of their paths, it says what
it is about to write to ``KILLER_PORT``, and is told what to do first: nothing; to die,
before or after the write is stored; or to wait until MongoDB is killed, with the write
stored or not. It is stored by another connection, so the answer to it is lost. It is a
process of its own and not a fault of the driver's: the connections break, and all
threads see it.

In a worker of the web server `web_conf.py` begins it. With
``sweep`` as its argument it deletes files without a record, however young, and ends.
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

WRITES = {"insert", "update", "findAndModify", "delete"}
FILES = tuple(os.environ.get("KILLER_FILES", "").split())
# Of a command, but for its connection and session.
SESSION = {"lsid", "txnNumber", "$db", "$clusterTime", "$readPreference"}
RENEW_EVERY_S = 0.02


def functions() -> list[str]:
    """The functions of these modules that have led here, outermost first."""
    found, frame = [], sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if any(part in code.co_filename for part in FILES):
            found.append(code.co_name)
        frame = frame.f_back
    return found[::-1]


class Teller(monitoring.CommandListener):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._test = Client(("127.0.0.1", int(os.environ["KILLER_PORT"])))
        os.set_blocking(self._test.fileno(), True)  # gevent's sockets are not
        self._mongo: MongoClient = MongoClient(os.environ["MONGODB_URI"])

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        name = event.command_name
        where = functions() if name in WRITES else []
        if not where:
            return
        with self._lock:
            self._test.send(f"{name} {event.command[name]}: {' > '.join(where)}")
            is_stored, dies = self._test.recv()
            if is_stored:
                command = {k: v for k, v in event.command.items() if k not in SESSION}
                with suppress(PyMongoError):
                    self._mongo[event.database_name].command(command)
            if dies:
                os.kill(os.getpid(), signal.SIGKILL)
            self._test.send("ready")
            self._test.recv()

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def sweep() -> None:
    from app import create_app
    from jimeng.upkeep import janitor

    create_app()
    janitor.UNREFERENCED_AFTER = timedelta(0)
    janitor.sweep_files()


def consume() -> None:
    from huey.bin.huey_consumer import consumer_main

    from jimeng.config import server
    from jimeng.jobs import video_fetching

    video_fetching.RENEW_EVERY_S = RENEW_EVERY_S
    monitoring.register(Teller())
    sys.argv = ["huey_consumer", *server.WORKER[2:]]
    consumer_main()


if __name__ == "__main__":
    sweep() if sys.argv[1:] == ["sweep"] else consume()
