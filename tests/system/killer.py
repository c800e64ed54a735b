"""Kill MongoDB, or a consumer, at each kind of write that the consumer makes."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, Listener

from tests.databases import Mongo
from tests.system import mongod_killer
from tests.system.stack import Stack
from tests.waiting import PATIENCE_S

LOST, STORED, DEAD = "lost", "stored", "dead"


class Killer(threading.Thread):
    """
    Kills MongoDB at each kind of write that a consumer is about to make, and starts it
    again: once with the write `LOST`, once with it `STORED` and only its answer lost.
    Or it kills the consumer as that has stored it: `DEAD`.

    Args:
        files: The modules of the consumer's writes, as the ends of their paths.
        ways: How each kind of write dies, in order.
        is_meant: Whether a kind of write is to die.

    Attributes:
        deaths: The kinds and ways, in order.
        is_armed: Whether anything dies yet.
    """

    def __init__(
        self,
        mongo: Mongo,
        files: tuple[str, ...],
        ways: tuple[str, ...] = (LOST, STORED),
        is_meant: Callable[[str], bool] = bool,
    ) -> None:
        super().__init__(daemon=True)
        self.deaths: list[tuple[str, str]] = []
        self.is_armed = False
        self._mongo, self._files, self._ways = mongo, files, ways
        self._is_meant = is_meant
        self._listener = Listener(("127.0.0.1", 0), authkey=mongod_killer.AUTHKEY)
        self._port: int = self._listener.address[1]
        self.start()

    def start_consumer(self, stack: Stack) -> None:
        """Errors reach the consumer's own code, and not only the driver's retries."""
        stack.start_consumer(
            ["-m", "tests.system.mongod_killer"],
            MONGODB_URI=f"{self._mongo.uri}&retryWrites=false",
            KILLER_PORT=str(self._port),
            KILLER_FILES=" ".join(self._files),
        )

    def run(self) -> None:
        with self._listener:
            while True:
                with self._listener.accept() as consumer, suppress(EOFError, OSError):
                    while True:
                        self._answer(consumer)

    def _answer(self, consumer: Connection) -> None:
        way = self.next_way(consumer.recv())
        consumer.send(way)
        consumer.recv()
        if way is not None:
            self._mongo.child.kill()
        consumer.send("go on")
        if way is not None:
            self._mongo.spawn()
            assert self._mongo.await_ready(time.monotonic() + PATIENCE_S)

    def next_way(self, write: str) -> str | None:
        if self.is_armed and self._is_meant(write):
            for way in self._ways:
                if (write, way) not in self.deaths:
                    self.deaths.append((write, way))
                    return way
        return None
