"""Pictures in a directory: kept whole, served as ever, waited for."""

import errno
from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId
from pymongo.collection import Collection

from jimeng.errors import StorageUnavailable
from jimeng.pictures.contents import FilePieces, InMemory
from jimeng.pictures.stores import FileStore
from jimeng.pictures.stores.gridfs import RESULTS
from jimeng.upkeep import retention
from tests.rest import result
from tests.storage.looks import check_served

LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def files(database, directory) -> FileStore:
    return FileStore(directory, RESULTS)


def on_disk(directory) -> list:
    return [path for path in directory.rglob("*") if path.is_file()]


def test_file_comes_back_as_it_was_for_its_owner_only(files, directory):
    first, second = files.save_together("image-1", b"x" * 3_000_000, b"small")

    assert b"".join(files.open_range(first, 2_999_999)) == b"x"
    assert files.size() == 3_000_005
    assert {path.stat().st_mode & 0o777 for path in on_disk(directory)} == {0o600}
    assert (directory / RESULTS).stat().st_mode & 0o777 == 0o700
    files.delete(first)
    files.delete(first)
    assert files.read(first) is None
    assert files.saved_before(LATER, after=None, limit=9) == {second: "image-1"}


def test_disk_that_is_full_leaves_nothing_behind(files, directory):
    """What is known of it is known before its bytes, so that it is swept."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("jimeng.pictures.stores.files.os.fsync", full)
        patched.setattr("jimeng.pictures.stores.files.sync", lambda path: None)
        with pytest.raises(StorageUnavailable):
            files.save(b"bytes", "image-1")
        assert not files.works()

    assert on_disk(directory) == []
    assert list(files.saved_before(LATER, after=None, limit=9).values()) == ["image-1"]


def full(*args: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_pictures_are_served_from_the_directory(
    client, drawn, stored_in, directory, monkeypatch
):
    """
    The picture and its thumbnail. A client that leaves closes the file, with the
    response, which has not ended.
    """
    closed = []
    close = FilePieces.close
    monkeypatch.setattr(
        FilePieces, "close", lambda self: closed.append(1) or close(self)
    )
    stored_in("file")
    task_id = drawn()

    check_served(client, task_id)
    assert len(on_disk(directory)) == 2
    closed.clear()
    answer = client.get(result(client, task_id)["result"]["image_url"], buffered=False)
    assert closed == []
    answer.close()
    assert closed == [1]


def test_sum_of_bytes_costs_the_same_however_many_there_are(files, monkeypatch):
    """It is kept beside the rows, and mended by adding up where somebody died."""
    files.save_together("image-1", b"one", b"three")
    assert files.size() == 8
    files.delete(files.save(b"four", "image-2"))
    added_up = []
    monkeypatch.setattr(
        Collection, "aggregate", lambda *a, **k: added_up.append(1) or [{"bytes": 8}]
    )
    kept = files.save(b"four", "image-3")
    files.put("image-3", {kept: InMemory(b"four")})

    assert files.size() == 12
    assert added_up == []
    files.add_up()
    assert (files.size(), added_up) == (8, [1])


@pytest.mark.parametrize("how", ["not mounted", "spoilt"])
def test_directory_that_cannot_be_read_is_said(
    client, drawn, stored_in, directory, how
):
    """And not that there is no such picture; nothing is written to its place."""
    store = stored_in("file")
    task_id = drawn()
    url = result(client, task_id)["result"]["image_url"]
    bucket = directory / RESULTS

    bucket.rename(directory / "away")
    if how == "spoilt":
        bucket.write_text("no directory")
    answer = client.get(url)

    assert answer.status_code == 503
    assert str(directory) not in answer.text
    for change in (lambda: store.save(b"new", "x"), lambda: store.delete(ObjectId())):
        with pytest.raises(StorageUnavailable):
            change()
    assert not bucket.is_dir()
    assert not store.first.works()


def test_little_room_in_the_directory_refuses_new_tasks(stored_in, monkeypatch):
    """As on MongoDB's disk: the lesser counts."""
    stored_in("file")
    monkeypatch.setattr(FileStore, "free_bytes", lambda self: 0)

    assert retention.free_bytes() == 0
