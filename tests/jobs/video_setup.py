"""Videos that their provider has finished, and the host that they are fetched from."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from jimeng import jobs
from jimeng.documents import Generation, Image, Task, utcnow
from jimeng.jobs import pump, video_fetching
from jimeng.providers import Progress
from tests import videos
from tests.conftest import come_due, run_queue
from tests.test_core import begin
from tests.test_guards import generation
from tests.video_host import VideoHost

ASKED = {"duration": 1, "resolution": "480p", "ratio": "4:3", "roles": []}
WIDTH, HEIGHT = 64, 48


@pytest.fixture
def host() -> Iterator[VideoHost]:
    host = VideoHost()
    yield host
    host.close()


@pytest.fixture
def fetchable(client, config, registry, tmp_path, monkeypatch) -> Callable[..., None]:
    """Have this process fetch from the host, and keep in a store."""
    store = "jimeng.pictures.stores.store"
    monkeypatch.setattr(f"{store}.gettempdir", lambda: str(tmp_path))

    def choose(**settings: object) -> None:
        given = {"ALLOWED_PRIVATE_HOSTS": ("127.0.0.1",), **settings}
        jobs.configure(replace(config, **given), registry)

    choose()
    return choose


@pytest.fixture
def finished(client, provider, host, fetchable) -> Callable[..., str]:
    """A video that the provider has finished; the id of its task."""

    def make(content: bytes | None = None, **about: object) -> str:
        content = videos.mp4(WIDTH, HEIGHT) if content is None else content
        asked = {**ASKED, **about.pop("asked", {})}
        task_id = begin(client)
        make_video(task_id, asked)
        url = host.url(f"/{task_id}.mp4", content)
        given = {"links_live_s": 3600.0, **about}
        done = Progress("remote", done=True, urls=(url,), **given)
        provider.polls = [done]
        come_due(task_id=task_id)
        pump.tick()
        run_queue()
        (made,) = Generation.find_all({"task_id": task_id})
        assert made.state == "fetching", made.to_mongo()
        return task_id

    return make


def make_video(task_id: str, asked: dict) -> None:
    about = {"width": WIDTH, "height": HEIGHT, "video": asked}
    Task.collection().update_one({"_id": task_id}, {"$set": {"type": "video", **about}})
    Generation.collection().update_many(
        {"task_id": task_id}, {"$set": {"kind": "video", **about}}
    )


def fetch() -> Generation:
    """Fetch what is due; what has come of the only one."""
    assert video_fetching.fetch_one()
    return generation()


def later(**span: float) -> None:
    """Let the time have come that the next attempt waits for."""
    come_due(state="fetching")
    if span:
        moved = utcnow() - timedelta(**span)
        Generation.collection().update_many({}, {"$set": {"drawn_at": moved}})


def video_of(task_id: str) -> Image:
    found = Image.find_one({"task_id": task_id})
    assert found is not None
    return found


def temporary_files() -> list[str]:
    directory = jobs.runtime().store.scratch_directory()
    names = os.listdir(directory)
    return [each for each in names if each.startswith(video_fetching.PREFIX)]
