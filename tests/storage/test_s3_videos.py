"""A video is fetched into a bucket, whatever ails that, and whenever somebody dies."""

from collections.abc import Callable

import pytest

from jimeng import jobs
from jimeng.documents import Image, Task
from jimeng.documents.image import files_of
from jimeng.pictures.stores import s3, s3_client
from jimeng.pictures.stores.s3_client import Bucket
from tests import videos
from tests.conftest import png
from tests.jobs.test_deaths import check_files, reaper
from tests.jobs.test_video_deaths import die_at_each_moment, mortal
from tests.jobs.video_setup import (
    fetch,
    fetchable,
    finished,
    host,
    later,
    temporary_files,
    video_of,
)
from tests.storage.front import Trouble
from tests.storage.test_large_files import open_uploads

__all__ = ["fetchable", "finished", "host", "mortal", "reaper"]

PART = 1024  # bytes: a video has several
WRITES = ("PUT", "POST", "DELETE")
TROUBLES = {
    "full": Trouble(on=WRITES, code="QuotaExceeded"),
    "refusing": Trouble(code="AccessDenied"),
    "away": Trouble(takes=0),
}
KEPT = ("begin_upload", "put_part", "end_upload", "put", "delete", "abort_upload")


@pytest.fixture(autouse=True)
def short_parts(monkeypatch) -> None:
    """And a bucket that did not answer is soon asked again."""
    monkeypatch.setattr(s3, "PART_BYTES", PART)
    monkeypatch.setattr(s3_client, "BACK_OFF_S", 0.0)


@pytest.fixture
def bucket(fetchable, in_bucket) -> Callable[[], None]:
    """Has this process keep videos in a bucket."""

    def keep() -> None:
        in_bucket(ALLOWED_PRIVATE_HOSTS=("127.0.0.1",))

    keep()
    return keep


def check_stored(task_id: str, content: bytes, monkeypatch) -> None:
    """Whole, and in the bucket there is nothing else."""
    video, store = video_of(task_id), jobs.runtime().store
    assert Task.find_one({"_id": task_id}).status == "completed"
    assert store.first.kind == "s3"
    assert store.first.read(video.file_id) == content
    pieces = store.open_range(video.file_id, PART - 1, 2 * PART + 1)
    assert b"".join(pieces) == content[PART - 1 : 2 * PART + 1]
    files = files_of(video.to_mongo())
    assert all(map(store.first.read, files))
    check_files(monkeypatch)
    assert store.first.count() == len(files)
    for file_id in files:
        assert open_uploads(store, file_id) == []
    assert temporary_files() == []


@pytest.mark.parametrize("name", TROUBLES)
def test_bucket_that_breaks_off_is_waited_for(
    bucket, finished, host, front, monkeypatch, name
):
    """
    Not in the database meanwhile: a video may be larger than that has room for. In the
    middle of an upload, too: its parts are not left there.
    """
    put_part = Bucket.put_part

    def put(this: Bucket, key: str, upload: str, number: int, content: bytes) -> str:
        if number == 2:
            front.trouble = TROUBLES[name]
        return put_part(this, key, upload, number, content)

    content = videos.mp4(160, 120, frames=48)
    last = host.url("/last.png", png(160, 120, "red"))
    task_id = finished(content, last_frame_url=last, asked={"last_frame": True})
    with monkeypatch.context() as patched:
        patched.setattr(Bucket, "put_part", put)
        for _ in range(3):
            waiting = fetch()
            assert (waiting.state, waiting.trouble) == (
                *("fetching", "storage_unavailable"),
            )
            later()
    assert Image.find_one({}) is None
    assert temporary_files() == []

    front.trouble = None
    assert fetch().state == "done"

    check_stored(task_id, content, monkeypatch)
    assert jobs.runtime().store.first.count() == 3


def test_death_at_any_moment_loses_and_repeats_nothing(
    mortal, finished, bucket, monkeypatch
):
    """Before each write and each call of the bucket, too."""
    for name in KEPT:
        mortal._wrap(monkeypatch, Bucket, name)

    assert die_at_each_moment(mortal, finished, monkeypatch, lambda _: bucket()) > 12
