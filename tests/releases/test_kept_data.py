"""Databases as earlier releases have left them, killed at work: this one goes on."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import json_util
from mongoengine import get_db

from jimeng.billing.costs import billing_day
from jimeng.documents import Generation, Image, Task, utcnow
from jimeng.jobs import video_fetching
from jimeng.providers import Progress, Registry
from tests.conftest import come_due
from tests.jobs.test_videos import VideoProvider, look
from tests.jobs.video_setup import fetchable, host
from tests.releases.other_release import failing, pages_of
from tests.rest import API, data_of
from tests.videos import mp4

__all__ = ["fetchable", "host"]

FOLDER = Path(__file__).parent.parent / "data" / "databases"
RECORDED_AT = datetime(2026, 11, 29, 14, 36, 48, tzinfo=UTC)
STATUSES = {
    **dict.fromkeys(("stored", "in the trash", "waiting"), "completed"),
    "[[video html_502 6]] being fetched": "completed",
    "[[slow 1000]] at the provider": "completed",
    "[[drop_before]] lost": "failed",
    "cancelled": "cancelled",
}
VIDEO = {"prompt": "a lantern", "user_id": "ada", "duration": 5}


@pytest.fixture
def provider() -> VideoProvider:
    return VideoProvider()


@pytest.fixture
def registry(provider: VideoProvider) -> Registry:
    offered = {"volcengine_jimeng": provider, "volcengine_ark": provider}
    return Registry(offered, dict.fromkeys(offered, 3))


def load(name: str) -> dict[str, Task]:
    """Fill the database as if it had been left just now; the tasks by their prompts."""
    content = gzip.decompress((FOLDER / f"{name}.json.gz").read_bytes())
    now = utcnow()
    for collection, rows in json_util.loads(content).items():
        # Quotas are counted by days of UTC, money by those of BILLING_TIMEZONE.
        day = f"{now:%Y-%m-%d}" if collection == "places" else billing_day(now)
        get_db()[collection].insert_many(moved(rows, now - RECORDED_AT, day))
    return {task.prompt: task for task in Task.find_all({})}


def moved(value: Any, by: timedelta, day: str) -> Any:
    """The same rows, their times later *by* that, and their day (and month) *day*."""
    match value:
        case dict():
            return {key: moved(each, by, day) for key, each in value.items()}
        case list():
            return [moved(each, by, day) for each in value]
        case datetime():
            return value + by
        case str():
            recorded = f"{RECORDED_AT:%Y-%m-%d}"
            return value.replace(recorded, day).replace(recorded[:7], day[:7])
    return value


def work(rounds: int = 8) -> None:
    for _ in range(rounds):
        look()
        come_due(state="fetching")
        while video_fetching.fetch_one():
            pass


def states() -> dict[str, str]:
    return {row["_id"]: row["state"] for row in Generation.collection().find()}


def test_release_before_videos_left_pictures_at_work(client, provider):
    """Those under way are polled, those that wait are sent; all are shown."""
    load("before_videos")
    before = states()
    assert sorted(before.values()) == [
        *("done", "done", "done", "generating", "generating"),
        *("queued", "queued", "queued"),
    ]

    work()

    assert set(states().values()) == {"done"}
    assert len(provider.requests) == 3
    assert {task.status for task in Task.find_all({})} == {"completed"}
    pages = [path for task in Task.find_all({}) for path in pages_of(task.id)]
    assert failing(client, *pages) == {}
    for image in Image.find_all({}):
        assert client.get(image.path).status_code == 200
    data_of(client.post(f"{API}/ai/video/task", json=VIDEO), 202)


def test_videos_were_left_in_each_state(client, provider, host, fetchable):
    """What waited is sent once; what was sent is asked for; what was kept is there."""
    tasks = load("videos")
    link = host.url("/lantern.mp4", mp4(64, 48))
    fetching = {"state": "fetching"}
    assert Generation.collection().update_one(fetching, {"$set": {"urls": [link]}})
    provider.polls = [Progress("cgt", done=True, urls=(link,)) for _ in range(4)]

    work()

    assert len(provider.requests) == 1
    restored = client.post(f"/tasks/{tasks['in the trash'].id}/restore")
    assert restored.status_code == 303
    found = {task.prompt: task for task in Task.find_all({"type": "video"})}
    assert {prompt: task.status for prompt, task in found.items()} == STATUSES
    assert found["[[drop_before]] lost"].failures[0]["code"] == "submit_unknown"
    for image in Image.find_all({"kind": "video"}):
        for path in (image.path, image.poster_path):
            assert client.get(path).status_code == 200
    pages = [path for task in found.values() for path in pages_of(task.id)]
    assert failing(client, *pages) == {}
