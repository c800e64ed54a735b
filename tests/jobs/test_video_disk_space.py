"""Room for videos: none is sent whose file could not be received."""

from dataclasses import replace

import pytest

from jimeng import jobs
from jimeng.cli.checks import Verdict, databases
from jimeng.documents import Generation
from jimeng.jobs import submission, video_disk_space
from jimeng.providers.models.video import VideoModel
from tests.conftest import run_queue
from tests.jobs.video_setup import fetch, fetchable, finished, host
from tests.test_core import create
from tests.test_guards import generation

__all__ = ["fetchable", "finished", "host"]

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


def test_video_waits_while_there_is_no_room(
    client, provider, registry, model, lane, free, monkeypatch
):
    """It keeps its place, and is sent once there is some. Pictures need none."""
    one = VIDEO.typical_max_bytes
    free(video_disk_space.RESERVE_BYTES + one - 1)
    create(client)
    with monkeypatch.context() as patched:
        patched.setattr(type(registry), "by_lane", lambda self, name: model)
        run_queue()
        assert (provider.requests, generation().state) == ([], "queued")
        assert generation().owner is None
        free(video_disk_space.RESERVE_BYTES + one)
        submission.send_next(lane)
        assert len(provider.requests) == 1

    free(0)
    create(client)
    submission.send_next(lane)
    assert len(provider.requests) == 2


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


def test_directory_that_is_away_is_no_room(model, fetchable, tmp_path):
    """A video that was sent would have nowhere to go."""
    fetchable(STORAGE="file", STORAGE_DIR=str(tmp_path / "store"))
    assert video_disk_space.has_disk_space(model)
    jobs.runtime().store.save(b"first", "image-1")
    (tmp_path / "store").rename(tmp_path / "away")

    assert not video_disk_space.has_disk_space(model)


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
