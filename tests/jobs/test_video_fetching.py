"""Videos: each is stored once, retried, or ends with a reason; and needs room."""

import hashlib
import os
import resource
import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from mongoengine import get_db

from jimeng import jobs
from jimeng.cli.checks import Verdict, databases
from jimeng.documents import Generation, Image, Task, utcnow
from jimeng.i18n import MESSAGES
from jimeng.jobs import picture, video_disk_space, video_fetching
from jimeng.jobs.video_disk_space import MIN_FREE_BYTES
from jimeng.monitoring import metrics
from jimeng.pictures.contents import PIECE_BYTES
from jimeng.pictures.stores.gridfs import GridFSStore
from jimeng.pictures.video_decoder import Video
from jimeng.process import activity
from jimeng.providers import Progress, download
from jimeng.providers.models.video import VideoModel
from tests import videos
from tests.conftest import png
from tests.jobs.test_deaths import check_files
from tests.jobs.video_setup import (
    fetch,
    fetchable,
    finished,
    host,
    later,
    temporary_files,
    video_of,
)
from tests.test_core import refusal
from tests.test_guards import change, generation
from tests.waiting import wait_for

__all__ = ["fetchable", "finished", "host"]


@pytest.fixture(params=["gridfs", "file"])
def stored(request, fetchable, tmp_path):
    fetchable(STORAGE=request.param, STORAGE_DIR=str(tmp_path / "store"))
    return jobs.runtime


def task_of(task_id: str) -> Task:
    found = Task.find_one({"_id": task_id})
    assert found is not None
    return found


def seconds_left() -> float:
    due_at = generation().due_at
    assert due_at is not None
    return (due_at - utcnow()).total_seconds()


def count_files() -> int:
    stores = getattr(jobs.runtime().store, "stores", [jobs.runtime().store])
    return sum(each.count() for each in stores)


def test_video_is_stored_with_its_poster_and_last_frame(
    stored, finished, host, monkeypatch
):
    """After a break where it was; the task is completed, and nothing is left beside."""
    content = videos.mp4(1280, 720, audio=True)
    last = host.url("/last.png", png(1280, 720, "red"))
    asked = {"audio": True, "last_frame": True}
    task_id = finished(content, last_frame_url=last, tokens=5, asked=asked)
    change(width=1280, height=720)
    host.breaks = [1000]

    done = fetch()

    assert host.asked[:2] == [(f"/{task_id}.mp4", begin) for begin in (0, 1000)]
    video, store = video_of(task_id), stored().store
    assert (done.state, done.charged, done.usage_tokens) == ("done", "yes", 5)
    assert task_of(task_id).status == "completed"
    assert store.read(video.file_id) == content
    assert store.read(video.last_frame_id) == png(1280, 720, "red")
    assert store.read(video.thumbnail_id)[8:12] == b"WEBP"
    assert store.read(video.preview_id).startswith(b"\xff\xd8")
    assert (video.kind, video.content_type) == ("video", "video/mp4")
    assert (video.width, video.height, video.bytes) == (1280, 720, len(content))
    assert (video.duration_s, video.fps, video.has_audio) == (1.0, 24.0, True)
    assert video.sha256 == hashlib.sha256(content).hexdigest()
    assert video.last_frame_bytes == len(png(1280, 720, "red"))
    assert (video.ratio, video.notes) == ("16:9", None)
    assert temporary_files() == []
    check_files(monkeypatch)  # the sweep leaves all four
    assert count_files() == 4


@pytest.mark.parametrize(
    ("made", "asked", "notes"),
    [
        ({}, {"audio": True}, ["no_audio"]),
        ({"frames": 72}, {}, ["length_differs"]),
        ({"width": 128, "height": 96}, {}, ["resolution_differs"]),
        ({"width": 8, "height": 8}, {}, ["resolution_differs", "no_poster"]),
        ({}, {"last_frame": True}, ["no_last_frame"]),
        ({}, {}, None),
    ],
)
def test_difference_is_a_note(finished, made, asked, notes):
    """It has been paid for, and is kept."""
    task_id = finished(videos.mp4(**{"width": 64, "height": 48, **made}), asked=asked)

    assert fetch().state == "done"
    assert video_of(task_id).notes == notes


def test_what_is_not_stored_yet_is_measured(client, finished, host, monkeypatch):
    """And since when; the one whose links expire first is first, though it is later."""
    monkeypatch.setattr(metrics, "CACHE_S", 0.0)
    finished(links_live_s=86_400.0)
    urgent = finished(links_live_s=3600.0)
    earlier = utcnow() - timedelta(minutes=40)
    Generation.collection().update_one({}, {"$set": {"drawn_at": earlier}})

    def measured() -> dict[str, float]:
        lines = client.get("/metrics").text.splitlines()
        found = [each.split() for each in lines if each.startswith("jimeng_videos_")]
        return {name: float(value) for name, value in found}

    waiting = measured()
    while video_fetching.fetch_one():
        pass

    assert host.asked[0] == (f"/{urgent}.mp4", 0)
    assert waiting["jimeng_videos_fetching"] == 2
    assert waiting["jimeng_videos_fetching_oldest_seconds"] >= 2400
    assert set(measured().values()) == {0}


def test_nothing_else_is_claimed(finished, client):
    """Neither what waits for its next attempt, nor pictures, nor other kinds."""
    finished()
    before = Generation.collection().find_one({})
    for fields in (
        {"due_at": utcnow() + timedelta(minutes=1)},
        {"kind": "hologram"},
        {"state": "saving"},
    ):
        Generation.collection().update_one({}, {"$set": fields})
        assert not video_fetching.fetch_one()
        Generation.collection().replace_one({}, before)


def test_link_that_breaks_or_stalls_is_retried(finished, host, monkeypatch):
    """With what happened, and the requests are counted."""
    task_id = finished()
    host.breaks = [0] * 100
    began = utcnow()

    left = fetch()

    assert (left.state, left.trouble, left.faults) == ("fetching", "download_failed", 1)
    assert left.owner is None
    pause = timedelta(seconds=picture.RETRY_AFTER_S[0])
    assert began + pause <= left.due_at <= utcnow() + pause
    assert left.link_requests == len(host.asked) == 1
    over, host.breaks = threading.Event(), []
    host.meanwhile = lambda: over.wait(60)
    later()
    with monkeypatch.context() as patched:
        patched.setattr(download, "TIMEOUT", (3.0, 0.2))
        left = fetch()
    over.set()
    assert (left.state, left.trouble) == ("fetching", "download_failed")
    later()
    assert fetch().state == "done"
    assert task_of(task_id).status == "completed"


def test_video_that_is_cut_short_is_asked_for_again(finished, host):
    """It may arrive whole; if it does not, what there is of it is kept."""
    whole = videos.mp4(640, 480, frames=120)
    task_id = finished(videos.cut(whole), asked={"duration": 5})

    left = fetch()
    assert (left.state, left.trouble, left.rubbish) == ("fetching", "not_a_picture", 1)
    for _ in range(picture.MAX_INVALID_FILES):
        later()
        left = fetch()

    assert left.state == "done"
    assert "length_differs" in video_of(task_id).notes


@pytest.mark.parametrize(
    ("content", "claimed"),
    [(b"Not found", None), (videos.song(), None), (None, 2 * 2**30)],
    ids=["words", "song", "two gigabytes"],
)
def test_what_is_no_video_ends_with_a_reason(
    finished, host, fetchable, tmp_path, content, claimed
):
    """After a few attempts, of a long one by its head: charged, and said to be lost."""
    fetchable(STORAGE="file", STORAGE_DIR=str(tmp_path / "store"))
    task_id = finished(content)
    host.claimed = claimed

    for _ in range(picture.MAX_INVALID_FILES):
        left = fetch()
        assert (left.state, left.trouble) == ("fetching", "not_a_picture")
        later()
    lost = fetch()

    assert (lost.state, lost.charged) == ("failed", "yes")
    assert lost.error["code"] == "picture_lost"
    assert task_of(task_id).status == "failed"
    assert (temporary_files(), count_files()) == ([], 0)


@pytest.mark.parametrize(
    "trouble",
    [
        picture.UNREACHABLE,
        picture.NO_PICTURE,
        picture.NO_STORE,
        video_fetching.TOO_LARGE,
    ],
)
def test_user_is_told_what_keeps_it(client, finished, trouble):
    task_id = finished()
    change(trouble=trouble)
    _, words = MESSAGES[f"trouble.{trouble}"]
    english = {"Accept-Language": "en"}
    path = f"/api/v1/ai/video/result/{task_id}"

    data = client.get(path, headers=english).json["data"]
    page = client.get(f"/tasks/{task_id}", headers=english).text

    assert (data["status"], data["message"]) == ("processing", words)
    assert words in unescape(page)


def test_video_too_large_for_the_store_waits_for_another(
    finished, host, fetchable, tmp_path, caplog
):
    """The operator is told what to set; nothing of it is downloaded until then."""
    task_id = finished()
    host.claimed = 129 * 2**20

    left = fetch()

    assert (left.state, left.trouble) == ("fetching", "file_too_large")
    assert "set STORAGE=file or STORAGE=s3" in caplog.text
    host.claimed = None
    fetchable(STORAGE="file", STORAGE_DIR=str(tmp_path / "store"))
    later()
    assert fetch().state == "done"
    assert jobs.runtime().store.first.read(video_of(task_id).file_id)


def test_ended_link_is_replaced(finished, host, provider):
    """By a fresh one of the provider, with its own time and count; not by the same."""
    task_id = finished()
    change(link_requests=7)
    host.status = 403
    same = tuple(generation().urls)
    provider.polls = [Progress("x", done=True, urls=same, links_live_s=60.0)]
    left = fetch()
    assert (left.trouble, left.rubbish) == ("not_a_picture", 1)
    later()
    url = host.url("/fresh.mp4", videos.mp4(64, 48))
    provider.polls = [Progress("x", done=True, urls=(url,), links_live_s=60.0)]

    left = fetch()

    assert (left.state, left.urls, left.link_requests) == ("fetching", [url], 0)
    assert left.links_until < utcnow() + timedelta(seconds=61)
    host.status = 200
    later()
    assert fetch().state == "done"
    assert task_of(task_id).status == "completed"


def test_link_is_not_asked_for_ever(finished, host, provider):
    """After sixty requests a fresh one is wanted; its provider may have none."""
    finished()
    change(link_requests=video_fetching.MAX_LINK_REQUESTS)
    provider.polls = [refusal("provider_internal", transient=True)]

    left = fetch()

    assert (left.state, host.asked) == ("fetching", [])
    assert provider.polled[-1] == "remote-1"
    provider.polls = [refusal("picture_expired")]
    later()
    lost = fetch()
    assert (lost.state, lost.error["code"]) == ("failed", "picture_lost")
    assert lost.charged == "yes"


def test_requests_that_are_left_are_spread(finished, host):
    """An outage of hours does not use them up in minutes; after a day it is lost."""
    finished(links_live_s=86_400.0)
    host.status = 500
    change(faults=8, link_requests=30)

    fetch()

    assert seconds_left() == pytest.approx(86_400 / 29, rel=0.01)
    later(hours=25)
    assert fetch().error["code"] == "picture_lost"


def test_full_disk_is_waited_for(finished, host, monkeypatch):
    """By the length that the head says; what came until it filled up is deleted."""
    finished()

    def is_waited_for() -> bool:
        left = fetch()
        later()
        told = (left.state, left.trouble) == ("fetching", "storage_unavailable")
        return told and temporary_files() == []

    usage = type("Usage", (), {"free": MIN_FREE_BYTES + 10})
    with monkeypatch.context() as patched:
        patched.setattr(video_fetching.shutil, "disk_usage", lambda path: usage)
        assert is_waited_for()
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most))
    try:
        assert is_waited_for()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    assert fetch().state == "done"


def test_store_that_is_away_is_waited_for(finished, host, fetchable, tmp_path, model):
    """Nothing is downloaded meanwhile, after the first time, and no other is sent."""
    fetchable(STORAGE="file", STORAGE_DIR=str(tmp_path / "store"))
    jobs.runtime().store.save(b"first", "image-1")
    finished()
    assert video_disk_space.has_disk_space(model)
    moved = tmp_path / "moved"
    (tmp_path / "store").rename(moved)
    assert not video_disk_space.has_disk_space(model)

    assert fetch().trouble == "storage_unavailable"
    later()
    assert fetch().trouble == "storage_unavailable"

    assert host.asked == []
    moved.rename(tmp_path / "store")
    later()
    assert fetch().state == "done"


def test_lost_claim_ends_the_fetch(finished, host, monkeypatch):
    """Whoever has it now goes on; nothing is kept beside."""
    monkeypatch.setattr(video_fetching, "RENEW_EVERY_S", 0.0)
    finished()

    def taken() -> None:
        if len(host.asked) == 1:
            change(owner="another consumer")

    host.meanwhile = taken

    left = fetch()

    assert (left.state, left.owner) == ("fetching", "another consumer")
    assert (temporary_files(), count_files()) == ([], 0)


def test_second_consumer_overtakes_and_both_leave_one_video(finished, host):
    """The first lost its lease unawares, and finds the video stored."""
    task_id = finished()
    found = []

    def overtaken() -> None:
        if len(host.asked) == 1:
            later()
            found.append(fetch().state)

    host.meanwhile = overtaken

    fetch()

    assert found == ["done"]
    assert len(host.asked) == 2
    assert Image.collection().count_documents({}) == 1
    assert count_files() == 2
    assert jobs.runtime().store.read(video_of(task_id).file_id)
    assert task_of(task_id).status == "completed"


def test_lease_is_renewed_while_the_file_comes(finished, host, monkeypatch):
    """By the loop, so that nobody else takes over."""
    monkeypatch.setattr(video_fetching, "RENEW_EVERY_S", 0.0)
    finished()
    seen = []
    renew = video_fetching.Fetch.renew_if_due

    def noted(self) -> None:
        change(due_at=utcnow() + timedelta(seconds=1))
        renew(self)
        seen.append(seconds_left())

    monkeypatch.setattr(video_fetching.Fetch, "renew_if_due", noted)

    assert fetch().state == "done"
    assert seen and min(seen) > 50


@pytest.fixture
def storing(finished, monkeypatch) -> Callable[[Callable[[], object]], Generation]:
    """Fetch a video, and do something while the decoder looks at it."""
    monkeypatch.setattr(video_fetching, "RENEW_EVERY_S", 0.01)
    inspect = video_fetching.inspect_video

    def do(meanwhile: Callable[[], object]) -> Generation:
        def inspected(path: Path, *, user: str) -> Video:
            meanwhile()
            return inspect(path, user=user)

        monkeypatch.setattr(video_fetching, "inspect_video", inspected)
        finished()
        return fetch()

    return do


def test_storing_holds_the_claim_a_minute_at_a_time(storing):
    """So the death of a consumer delays no video for longer."""

    def look() -> None:
        assert 0 < seconds_left() <= 60
        change(due_at=utcnow() + timedelta(seconds=1))
        wait_for(lambda: 50 < seconds_left() <= 60, what="it is renewed")

    assert storing(look).state == "done"


def test_storing_that_hangs_loses_the_claim(storing, monkeypatch):
    """Another consumer, which may store it, takes over."""
    monkeypatch.setattr(video_fetching, "MAX_STORING_S", 0.0)

    def is_renewed() -> bool:
        return any(each.name == "renewal" for each in threading.enumerate())

    left = storing(lambda: wait_for(lambda: not is_renewed(), what="it is not renewed"))

    assert left.state == "done"


def test_shutdown_gives_the_claim_back(finished, host):
    """Another consumer goes on at once."""
    finished()
    stopped = threading.Event()
    host.meanwhile = stopped.set

    video_fetching.fetch_one(stopped)

    left = generation()
    assert (left.state, left.owner, left.trouble) == ("fetching", None, None)
    assert left.due_at <= utcnow()
    assert temporary_files() == []
    assert fetch().state == "done"


def test_threads_fetch_what_is_due_and_end(finished):
    video_fetching.start_threads()
    video_fetching.join(60)
    assert video_fetching._threads == []  # nothing was due
    task_id = finished()

    video_fetching.start_threads()
    video_fetching.join(60)

    assert not task_of(task_id).is_open
    assert [each for each in video_fetching._threads if each.is_alive()] == []


def test_threads_fetch_nothing_more_once_told_to_stop(finished):
    task_id = finished()
    activity.stopped.set()
    try:
        video_fetching.start_threads()
        video_fetching.join(60)
    finally:
        activity.stopped.clear()

    assert task_of(task_id).is_open


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_video_that_nobody_wants_leaves_nothing(client, finished, host, when):
    task_id = finished()

    def delete() -> None:
        gone = {"$set": {"deleted_at": utcnow()}}
        Task.collection().update_one({"_id": task_id}, gone)

    if when == "before":
        delete()
    else:
        host.meanwhile = delete

    assert fetch().state == "done"
    assert (Image.collection().count_documents({}), count_files()) == (0, 0)
    assert len(host.asked) == (0 if when == "before" else 1)


def test_last_frame_that_does_not_come_holds_nothing_up(finished, host):
    """It is tried again a few times; then the video is kept without it."""
    last = "http://127.0.0.1:1/last.png"
    task_id = finished(last_frame_url=last, asked={"last_frame": True})

    for _ in range(video_fetching.MAX_LAST_FRAME_TRIES):
        assert fetch().trouble == "download_failed"
        later()

    assert fetch().state == "done"
    assert video_of(task_id).notes == ["no_last_frame"]


def test_bug_is_retried_and_then_quarantined(finished, monkeypatch):
    """The loop goes on with other videos."""

    def broken(*args: object) -> None:
        raise AttributeError("a bug")

    monkeypatch.setattr(video_fetching.Fetch, "run", broken)
    finished()

    for _ in range(3):
        assert fetch().state == "fetching"
        later()

    assert fetch().error["code"] == "not_understood"


def test_orphaned_files_are_swept(fetchable, finished):
    """Those of killed consumers, a day later; fresh ones stay."""
    directory = jobs.runtime().store.scratch_directory()
    old, fresh = (directory / f"jimeng-fetch-{name}.part" for name in ("old", "new"))
    other = directory / "another program's.part"
    for path in (old, fresh, other):
        path.write_bytes(b"half")
        os.utime(path, (0, 0))
    os.utime(fresh)

    video_fetching.sweep()

    assert [each.exists() for each in (old, fresh, other)] == [False, True, True]


def test_memory_does_not_grow_with_the_video(finished, monkeypatch, database):
    """A few pieces of it are in memory, from the network to the store."""
    length = 32 * 2**20
    content = videos.mp4(64, 48) + bytes(length)
    finished(content)
    put, stored = GridFSStore.put, []
    monkeypatch.setattr("jimeng.pictures.stores.gridfs.PART_BYTES", 2**20)

    def noted(self, name, contents) -> None:
        stored.extend(each.length for each in contents.values())
        put(self, name, contents)

    monkeypatch.setattr(GridFSStore, "put", noted)
    tracemalloc.start()
    try:
        assert fetch().state == "done"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert max(stored) == len(content)
    assert peak < 64 * PIECE_BYTES
    get_db()["pictures.chunks"].delete_many({})


MIB = 2**20
VIDEO = VideoModel(
    durations=(5, 10),
    resolutions={"720p": {"16:9": (1280, 720)}, "4k": {"16:9": (3840, 2160)}},
    default_resolution="720p",
)


@pytest.fixture
def model(registry, lane):
    """As if that of this lane made videos."""
    return replace(registry.by_lane(lane), video=VIDEO)


@pytest.fixture
def free(monkeypatch):
    def leave(size: int) -> None:
        monkeypatch.setattr(video_disk_space, "free_bytes", lambda: size)

    return leave


def test_each_video_under_way_needs_room_of_its_own(finished, model, free):
    """That of the longest of the largest: half a bit for each pixel of each frame."""
    one = VIDEO.typical_max_bytes
    assert one == 3840 * 2160 * 240 // 16
    finished()
    finished()

    needed = video_disk_space.needed_bytes(model)
    assert needed == 3 * one + video_disk_space.RESERVE_BYTES
    ended = {"$set": {"state": "done"}, "$unset": {"due_at": ""}}
    Generation.collection().update_many({}, ended)
    assert video_disk_space.needed_bytes(model) == needed - 2 * one


def test_doctor_tells_of_room_and_store(
    config, registry, model, finished, free, monkeypatch
):
    """A better store is recommended once there are videos; none without models."""
    free(2**40)
    finished()
    monkeypatch.setattr(type(registry), "making", lambda self, makes: [model])
    (found,) = databases.videos(config)
    assert (found.status, found.advice) == (Verdict.OK, "")
    assert "1024.0 GiB free" in found.found

    fetch()
    (found,) = databases.videos(config)
    assert found.advice == "doctor.videos_store"
    free(0)
    (found,) = databases.videos(config)
    assert (found.status, found.advice) == (Verdict.WARNING, "doctor.videos_space")
    monkeypatch.setattr(type(registry), "making", lambda self, makes: [])
    assert list(databases.videos(config)) == []
