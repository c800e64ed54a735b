"""Retention by days and by bytes, and a disk that fills up."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

import pytest
from mongoengine import get_db

from jimeng import jobs, lanes
from jimeng.documents import Image, Share, utcnow
from jimeng.monitoring import readiness
from jimeng.upkeep import retention
from tests.rest import CAT, CREATE, create, result

GIB = 2**30


@pytest.fixture
def aged(client, work_off):
    """Pictures that came so many days ago, the oldest first; their tasks' ids."""

    def make(*days: int) -> list[str]:
        ids = [create(client) for _ in days]
        work_off()
        for task_id, age in zip(ids, days, strict=True):
            came = {"created_at": utcnow() - timedelta(days=age)}
            Image.collection().update_one({"task_id": task_id}, {"$set": came})
        return ids

    return make


@pytest.fixture
def keep(config, registry):
    """Look after retention with these limits; whether there may be more."""

    def keep(**limits: float) -> bool:
        jobs.configure(replace(config, **limits), registry)
        return retention.apply_limits()

    return keep


@pytest.fixture
def meanwhile(monkeypatch):
    """Have something done after the pictures to remove were read, before they go."""

    def set_up(act: Callable[[], object]) -> None:
        def showing(ids: Iterable[str]) -> set[str]:
            act()
            return shown(ids)

        shown = Share.showing
        monkeypatch.setattr(Share, "showing", showing)

    return set_up


def kept() -> set[str]:
    return {row["task_id"] for row in Image.collection().find()}


def test_old_pictures_go_and_favourites_stay(client, aged, keep):
    """The bytes too, as those of videos; the task still says what it came to."""
    old, starred, young, *videos = aged(31, 40, 29, 31, 29)
    make_videos(*videos, size=1)
    Image.collection().update_one({"task_id": starred}, {"$set": {"favourite": True}})
    url = f"/api/v1/ai/image/result/{old}"
    known = {"If-None-Match": client.get(url).headers["ETag"]}

    assert keep(KEEP_DAYS=30) is False

    assert kept() == {starred, young, videos[1]}
    assert get_db()["pictures.files"].count_documents({}) == 6
    assert client.get(url, headers=known).status_code == 200
    told = result(client, old)
    assert told["status"] == "completed"
    assert told["result"]["images"] == []


def make_videos(*task_ids: str, size: int) -> None:
    """Of their pictures make videos that take so much."""
    about = {"kind": "video", "bytes": size, "last_frame_bytes": 1}
    for task_id in task_ids:
        Image.collection().update_one({"task_id": task_id}, {"$set": about})


def test_videos_have_a_limit_of_their_own(aged, keep):
    """The oldest video goes, however old the pictures are; its last frame counts."""
    picture, oldest, young = aged(9, 3, 2)
    make_videos(oldest, young, size=GIB // 2)

    keep(KEEP_VIDEO_GIB=1)

    assert kept() == {picture, young}


def test_beyond_the_bytes_the_oldest_pictures_go(aged, keep, monkeypatch):
    """Videos do not count as pictures, nor do they go for them."""
    video, oldest, older, young = aged(9, 3, 2, 1)
    make_videos(video, size=5 * GIB)
    row = Image.collection().find_one({"task_id": older})
    size = row["bytes"] + row["thumbnail_bytes"]
    store = type(jobs.runtime().store)
    taken = retention.stored_bytes("video") + GIB + size + 1
    monkeypatch.setattr(store, "size", lambda self: taken)

    keep(KEEP_GIB=1)

    assert kept() == {video, young}


def test_a_run_is_bounded(aged, keep, monkeypatch):
    """The next goes on. Unless it is asked for, pictures never expire."""
    monkeypatch.setattr(retention, "BATCH_DOCUMENTS", 2)
    every = aged(4000, 8, 7)
    assert keep() is False
    assert kept() == {*every}

    assert keep(KEEP_DAYS=1) is True
    assert len(kept()) == 1
    assert keep(KEEP_DAYS=1) is False
    assert kept() == set()


def test_star_given_meanwhile_saves_it(aged, keep, meanwhile):
    """It is looked at once more in the moment of removal."""
    (old,) = aged(9)
    star = {"$set": {"favourite": True}}
    meanwhile(lambda: Image.collection().update_one({"task_id": old}, star))

    keep(KEEP_DAYS=1)

    assert kept() == {old}


def test_command_tells_and_changes_nothing(app, aged):
    aged(9, 1)
    oldest = min(row["created_at"] for row in Image.collection().find())

    told = app.test_cli_runner().invoke(args=["retention", "--days", "5"])
    make_videos(Image.collection().find_one({})["task_id"], size=GIB)
    videos = app.test_cli_runner().invoke(args=["retention", "--video-gib", "0.5"])

    assert told.exit_code == 0, told.output
    lines = dict(line.split(": ", 1) for line in told.output.splitlines())
    assert lines["pictures"] == "1"
    assert lines["the youngest came at"].startswith(oldest.date().isoformat())
    assert videos.output.splitlines()[2:4] == ["videos: 1", "size: 1.00 GiB"]
    assert len(kept()) == 2


@pytest.fixture
def free(monkeypatch):
    """Let the disk have so many bytes left."""

    def leave(size: float | None) -> None:
        monkeypatch.setattr(retention, "free_bytes", lambda: size)
        retention.watch_disk()

    return leave


def test_full_disk_refuses_new_tasks_and_finishes_old_ones(client, free, work_off):
    """Once there is room all goes on by itself, unless an operator has paused it."""
    before = create(client)

    free(retention.MIN_FREE_BYTES - 1)
    refused = client.post(CREATE, json=CAT)
    work_off()

    assert (refused.status_code, refused.json["error"]) == (503, "storage_full")
    assert int(refused.headers["Retry-After"]) > 0
    assert result(client, before)["status"] == "completed"
    free(retention.RESUME_FREE_BYTES - 1)
    assert client.post(CREATE, json=CAT).status_code == 503  # not to and fro
    free(retention.RESUME_FREE_BYTES)
    assert client.post(CREATE, json=CAT).status_code == 202
    lanes.pause(lanes.INTAKE, "root")
    free(retention.RESUME_FREE_BYTES)
    free(None)
    assert client.post(CREATE, json=CAT).json["error"] == "intake_paused"


def test_readiness_and_metrics_tell(client, free, monkeypatch):
    """Before anything is lost; and the page, that nobody has paused by hand."""
    monkeypatch.setattr(readiness, "CACHE_S", 0.0)
    free(retention.MIN_FREE_BYTES - 1)

    page = client.get("/admin/queue", headers={"Accept-Language": "en"}).text
    assert "automatically, as the disk is nearly full" in page
    assert "disk" in client.get("/health/ready").json["missing"]
    said = client.get("/metrics").text
    (free_bytes,) = re.findall(r"^jimeng_disk_free_bytes (\S+)$", said, re.MULTILINE)
    assert float(free_bytes) == retention.MIN_FREE_BYTES - 1


def test_room_is_what_mongodb_says(database):
    """Of its own disk: less than all of it, and something."""
    stats = database.command("dbStats")

    free = retention.free_bytes()

    assert free is not None
    assert 0 < free < stats["fsTotalSize"]
