"""
A consumer dies just before or after each of its writes and calls, one after another.

Whatever the moment: every task ends, no slot stays taken, nothing is submitted twice,
and only a death around the submission itself leaves anything unknown.
"""

import contextlib
from collections import Counter
from datetime import timedelta

import gridfs
import pytest
from pymongo.collection import Collection
from redis import Redis

from jimeng import jobs, lanes
from jimeng.documents import Generation, Image, Task
from jimeng.jobs import janitor, pump
from tests.conftest import FakeProvider, come_due, run_queue
from tests.test_core import create, refusal

WRITES = [
    "find_one_and_update",
    "find_one_and_delete",
    "update_one",
    "update_many",
    "insert_one",
    "insert_many",
    "delete_one",
]


class Died(BaseException):
    """The process is gone: nothing of it catches this."""


class Reaper:
    """Counts writes and calls, and lets the process die at one of them."""

    def __init__(self, monkeypatch) -> None:
        self.count = 0
        self.at: tuple[int, str] | None = None
        self.seen: list[str] = []
        self.armed = False
        for name in WRITES:
            self._wrap(monkeypatch, Collection, name)
        self._wrap(monkeypatch, gridfs.GridFSBucket, "upload_from_stream")
        self._wrap(monkeypatch, FakeProvider, "submit")
        self._wrap(monkeypatch, FakeProvider, "poll")
        self._wrap(monkeypatch, Redis, "lpush")

    def _wrap(self, monkeypatch, owner: type, name: str) -> None:
        original = getattr(owner, name)

        def wrapped(this, *args, **kwargs):
            if not self.armed:
                return original(this, *args, **kwargs)
            self.count += 1
            number = self.count
            self.seen.append(f"{number} {name} {getattr(this, 'name', '')}")
            self.die_if((number, "before"))
            result = original(this, *args, **kwargs)
            self.die_if((number, "after"))
            return result

        monkeypatch.setattr(owner, name, wrapped)

    def die_if(self, moment: tuple[int, str]) -> None:
        if self.at == moment:
            self.armed = False
            raise Died(moment)


def consume(reaper: Reaper) -> None:
    """Work until all is done, beginning anew after a death, time moving on."""
    for _ in range(60):
        lanes.forget()
        try:
            pump.tick()
            run_queue()
        except Died:
            jobs.huey.storage.flush_queue()  # what was in flight is lost
            reaper.at = None
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


def run_once(client, reaper, provider, at, monkeypatch) -> None:
    create(client, n=2, seed=100)
    reaper.at, reaper.count, reaper.seen, reaper.armed = at, 0, [], True
    consume(reaper)
    reaper.armed = False
    monkeypatch.setattr(janitor, "UNREFERENCED", timedelta(days=-1))
    janitor.sweep_files()
    files = jobs.runtime().store.saved_before
    assert set(files(janitor.utcnow() + timedelta(days=1), after=None, limit=99)) == {
        file_id
        for image in Image.objects
        for file_id in (image.file_id, image.thumbnail_id)
    }
    check(provider, f"{at}: {reaper.seen[-3:]}")


@pytest.fixture
def reaper(database, monkeypatch) -> Reaper:
    return Reaper(monkeypatch)


def test_undisturbed_work_is_complete(client, reaper, provider, monkeypatch):
    """Without a death everything is done, in a number of steps worth dying at."""
    run_once(client, reaper, provider, (0, "before"), monkeypatch)

    assert 20 < reaper.count < 54
    assert Task.objects.first().status == "completed"


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 54))
def test_death_at_any_moment_loses_and_repeats_nothing(
    client, reaper, provider, monkeypatch, number, side
):
    """One death, at the write or call of that number."""
    run_once(client, reaper, provider, (number, side), monkeypatch)


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 31))
def test_death_of_the_request_leaves_no_half_task(
    client, reaper, provider, number, side
):
    """The web server dies while it creates: there is no task, or one that ends."""
    reaper.at, reaper.armed = (number, side), True
    with contextlib.suppress(Died):
        create(client, n=2, seed=100)
    reaper.armed = False

    Task.collection().update_many(
        {}, [{"$set": {"created_at": {"$subtract": ["$created_at", 60_000]}}}]
    )
    janitor.complete_plans()
    consume(reaper)

    check(provider, f"{number} {side}")
    assert {task.status for task in Task.objects} <= {"completed"}


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 61, 2))
def test_death_around_refusals_loses_and_repeats_nothing(
    client, reaper, provider, monkeypatch, number, side
):
    """The same, while the provider is full and its polls fail."""
    from jimeng.documents import Lane

    busy = refusal("concurrency_limited", transient=True)
    provider.submits = [busy, busy]
    provider.polls = [refusal("provider_internal", transient=True)]
    monkeypatch.setattr(lanes.record, "BACK_OFF", 0.0)
    Lane.objects.delete()
    create(client, n=2, seed=100)
    reaper.at, reaper.count, reaper.armed = (number, side), 0, True

    consume(reaper)

    sent = Counter(request.seed for request in provider.requests)
    assert sum(sent.values()) <= 4
    provider.requests.clear()
    check(provider, f"{number} {side}")
