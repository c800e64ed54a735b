"""Kill a process, or its MongoDB, at each kind of write that it makes."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, Listener

import pytest

from tests.databases import Mongo, kill, revive
from tests.system.stack import Stack

# How MongoDB is killed: with the write lost, or stored and only its answer lost.
LOST, STORED = "lost", "stored"
# How the process is: before the write, or after it was stored.
DEAD_BEFORE, DEAD_AFTER = "dead before", "dead after"


@pytest.fixture
def mongo(tmp_path_factory) -> Iterator[Mongo]:
    """One that may die."""
    made = Mongo(tmp_path_factory.mktemp("killed_mongo"))
    made.start()
    yield made
    made.stop()


class Killer(threading.Thread):
    """
    Kills at each kind of write that a process is about to make, once in each way.
    MongoDB it starts again.

    Args:
        files: The modules of the process's writes, as parts of their paths.
        ways: How each kind of write dies, in order.
        kind_of: The kind of a write, or None if it is not to die; by default each way
            that leads to it is another.
        mongo: The one that is killed.

    Attributes:
        deaths: The kinds and ways, in order.
        seen: How often each kind was to come while nothing died.
        is_armed: Whether anything dies yet.
    """

    def __init__(
        self,
        files: tuple[str, ...],
        ways: tuple[str, ...] = (DEAD_BEFORE, DEAD_AFTER),
        kind_of: Callable[[str], str | None] = str,
        mongo: Mongo | None = None,
    ) -> None:
        super().__init__(daemon=True)
        self.deaths: list[tuple[str, str]] = []
        self.seen: Counter[str] = Counter()
        self.is_armed = False
        self._mongo, self._ways, self._kind_of = mongo, ways, kind_of
        self._listener = Listener(("127.0.0.1", 0))
        self.settings = {
            "KILLER_PORT": str(self._listener.address[1]),
            "KILLER_FILES": " ".join(files),
        }
        self.start()

    def start_consumer(self, stack: Stack) -> None:
        """Errors reach the consumer's own code, and not only the driver's retries."""
        uri = f"{stack.env['MONGODB_URI']}&retryWrites=false"
        words = ["-m", "tests.system.killed_process"]
        stack.start_consumer(words, MONGODB_URI=uri, **self.settings)

    def run(self) -> None:
        with self._listener:
            while True:
                with self._listener.accept() as process, suppress(EOFError, OSError):
                    while True:
                        self._answer(process)

    def _answer(self, process: Connection) -> None:
        way = self.next_way(process.recv())
        process.send((way in (STORED, DEAD_AFTER), way in (DEAD_BEFORE, DEAD_AFTER)))
        process.recv()
        if way is not None and self._mongo is not None:
            kill(self._mongo)
        process.send("go on")
        if way is not None and self._mongo is not None:
            revive(self._mongo)

    def next_way(self, write: str) -> str | None:
        kind = self._kind_of(write)
        if kind is None:
            return None
        if not self.is_armed:
            self.seen[kind] += 1
            return None
        for way in self._ways:
            if (kind, way) not in self.deaths:
                self.deaths.append((kind, way))
                return way
        return None

    @contextmanager
    def noted(self) -> Iterator[None]:
        """What fails in it says what has died before."""
        try:
            yield
        except AssertionError as error:
            error.add_note(f"killed at {self.deaths}")
            raise

    def missing(self, times: int = 1) -> set[tuple[str, str]]:
        """Which of what it has seen so often has not died yet."""
        kinds = [kind for kind, count in self.seen.items() if count >= times]
        return {(kind, way) for kind in kinds for way in self._ways} - {*self.deaths}
