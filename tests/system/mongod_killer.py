"""
A consumer that has MongoDB killed at writes of its webhooks.

Before each write of the outbox or of a delivery it says what it is about to write to
``KILLER_PORT``, and is told what to do first: nothing, or to wait until MongoDB is
killed, with the write stored or not. It is stored by another connection, so the answer
to it is lost. It is a consumer of its own and not a fault of the driver's: the
connections break, and all threads see it.
"""

import os
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Client

from pymongo import MongoClient, monitoring
from pymongo.errors import PyMongoError

from jimeng.serve.__main__ import main

AUTHKEY = b"killer"
WRITES = {"insert", "update", "findAndModify", "delete"}
FILES = ("webhook_outbox.py", "webhook_deliveries.py", "batches/events.py")
# Of a command, but for its connection and session.
SESSION = {"lsid", "txnNumber", "$db", "$clusterTime", "$readPreference"}


def functions() -> list[str]:
    """The functions of webhooks that have led here, outermost first."""
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
            if state == "stored":
                command = {k: v for k, v in event.command.items() if k not in SESSION}
                with suppress(PyMongoError):
                    self._mongo[event.database_name].command(command)
            self._test.send("ready")
            self._test.recv()

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


if __name__ == "__main__":
    teller = Teller(int(os.environ["KILLER_PORT"]))
    monitoring.register(teller)
    sys.exit(main(["worker"]))
