"""Boundaries: the moments before and after each write, and what befalls there."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pymongo.collection import Collection
from pymongo.errors import AutoReconnect
from redis.exceptions import ConnectionError as RedisGone

from jimeng import documents, jobs

WRITES = [
    "find_one_and_update",
    "find_one_and_delete",
    "update_one",
    "update_many",
    "insert_one",
    "insert_many",
    "delete_one",
    "delete_many",
]
CALLS = frozenset({"submit", "poll", "fetch"})


class Died(BaseException):
    """The process is gone: nothing of it catches this."""


@dataclass
class Frame:
    """
    One process at work: a request, a job, the pump or the janitor.

    Attributes:
        number: Of all that has begun; a later one began later.
        script: Boundary number -> what befalls there.
        passed: Boundaries so far.
        dead: It died, and writes nothing more while the stack unwinds.
        trail: The names of the boundaries so far.
    """

    number: int
    script: Mapping[int, Callable[[str, str], None]]
    passed: int = 0
    dead: bool = False
    trail: list[str] = field(default_factory=list)


class Clock:
    """A time that only the test moves, and each look at it by a millisecond."""

    def __init__(self, monkeypatch) -> None:
        self._now = documents.utcnow()
        original = documents.utcnow
        for name, module in list(sys.modules.items()):
            is_ours = name.partition(".")[0] == "jimeng"
            if is_ours and getattr(module, "utcnow", None) is original:
                monkeypatch.setattr(module, "utcnow", self.now)

    def now(self) -> datetime:
        self._now += timedelta(milliseconds=1)
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class Boundaries:
    """Counts the boundaries that a process passes, and plays its script at them."""

    def __init__(self) -> None:
        self._frames: list[Frame] = []
        self._begun = 0

    @property
    def frame(self) -> Frame | None:
        return self._frames[-1] if self._frames else None

    @property
    def begun(self) -> int:
        """How many processes have begun."""
        return self._begun

    @contextmanager
    def process(
        self, script: Mapping[int, Callable[[str, str], None]] | None = None
    ) -> Iterator[Frame]:
        """Be a process; one that begins at another's boundary runs beside it."""
        self._begun += 1
        self._frames.append(Frame(self._begun, {} if script is None else script))
        try:
            yield self._frames[-1]
        finally:
            self._frames.pop()

    def reach(self, name: str, side: str) -> None:
        frame = self.frame
        if frame is None:
            return
        if frame.dead:
            raise Died(name)
        frame.passed += 1
        frame.trail.append(f"{frame.passed} {side} {name}")
        befall = frame.script.get(frame.passed)
        if befall is not None:
            befall(name, side)

    def die(self, name: str, side: str) -> None:
        """The process ends here."""
        assert self.frame is not None
        self.frame.dead = True
        raise Died(f"{side} {name}")

    def break_off(self, name: str, side: str) -> None:
        """The connection breaks here, and the process is told so."""
        if name == "enqueue":
            raise RedisGone(f"{side} {name}")
        if name not in CALLS:
            raise AutoReconnect(f"{side} {name}")

    def wrap(self, monkeypatch, owner: object, name: str, called: str = "") -> None:
        """Make the calls of *owner*'s *name* boundaries."""
        original = getattr(owner, name)

        def wrapped(*args, **kwargs):
            self.reach(called or name, "before")
            result = original(*args, **kwargs)
            self.reach(called or name, "after")
            return result

        monkeypatch.setattr(owner, name, wrapped)


def wrap_writes(boundaries: Boundaries, monkeypatch) -> None:
    """All writes to MongoDB, and what is put into the queue."""
    for name in WRITES:
        boundaries.wrap(monkeypatch, Collection, name)
    boundaries.wrap(monkeypatch, type(jobs.huey), "enqueue")
