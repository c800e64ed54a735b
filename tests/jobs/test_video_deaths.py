"""
A consumer dies at each write, and each file operation, of fetching a video.

Whatever the moment: the video is stored once in the end, its task is completed, and
what was left half done is swept.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from mongoengine import get_db

from jimeng import jobs
from jimeng.documents import Generation, Image, Task
from jimeng.documents.image import files_of
from jimeng.jobs import video_fetching
from jimeng.pictures.video_decoder import VideoDecoder
from jimeng.providers.download import FileDownload
from tests.conftest import begin_anew, come_due
from tests.jobs.test_deaths import Died, Reaper, check_files, reaper
from tests.jobs.video_setup import fetchable, finished, host, temporary_files

__all__ = ["fetchable", "finished", "host", "reaper"]

MOST = 60  # moments


@pytest.fixture
def mortal(reaper, monkeypatch):
    """The reaper, also at operations on files; the dead delete nothing."""
    reaper._wrap(monkeypatch, Path, "replace")
    for name in ("_request", "_write"):
        reaper._wrap(monkeypatch, FileDownload, name)
    unlink = Path.unlink

    def unlinked(path: Path, **how) -> None:
        if not (reaper.killed and reaper.is_dying):
            unlink(path, **how)

    reaper.is_dying = False
    monkeypatch.setattr(Path, "unlink", unlinked)
    described: dict[bytes, tuple[dict, bytes]] = {}
    describe = VideoDecoder.describe

    def described_once(decoder: VideoDecoder, path: Path, user: str) -> tuple:
        """It writes nothing, and of the same video it says the same."""
        content = path.read_bytes()
        if content not in described:
            described[content] = describe(decoder, path, user)
        return described[content]

    monkeypatch.setattr(VideoDecoder, "describe", described_once)
    return reaper


def die_at_each_moment(
    mortal: Reaper,
    finished: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    keep: Callable[[int], object],
) -> int:
    """
    Fetch a video again and again, dying one moment later each time; whoever comes next
    finds what there is.

    Args:
        keep: Has this process keep videos somewhere, afresh.

    Returns:
        How many moments there are, and one more.
    """
    for number in range(1, MOST):
        begin_anew(get_db())
        for name in ("pictures.in_file", "pictures.in_s3", "ledgers"):
            get_db()[name].delete_many({})
        keep(number)
        task_id = finished()

        mortal.arm(number)
        mortal.is_dying = True
        with suppress(Died):
            video_fetching.fetch_one()
        mortal.disarm()
        mortal.is_dying = False
        come_due(state="fetching")
        video_fetching.fetch_one()

        (stored,) = Image.find_all({})
        assert Task.find_one({"_id": task_id}).status == "completed", mortal.seen
        assert Generation.find_one({}).state == "done"
        assert all(map(jobs.runtime().store.read, files_of(stored.to_mongo())))
        check_files(monkeypatch)
        with monkeypatch.context() as patched:
            patched.setattr(time, "time", lambda: 2**40)
            video_fetching.sweep()
        assert temporary_files() == []
        if not mortal.killed:
            break
    assert number < MOST - 1, mortal.seen
    return number


@pytest.mark.parametrize("kind", ["gridfs", "file"])
def test_death_at_any_moment_loses_and_repeats_nothing(
    mortal, finished, fetchable, tmp_path, monkeypatch, kind
):
    def keep(number: int) -> None:
        fetchable(STORAGE=kind, STORAGE_DIR=str(tmp_path / str(number)))

    assert die_at_each_moment(mortal, finished, monkeypatch, keep) >= 9
