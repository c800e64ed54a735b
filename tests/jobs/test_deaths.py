"""
A process dies just before each of its writes and calls, one after another.

Whatever the moment: every task ends, no slot stays taken, nothing is submitted twice,
and only a death around the submission itself leaves anything unknown.

How many moments there are, the code decides: the same is done again and again, with a
death one moment later, until it is done before that moment comes. What is done between
two of them leaves nothing outside the process, and what waits in Redis is lost with
each death: to die right after a write is to die before the next. A write that the same
lines make a second time, as for the next picture of a task, is of a kind that somebody
died at: nobody dies there again.
"""

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from pymongo.database import Database

from jimeng import jobs, lanes
from jimeng.documents import Generation, Image, Task
from jimeng.documents.image import files_of
from jimeng.jobs import pump
from jimeng.upkeep import janitor
from tests.conftest import FakeProvider, begin_anew, come_due, run_queue
from tests.forgetting import forget_lanes
from tests.jobs.test_gathering import half_a_minute_later
from tests.machine.boundary import Boundaries, Died, wrap_writes
from tests.test_core import create, refusal

TOO_MANY = 200  # moments: work that never ends


def lines() -> tuple[str, ...]:
    """Those that led here, as ``/jimeng/jobs/pump.py:reserve:9``: the kind of write."""
    found, frame = [], sys._getframe(1)
    while frame is not None:
        _, product, file = frame.f_code.co_filename.rpartition("/jimeng/")
        if product:
            found.append(f"{product}{file}:{frame.f_code.co_name}:{frame.f_lineno}")
        frame = frame.f_back
    return tuple(found)


class Reaper(Boundaries):
    """
    Counts writes and calls, and lets the process die at one of them.

    Attributes:
        died_at: Kinds of writes at which nobody dies again; None: at each again.
        within: Parts of lines; nobody dies where none of these has led.
    """

    def __init__(self, monkeypatch) -> None:
        super().__init__()
        self.count = 0
        self.at: int | None = None
        self.died_at: set | None = None
        self.within: tuple[str, ...] = ("",)
        self.seen: list[str] = []
        self.armed = False
        self.killed = False
        wrap_writes(self, monkeypatch)
        for name in ("submit", "poll"):
            self._wrap(monkeypatch, FakeProvider, name)

    def _wrap(self, monkeypatch, owner: type, name: str) -> None:
        self.wrap(monkeypatch, owner, name, name)

    def reach(self, place: str) -> None:
        if self.armed and place.startswith("before"):
            number = self.count = self.count + 1
            self.seen.append(f"{number} {place}")
            self.die_if(number)

    def arm(self, number: int) -> None:
        """Begin to count, and let the process die before that write or call."""
        self.at, self.count, self.seen, self.armed = number, 0, [], True
        self.killed = False

    def disarm(self) -> None:
        self.at, self.armed = None, False

    def die_if(self, number: int) -> None:
        if self.at is None or number < self.at:
            return
        if self.died_at is not None:
            kind = lines()
            is_meant = any(part in line for line in kind for part in self.within)
            if kind in self.died_at or not is_meant:
                return
            self.died_at.add(kind)
        self.disarm()
        self.killed = True
        raise Died(number)


@dataclass
class Afresh:
    """An empty database and a provider that was not asked for anything, each time."""

    reaper: Reaper
    database: Database
    provider: FakeProvider

    def each_moment(
        self, *, least: int, within: tuple[str, ...] = ("",)
    ) -> Iterator[int]:
        """
        Numbers of a write or call, 1 and up, at which the caller lets somebody die, or
        at the next of a new kind.

        The last is the first after which there is none.

        Args:
            least: How many kinds there are, if it is done as it has to be done.
            within: As the reaper's: what else is done, others die at.

        Raises:
            AssertionError: there are fewer, or it never ends.
        """
        self.reaper.died_at, self.reaper.within, number = set(), within, 1
        while number < TOO_MANY:
            begin_anew(self.database)
            self.provider.__init__()  # the registry goes on to hold it
            yield number
            self.reaper.disarm()
            if not self.reaper.killed:
                assert least <= len(self.reaper.died_at), self.reaper.seen
                return
            number = self.reaper.count + 1
        raise AssertionError(f"never done; {self.reaper.seen[-5:]}")


def consume(reaper: Reaper) -> None:
    """Work until all is done, beginning anew after a death, time moving on."""
    for _ in range(60):
        forget_lanes()
        try:
            pump.tick()
            run_queue()
        except Died:
            jobs.huey.storage.flush_queue()  # what was in flight is lost
        reaper.armed = False
        come_due()
        if not Generation.collection().count_documents({"due_at": {"$exists": True}}):
            waiting = Generation.collection().count_documents({"state": "queued"})
            if not waiting:
                return
        reaper.armed = reaper.at is not None
    raise AssertionError(f"not settled; {reaper.seen[-5:]}")


def check(provider: FakeProvider, where: str) -> None:
    """What holds after every death."""
    assert [t.status for t in Task.objects if t.is_open] == [], where
    assert Generation.collection().count_documents({"slot": {"$exists": True}}) == 0
    sent = Counter(request.seed for request in provider.requests)
    assert max(sent.values(), default=0) <= 1, where
    for task in Task.objects:
        codes = {error["code"] for error in task.failures.values()}
        assert codes <= {"submit_unknown"}, where
        kept = Image.collection().count_documents({"task_id": task.id})
        assert kept == len(task.done), where
        assert len(task.done) + len(task.failures) == task.n, where


def go_on(reaper: Reaper) -> None:
    """What a request has begun and left is found a minute later, and worked off."""
    half_a_minute_later()
    consume(reaper)


@pytest.fixture
def reaper(database, monkeypatch) -> Reaper:
    return Reaper(monkeypatch)


@pytest.fixture
def afresh(reaper, database, provider) -> Afresh:
    return Afresh(reaper, database, provider)


def check_files(monkeypatch) -> None:
    """After the sweep there are the files of the pictures, and no others."""
    with monkeypatch.context() as patched:
        patched.setattr(janitor, "UNREFERENCED_AFTER", timedelta(days=-1))
        janitor.sweep_files()
    files = jobs.runtime().store.saved_before
    assert set(files(janitor.utcnow() + timedelta(days=1), after=None, limit=99)) == {
        file_id for image in Image.collection().find() for file_id in files_of(image)
    }


def test_death_at_any_moment_loses_and_repeats_nothing(
    client, reaper, afresh, provider, monkeypatch
):
    """One death, at each write or call; with none left, everything is done."""
    for number in afresh.each_moment(least=20):
        create(client, n=2, seed=100)
        reaper.arm(number)

        consume(reaper)

        reaper.disarm()
        check_files(monkeypatch)
        check(provider, f"{number}: {reaper.seen[-3:]}")

    assert Task.objects.first().status == "completed"


def test_death_of_the_request_leaves_no_half_task(client, reaper, afresh, provider):
    """The web server dies while it creates: there is no task, or one that ends."""
    for number in afresh.each_moment(least=2):
        reaper.arm(number)
        with contextlib.suppress(Died):
            create(client, n=2, seed=100)
        reaper.disarm()

        go_on(reaper)

        check(provider, str(number))
        assert {task.status for task in Task.objects} <= {"completed"}


def test_death_around_refusals_loses_and_repeats_nothing(
    client, reaper, afresh, provider, monkeypatch
):
    """The same at what follows while the provider is full and its polls fail."""
    busy = refusal("concurrency_limited", transient=True)
    monkeypatch.setattr(lanes.limits, "BACK_OFF_S", 0.0)
    steps = ("picture.py:submission_failed", "picture.py:poll_failed")
    for number in afresh.each_moment(least=5, within=(*steps, "/lanes/limits.py")):
        provider.submits = [busy, busy]
        provider.polls = [refusal("provider_internal", transient=True)]
        create(client, n=2, seed=100)
        reaper.arm(number)

        consume(reaper)

        sent = Counter(request.seed for request in provider.requests)
        assert sum(sent.values()) <= 4
        provider.requests.clear()
        check(provider, str(number))
