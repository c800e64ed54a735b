"""Pictures in a directory: kept whole, served as ever, waited for."""

import errno
from datetime import UTC, datetime, timedelta

import pytest
from bson import ObjectId
from mongoengine import get_db
from pymongo.collection import Collection

from jimeng.errors import StorageUnavailable
from jimeng.jobs import janitor, pump, retention, saving
from jimeng.pictures.contents import FilePieces, InMemory
from jimeng.pictures.stores import FileStore
from jimeng.pictures.stores.gridfs import RESULTS
from jimeng.providers import Progress
from tests.conftest import come_due, png, run_queue
from tests.rest import create, result, task
from tests.storage.looks import bytes_of, check_served

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

    assert on_disk(directory) == []
    assert list(files.saved_before(LATER, after=None, limit=9).values()) == ["image-1"]


def full(*args: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_pictures_are_served_from_the_directory(client, drawn, stored_in, directory):
    """The picture and its thumbnail."""
    stored_in("file")
    task_id = drawn()

    check_served(client, task_id)
    assert len(on_disk(directory)) == 2


def test_client_that_leaves_closes_the_file(client, drawn, stored_in, monkeypatch):
    """With the response, which has not ended."""
    closed = []
    close = FilePieces.close
    monkeypatch.setattr(
        FilePieces, "close", lambda self: closed.append(1) or close(self)
    )
    stored_in("file")
    task_id = drawn()
    url = result(client, task_id)["result"]["image_url"]
    closed.clear()

    answer = client.get(url, buffered=False)
    assert closed == []
    answer.close()

    assert closed == [1]


def test_what_no_picture_names_is_swept_and_the_rest_stays(
    client, drawn, stored_in, monkeypatch
):
    store = stored_in("file")
    task_id = drawn()
    idle = [each.save(b"idle", "nobody") for each in store.stores]

    monkeypatch.setattr(janitor, "UNREFERENCED_AFTER", timedelta(days=-1))
    janitor.sweep_files()

    assert [store.read(each) for each in idle] == [None, None]
    assert bytes_of(client, task_id) == png()


def test_full_directory_is_waited_for_without_fetching_again(
    client, provider, work_off, stored_in, monkeypatch
):
    """What was fetched is kept next to the documents, the rest when there is room."""
    fetched = []
    monkeypatch.setattr(
        saving, "fetch_picture", lambda *a, **k: fetched.append(1) or png()
    )
    link = ("http://127.0.0.1/x",)
    provider.polls = [Progress(f"remote-{n}", done=True, urls=link) for n in (1, 2)]
    stored_in("file")
    first, second = create(client), create(client)
    with monkeypatch.context() as patched:
        patched.setattr("jimeng.pictures.stores.files.os.fsync", full)
        for _ in range(6):
            pump.tick()
            run_queue()
            come_due()
        waiting = task(client, second)
    assert bytes_of(client, first) == png()
    assert waiting["status"] == "processing"
    assert len(fetched) == 1

    work_off()

    assert result(client, second)["status"] == "completed"
    assert (len(fetched), len(provider.requests)) == (2, 2)
    assert get_db()["pictures.files"].count_documents({}) == 2


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
