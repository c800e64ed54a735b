"""
Videos: what was sent without an answer is sought, and what was sent is not given up.

The provider is told what to do; the next steps come due as the clock is moved.
"""

import logging
from datetime import datetime, timedelta
from html import unescape

import pytest

from jimeng import jobs, tasks
from jimeng.documents import Generation, Lane, Task, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import CannotStop, ProviderError, TooManyPending
from jimeng.i18n import MESSAGES
from jimeng.jobs import pump, video_disk_space, videos
from jimeng.jobs.queue import advance
from jimeng.providers import ImageRequest, ListPage, Progress, Registry, VideoParameters
from jimeng.tasks.creation import Request
from tests.conftest import FakeProvider, come_due, run_queue
from tests.forgetting import forget_lanes
from tests.test_guards import generation, work

ME = Principal("ada", scopes=frozenset({"read", "write"}))
MODEL = "doubao-seedance-1.0-pro"
LOST = ProviderError(
    "no answer", code="submit_unknown", charged="unknown", maybe_accepted=True
)
RUNNING = Progress("cgt-1")


class VideoProvider(FakeProvider):
    """
    Has a list of what it has accepted.

    Attributes:
        found: Answers and errors of `find_lost` to come; with none left, nothing.
        cancels: The same of `cancel`; with none left, it has begun.
        sought: The tags that it was asked for.
        pages: Of which pages.
    """

    def __init__(self) -> None:
        super().__init__()
        self.found: list = []
        self.cancels: list = []
        self.sought: list[str] = []
        self.pages: list[int] = []
        self.has_list = True

    def can_find_lost(self, request: ImageRequest) -> bool:
        return self.has_list

    def find_lost(
        self, request: ImageRequest, sent_at: datetime, page: int = 1
    ) -> ListPage:
        self.sought.append(request.tag)
        self.pages.append(page)
        found = self._next(self.found, None)  # type: ignore[arg-type]
        return found if isinstance(found, ListPage) else ListPage(found)

    def cancel(self, remote_id: str, request: ImageRequest) -> bool:
        return bool(self._next(self.cancels, False))  # type: ignore[arg-type]


@pytest.fixture
def provider() -> VideoProvider:
    return VideoProvider()


@pytest.fixture
def registry(provider: VideoProvider) -> Registry:
    return Registry({"volcengine_ark": provider}, {"volcengine_ark": 3})


def create(n: int = 1, prompt: str = "A lantern", **video: object) -> Task:
    asked = VideoParameters(**video)
    new = Request(user_id="ada", prompt=prompt, model=MODEL, n=n, video=asked)
    return tasks.create(ME, new)[0]


def tick() -> None:
    """What is due is done, and what that makes due at once; no account backs off."""
    Lane.collection().update_many({}, {"$unset": {"not_before": ""}})
    forget_lanes()
    work()


def look() -> None:
    """The next step's time has come; the list may be read again."""
    jobs.huey.storage.conn.delete("jimeng:seek:volcengine_ark:main")
    come_due()
    tick()


def status(task: Task) -> str:
    found = Task.find_one({"_id": task.id})
    assert found is not None
    return found.status


BUSY = ProviderError("busy", code="rate_limited", transient=True)


@pytest.mark.parametrize("vain", [[], [None], [None, None], [BUSY, BUSY]])
def test_lost_create_is_found(database, provider, vain):
    provider.submits = [LOST]
    provider.found = [*vain, RUNNING]
    task = create()
    run_queue()
    assert generation().state == "seeking"
    assert generation().slot is not None

    looks = 1 + len(vain)
    for _ in range(looks):
        assert status(task) == "processing"
        look()

    assert provider.sought == [generation().tag] * looks
    assert (generation().state, generation().remote_ids) == ("generating", ["cgt-1"])
    assert not generation().late
    assert len(provider.requests) == 1


@pytest.mark.parametrize(("has_list", "looks"), [(True, 3), (False, 0)])
def test_lost_create_that_is_not_found_is_unknown(database, provider, has_list, looks):
    provider.submits, provider.has_list = [LOST], has_list
    task = create()
    run_queue()
    for _ in range(looks):
        look()

    assert len(provider.sought) == looks
    assert (generation().state, status(task)) == ("unknown", "failed")
    found = Task.find_one({"_id": task.id})
    assert found.failures[0] == {"code": "submit_unknown", "charged": "unknown"}
    assert len(provider.requests) == 1


OLDER = ListPage(has_older=True)


def test_list_is_read_on_until_it_is_older(database, provider):
    """Each page is a step of its own; the next look begins at the newest."""
    provider.submits = [LOST]
    provider.found = [OLDER, OLDER, None, OLDER, RUNNING]
    create()
    run_queue()
    for _ in range(5):
        look()

    assert provider.pages == [1, 2, 3, 1, 2]
    assert (generation().state, generation().remote_ids) == ("generating", ["cgt-1"])


def test_list_without_end_is_unknown(database, provider, caplog):
    """A busy account's: so many pages, and it is said that there were more."""
    provider.submits = [LOST]
    most = videos.MAX_PAGES
    provider.found = [OLDER] * most * 4
    create()
    run_queue()
    with caplog.at_level(logging.WARNING):
        for _ in range(most * 3):
            assert generation().state == "seeking"
            look()

    assert generation().state == "unknown"
    assert provider.pages == [*range(1, most + 1)] * 3
    assert f"list too long id={generation().id} pages={most}" in caplog.text


def test_list_is_read_once_a_second_for_an_account(database, provider, monkeypatch):
    monkeypatch.setattr(videos, "READ_EVERY_MS", 60_000)
    provider.submits = [LOST, LOST]
    create(n=2)
    run_queue()
    tick()
    assert [each.state for each in Generation.find_all({})] == ["seeking", "seeking"]
    provider.sought.clear()  # on a slow machine it may have begun

    look()

    assert len(provider.sought) == 1


def test_answer_that_comes_while_it_is_sought_counts(database, provider):
    """The submitter had stalled beyond its lease; the list does not matter any more."""

    def stall() -> Progress:
        look()  # the lease of the submission is over
        assert generation().state == "seeking"
        return RUNNING

    provider.submits = [stall]
    create()
    run_queue()

    assert (generation().state, generation().remote_ids) == ("generating", ["cgt-1"])
    assert not generation().late


def test_two_consumers_seek_and_accept_once(database, provider):
    provider.submits = [LOST]
    create()
    run_queue()

    def other() -> Progress:
        token = generation().owner
        jobs.huey.storage.conn.delete("jimeng:seek:volcengine_ark:main")
        advance.call_local(generation().id, token)  # its claim is still valid
        return RUNNING

    provider.found = [other, RUNNING]
    look()

    assert generation().remote_ids == ["cgt-1"]


def test_each_attempt_has_what_was_asked_for_and_a_tag_of_its_own(database, provider):
    provider.submits = [BUSY]
    create(duration=7, resolution="480p")
    run_queue()
    look()
    tick()

    first, request = provider.requests
    assert first.tag != request.tag == generation().tag
    assert first.tag[:32] == request.tag[:32]  # whose it is
    assert len(request.tag) == 63
    assert (request.video.duration, request.video.resolution) == (7, "480p")
    assert (request.width, request.height) == (864, 480)
    assert generation().kind == "video"


def test_deadline_is_that_of_the_model(database, provider):
    """Not ``TASK_DEADLINE``, after which a video would be given up while it is made."""
    provider.polls = [RUNNING] * 3
    task = create()
    run_queue()
    accepted(timedelta(hours=1))
    look()
    assert generation().state == "generating"

    accepted(timedelta(hours=1, minutes=6))
    look()

    assert (generation().state, generation().late) == ("failed", True)
    assert status(task) == "failed"


def accepted(ago: timedelta) -> None:
    then = {"$set": {"accepted_at": utcnow() - ago}}
    Generation.collection().update_many({"state": "generating"}, then)


def test_queued_at_the_provider_is_cancelled_there(database, provider):
    provider.cancels = [True]
    task = create()
    run_queue()

    assert tasks.cancel(ME, task.id).is_open
    tick()

    assert status(task) == "cancelled"
    assert generation().slot is None
    assert generation().charged == "no"


def test_running_video_is_kept(database, provider):
    """Also when it finishes then: it is charged, so it is kept."""
    task = create()
    run_queue()
    provider.polls = [RUNNING]
    tasks.cancel(ME, task.id)
    tick()

    assert (status(task), generation().trouble) == ("processing", "cannot_stop")
    with pytest.raises(CannotStop):
        tasks.cancel(ME, task.id)
    look()
    assert generation().state == "generating"
    provider.polls = [Progress("remote-1", done=True, urls=("https://v.example/1",))]
    look()
    assert (status(task), generation().state) == ("processing", "fetching")
    assert generation().charged == "yes"
    with pytest.raises(CannotStop):
        tasks.cancel(ME, task.id)


def test_transient_failure_to_cancel_is_tried_again(database, provider):
    """Whoever has cancelled does not pay for a moment's trouble."""
    no_answer = ProviderError("late", code="provider_unreachable", transient=True)
    provider.cancels = [no_answer, no_answer, True]
    task = create()
    run_queue()
    tasks.cancel(ME, task.id)

    tick()
    look()
    assert (status(task), generation().trouble) == ("processing", None)
    look()

    assert (status(task), generation().charged) == ("cancelled", "no")


def test_unclear_cancel_goes_on(database, provider):
    provider.cancels = [ProviderError("no answer", code="provider_unreachable")]
    task = create()
    run_queue()
    tasks.cancel(ME, task.id)
    tick()

    assert (status(task), generation().state) == ("processing", "generating")


def test_cancelled_while_it_is_submitted(database, provider):
    """The answer has to come first: only then is there something to cancel."""

    def submit() -> Progress:
        tasks.cancel(ME, task.id)
        tick()
        assert generation().state == "submitting"
        return RUNNING

    provider.submits, provider.cancels = [submit], [True]
    task = create()
    run_queue()
    look()

    assert status(task) == "cancelled"
    assert len(provider.requests) == 1


def test_of_several_the_waiting_ones_are_never_sent(database, provider):
    task = create(n=4)
    run_queue()  # three slots
    assert len(provider.requests) == 3
    provider.cancels = [True, False, True]

    tasks.cancel(ME, task.id)
    for _ in range(3):
        tick()

    assert len(provider.requests) == 3
    found = Task.find_one({"_id": task.id})
    assert found.is_open
    codes = [each["code"] for each in found.failures.values()]
    assert codes == ["picture_cancelled"] * 3


def test_finished_video_waits_for_the_fetch_loop(database, provider):
    """Its slot is free at once; no job in Redis carries it."""
    done = Progress(
        *("cgt-1", True, ("https://v.example/1",)),
        tokens=108_900,
        last_frame_url="https://v.example/1.png",
        echoed={"resolution": "480p"},
        links_live_s=3600.0,
    )
    provider.polls = [done]
    create()
    run_queue()
    look()

    found = generation()
    assert (found.state, found.slot, found.charged) == ("fetching", None, "yes")
    assert found.urls == ["https://v.example/1"]
    assert (found.usage_tokens, found.echoed) == (108_900, {"resolution": "480p"})
    assert timedelta(minutes=59) < found.links_until - utcnow() <= timedelta(hours=1)
    come_due()
    pump.tick()
    assert not jobs.huey.storage.queue_size()


def test_few_videos_may_wait(database, provider):
    most = jobs.runtime().config.USER_MAX_PENDING_VIDEOS
    for _ in range(most):
        create()

    with pytest.raises(TooManyPending):
        create()


def test_video_that_waits_for_room_says_so(client, provider, registry, monkeypatch):
    """
    By REST and on the page; not once its worker, which looked last, is gone. It keeps
    its place, and is sent once there is some; pictures need none.
    """
    task = create()
    model = registry.by_lane(generation().lane)
    room = video_disk_space.RESERVE_BYTES + model.video.typical_max_bytes
    monkeypatch.setattr(video_disk_space, "free_bytes", lambda: room - 1)
    path = task.result_path

    def message() -> str:
        forget_lanes()
        return client.get(path).json["data"]["message"]

    before = client.get(path)
    run_queue()

    waiting = generation()
    assert (provider.requests, waiting.state, waiting.owner) == ([], "queued", None)
    chinese, english = MESSAGES["status.held_no_room"]
    assert message() == chinese
    again = client.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert again.status_code == 200
    page = client.get(f"/tasks/{task.id}", headers={"Accept-Language": "en"}).text
    assert english in unescape(page)

    before = utcnow() - video_disk_space.RECENT
    Lane.collection().update_many({}, {"$set": {"no_room_at": before}})
    assert message() == MESSAGES["answer.pending"][0]

    picture = Request(user_id="ada", prompt="A lantern", model="doubao-seedream-4.5")
    tasks.create(ME, picture)
    tick()
    assert [request.video for request in provider.requests] == [None]
    monkeypatch.setattr(video_disk_space, "free_bytes", lambda: room)
    tick()
    assert message() == MESSAGES["answer.processing"][0]
