"""
A process dies before each of its writes and calls while it makes videos.

What the provider has accepted is known in the end, once, since its list is searched;
and only what it has never seen may be unknown.
"""

from datetime import datetime

import pytest

from jimeng import jobs, tasks
from jimeng.documents import Generation, Task
from jimeng.errors import ProviderError
from jimeng.jobs import pump
from jimeng.providers import ImageRequest, ListPage, Progress
from tests.conftest import come_due, run_queue
from tests.forgetting import forget_lanes
from tests.jobs.test_deaths import Afresh, Died, Reaper
from tests.jobs.test_videos import LOST, ME, VideoProvider, create, registry

__all__ = ["registry"]
READ_LIST = "jimeng:seek:volcengine_ark:main"


class Service(VideoProvider):
    """
    The provider, with its tasks.

    Attributes:
        accepted: Tag -> the task that was created under it.
        cancelled: Those that were cancelled.
        loses: How many answers to submissions get lost after it has accepted.
        queued: Whether its tasks wait, so that they may be cancelled.
    """

    def __init__(self) -> None:
        super().__init__()
        self.accepted: dict[str, str] = {}
        self.cancelled: set[str] = set()
        self.loses = 0
        self.queued = False
        self.reaper: Reaper | None = getattr(self, "reaper", None)

    def submit(self, request: ImageRequest) -> Progress:
        self.reach("submit")
        assert request.tag not in self.accepted, "paid twice"
        remote_id = f"cgt-{len(self.accepted)}"
        self.accepted[request.tag] = remote_id
        self.reach("submitted")
        if self.loses:
            self.loses -= 1
            raise ProviderError(
                str(LOST), code=LOST.code, charged="unknown", maybe_accepted=True
            )
        return Progress(remote_id)

    def find_lost(
        self, request: ImageRequest, sent_at: datetime, page: int = 1
    ) -> ListPage:
        self.reach("find_lost")
        found = self.accepted.get(request.tag)
        return ListPage(Progress(found) if found else None)

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        self.reach("poll")
        if remote_id in self.cancelled:
            raise ProviderError("cancelled", code="picture_cancelled")
        link = f"https://v.example/{remote_id}"
        return Progress(remote_id, done=True, urls=(link,))

    def cancel(self, remote_id: str, request: ImageRequest) -> bool:
        self.reach("cancel")
        if not self.queued and remote_id not in self.cancelled:
            return False
        self.cancelled.add(remote_id)
        self.reach("cancelled")
        return True

    def reach(self, what: str) -> None:
        if self.reaper is not None:
            self.reaper.reach(what)


@pytest.fixture
def provider() -> Service:
    return Service()


@pytest.fixture
def reaper(database, monkeypatch, provider) -> Reaper:
    provider.reaper = Reaper(monkeypatch)
    return provider.reaper


@pytest.fixture
def afresh(reaper, database, provider) -> Afresh:
    return Afresh(reaper, database, provider)


def consume(reaper: Reaper) -> None:
    """Work until nothing is left but to fetch, time moving on."""
    for _ in range(60):
        forget_lanes()
        jobs.huey.storage.conn.delete(READ_LIST)
        try:
            pump.tick()
            run_queue()
        except Died:
            jobs.huey.storage.flush_queue()
        reaper.armed = False
        come_due(state={"$ne": "fetching"})
        left = {"state": {"$nin": ["fetching", "dropped"]}}
        slots = {"slot": {"$exists": True}}
        if not Generation.collection().count_documents({"$or": [left, slots]}):
            return
        due = {"due_at": {"$exists": True}, "state": {"$ne": "fetching"}}
        queued = {"state": "queued"}
        if not Generation.collection().count_documents({"$or": [due, queued]}):
            return
        reaper.armed = reaper.at is not None
    raise AssertionError(f"not settled; {reaper.seen[-5:]}")


def check(service: Service, where: str) -> None:
    """Each is known if the provider has it, and holds no slot."""
    assert Generation.collection().count_documents({"slot": {"$exists": True}}) == 0
    for row in Generation.collection().find({}):
        known = row.get("remote_ids") or []
        mine = [each for tag, each in service.accepted.items() if tag == row.get("tag")]
        assert known == mine, (where, row)
        if not mine:
            assert row["state"] in ("unknown", "dropped"), (where, row)
        elif mine[0] not in service.cancelled:
            assert (row["state"], row["charged"]) == ("fetching", "yes"), (where, row)


def test_death_at_any_moment_loses_and_repeats_nothing(reaper, afresh, provider):
    for number in afresh.each_moment(least=12):
        create(n=2)
        reaper.arm(number)
        consume(reaper)
        reaper.disarm()
        check(provider, f"{number}: {reaper.seen[-3:]}")

    assert {row["state"] for row in Generation.collection().find()} == {"fetching"}


def test_death_while_a_lost_one_is_sought(reaper, afresh, provider):
    for number in afresh.each_moment(least=10):
        provider.loses = 2
        create(n=2)
        reaper.arm(number)
        consume(reaper)
        reaper.disarm()
        check(provider, f"{number}: {reaper.seen[-3:]}")


@pytest.mark.parametrize("queued", [True, False], ids=["queued", "running"])
def test_death_while_it_is_cancelled(reaper, afresh, provider, queued):
    """Cancelled here and there, or kept."""
    for number in afresh.each_moment(least=4):
        provider.queued = queued
        task = create()
        run_queue()
        reaper.arm(number)
        try:
            tasks.cancel(ME, task.id)
        except Died:
            continue  # whoever has cancelled got no answer, and does so once more
        consume(reaper)
        reaper.disarm()
        check(provider, f"{number}: {reaper.seen[-3:]}")
        found = Task.find_one({"_id": task.id})
        assert found.status == ("cancelled" if queued else "processing"), number
