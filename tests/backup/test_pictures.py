"""Backups of pictures in a directory or bucket: they are in it, and go anywhere."""

import itertools
from contextlib import suppress

import pytest

from jimeng import jobs
from jimeng.jobs import video_fetching
from jimeng.operations import backup
from jimeng.operations.backup import archive
from tests import videos
from tests.backup.conftest import RESTORED
from tests.conftest import come_due, png
from tests.inputs.test_uploads import upload
from tests.jobs.test_deaths import Died, reaper
from tests.jobs.video_setup import fetch, fetchable, finished, host, video_of
from tests.rest import create, result
from tests.storage.conftest import directory, front, in_bucket, objects, stored_in
from tests.storage.looks import bytes_of

__all__ = ["directory", "front", "in_bucket", "objects", "stored_in"]
__all__ += ["fetchable", "finished", "host", "reaper"]


@pytest.fixture
def kept_in(stored_in, in_bucket):
    """Has this process keep pictures there."""
    return lambda kind, **more: (in_bucket if kind == "s3" else stored_in)(kind, **more)


def manifest_of(path) -> archive.Manifest:
    return archive.Reader(path).verify()


def given_back(client, upload_id: str) -> bytes:
    with client.get(f"/api/v1/uploads/{upload_id}/content") as answer:
        return answer.data


WAYS = [("file", "s3"), ("s3", "gridfs"), ("gridfs", "file")]


@pytest.mark.parametrize(("here", "there"), WAYS)
def test_pictures_come_back_wherever_they_are_to_be_kept(
    client, drawn, provider, kept_in, elsewhere, copied, tmp_path, here, there
):
    """Drawn and given; what waited is not sent, and what was acknowledged is there."""
    kept_in(here)
    done = drawn()
    uploaded = upload(client)["id"]
    content = given_back(client, uploaded)
    waits = create(client)
    requests = len(provider.requests)

    path = copied()
    with elsewhere() as other:
        place = {"STORAGE_DIR": str(tmp_path / "new"), "S3_PREFIX": "new/"}
        store = kept_in(there, **place, MONGODB_DATABASE=RESTORED)
        backup.restore(path)

        assert bytes_of(other, done) == png()
        assert given_back(other, uploaded) == content
        assert result(other, waits)["error"]["code"] == "restored"
        assert (store.kind, store.first.count()) == (there, 2)
        assert sum(each.count() for each in store.others) == 0
        assert backup.without_bytes(manifest_of(path)) == []
    assert len(provider.requests) == requests


def test_videos_come_back_however_often_that_is_cut_off(
    client, kept_in, elsewhere, finished, host, reaper, monkeypatch, tmp_path
):
    """
    Whole, with the last frame; one that was being fetched is fetched there. The backup
    of before stays until there is another, and no half one is left.
    """
    allowed = {"ALLOWED_PRIVATE_HOSTS": ("127.0.0.1",)}
    kept_in("file", **allowed)
    content, frame = videos.mp4(160, 120), png(160, 120, "red")
    done = finished(content, last_frame_url=host.url("/last.png", frame))
    assert fetch().state == "done"
    under_way = finished(videos.mp4(80, 60))
    path = tmp_path / "jimeng.tar"
    path.write_bytes(b"of before")
    reaper._wrap(monkeypatch, archive.Writer, "add_part")
    for number in itertools.count(1):
        reaper.arm(number)
        with suppress(Died):
            backup.dump(path)
        reaper.disarm()
        if not reaper.killed:
            break
        assert path.read_bytes() == b"of before" or manifest_of(path)
        assert list(tmp_path.glob("*.partial")) == []
    assert number > 3

    with elsewhere() as other:
        place = {"STORAGE_DIR": str(tmp_path / "new"), "MONGODB_DATABASE": RESTORED}
        kept_in("file", **place, **allowed)
        for number in (1, 5, 20, 40):
            reaper.arm(number)
            with pytest.raises(Died):
                backup.restore(path)
        reaper.disarm()
        backup.restore(path)
        come_due(state="fetching")
        assert video_fetching.fetch_one()

        video = video_of(done)
        part = other.get(video.path, headers={"Range": "bytes=100-199"})
        assert (part.status_code, part.data) == (206, content[100:200])
        assert other.get(video.path).data == content
        assert other.get(video.last_frame_path).data == frame
        assert video_of(under_way).bytes == len(videos.mp4(80, 60))


def test_backup_is_of_all_places_while_they_move(
    drawn, kept_in, elsewhere, copied, tmp_path
):
    """What is in MongoDB still, or already, is in it once."""
    kept_in("gridfs")
    first = drawn()
    kept_in("file")
    second = drawn()

    path = copied()
    with elsewhere() as other:
        new = str(tmp_path / "new")
        store = kept_in("file", STORAGE_DIR=new, MONGODB_DATABASE=RESTORED)
        backup.restore(path)

        assert [bytes_of(other, each) for each in (first, second)] == [png()] * 2
        assert store.count() == 4


def test_without_pictures_it_tells_where_they_must_be(
    drawn, app, kept_in, elsewhere, tmp_path
):
    """Those who copy the directory by their own means have all again."""
    kept_in("file")
    done = drawn()
    path = tmp_path / "one.tar"
    run = app.test_cli_runner().invoke

    told = run(args=["backup", "--without-pictures", str(path)])

    assert told.exit_code == 0, told.output
    assert f"not in it: 2 files; copy {tmp_path / 'pictures'}" in told.output
    assert png() not in path.read_bytes()
    with elsewhere() as other:
        kept_in("file", MONGODB_DATABASE=RESTORED)
        manifest, _ = backup.restore(path)

        assert len(backup.without_bytes(manifest)) == 1
        assert bytes_of(other, done) == png()
        assert jobs.runtime().store.size() > 0


def test_damaged_picture_is_left_out_and_told_of(
    drawn, app, kept_in, directory, tmp_path
):
    """The others are in it; nobody takes the file for whole."""
    kept_in("file")
    drawn()
    largest = max(directory.rglob("*"), key=lambda each: each.is_file())
    largest.write_bytes(b"rotten")

    told = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "one.tar")])

    assert told.exit_code == 0, told.output
    assert "damaged, and not in it: 1 files" in told.output
