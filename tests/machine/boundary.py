"""Boundaries: the moments before and after each write, and what befalls there."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pymongo.collection import Collection
from pymongo.errors import AutoReconnect
from redis import Redis
from redis.exceptions import ConnectionError as RedisGone

from jimeng import documents
from jimeng.documents.base import Stored

AS = "find_one_and_update"  # which it is in all but name
WRITES = {
    "find_one_and_update": "change",
    "update_one": "change",
    "update_many": "change",
    "replace_one": "change",
    "bulk_write": "change",
    "insert_one": "insert",
    "insert_many": "insert",
    "find_one_and_delete": "remove",
    "delete_one": "remove",
    "delete_many": "remove",
}
CALLS = frozenset({"submit", "poll", "fetch"})


Moment = tuple[str, int]  # ``before tasks insert`` and such, and which of these
Befall = Callable[[str], None]


class Died(BaseException):
    """The process is gone: nothing of it catches this."""


@dataclass
class Frame:
    """
    One process at work: a request, a job, the pump or the janitor.

    Attributes:
        number: Of all that has begun; a later one began later.
        script: Boundary -> what befalls there.
        passed: How often it has been at each.
        dead: It died, and writes nothing more while the stack unwinds.
    """

    number: int
    script: Mapping[Moment, Befall]
    passed: Counter[str] = field(default_factory=Counter)
    dead: bool = False


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
    def process(self, script: Mapping[Moment, Befall] | None = None) -> Iterator[Frame]:
        """Be a process; one that begins at another's boundary runs beside it."""
        self._begun += 1
        self._frames.append(Frame(self._begun, {} if script is None else script))
        try:
            yield self._frames[-1]
        finally:
            self._frames.pop()

    def reach(self, place: str) -> None:
        """Be at *place*: ``before tasks insert``, ``after submit`` and such."""
        frame = self.frame
        if frame is None:
            return
        if frame.dead:
            raise Died(place)
        frame.passed[place] += 1
        befall = frame.script.get((place, frame.passed[place]))
        if befall is not None:
            befall(place)

    def die(self, place: str) -> None:
        """The process ends here."""
        assert self.frame is not None
        self.frame.dead = True
        raise Died(place)

    def break_off(self, place: str) -> None:
        """The connection breaks here, and the process is told so."""
        name = place.partition(" ")[2]
        if name == "enqueue":
            raise RedisGone(place)
        if name not in CALLS:
            raise AutoReconnect(place)

    def wrap(self, monkeypatch, owner: type, name: str, kind: str) -> None:
        """Make the calls of *owner*'s *name* boundaries."""
        original = getattr(owner, name)

        def wrapped(this, *args, **kwargs):
            called = f"{this.name} {kind}" if owner is Collection else kind
            return self._do(lambda: original(this, *args, **kwargs), called)

        monkeypatch.setattr(owner, name, wrapped)

    def noted(self, note: Callable, name: str) -> Callable:
        """The same of what is noted in a collection."""
        return lambda: self._do(note, f"{name} {WRITES[AS]}")

    def _do(self, act: Callable, called: str) -> object:
        self.reach(f"before {called}")
        result = act()
        self.reach(f"after {called}")
        return result


def wrap_note(monkeypatch, wrap: Callable[[Callable, str], Callable]) -> None:
    """
    Treat `Stored.upsert`, which is no method of a collection's, as if it were.

    Args:
        wrap: Makes of a function, and of the name of the collection that it changes,
            the one that stands in its place.
    """
    original = Stored.upsert.__func__  # type: ignore[attr-defined]

    def note(cls: type[Stored], *args: object) -> dict:
        name = cls.collection().name
        return wrap(lambda: original(cls, *args), name)()

    monkeypatch.setattr(Stored, "upsert", classmethod(note))


def wrap_writes(boundaries: Boundaries, monkeypatch) -> None:
    """All writes to MongoDB, and what is put into the queue."""
    for name, kind in WRITES.items():
        boundaries.wrap(monkeypatch, Collection, name, kind)
    wrap_note(monkeypatch, boundaries.noted)
    boundaries.wrap(monkeypatch, Redis, "lpush", "enqueue")
