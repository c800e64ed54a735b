"""Moving pictures from store to store, while they are looked at."""

from types import SimpleNamespace

import pytest
from bson import ObjectId
from mongoengine import get_db

from jimeng.documents import AuditEntry, Image
from jimeng.pictures.contents import InMemory
from jimeng.pictures.stores import CopyDiffers, FileStore, move, moving
from jimeng.pictures.stores.gridfs import GridFSStore
from jimeng.upkeep.janitor import file_ids_of_images
from tests.conftest import png
from tests.rest import create
from tests.storage.looks import bytes_in, bytes_of


@pytest.mark.parametrize("way", [("gridfs", "file"), ("file", "gridfs")])
def test_move_changes_no_document_and_no_link(app, client, work_off, stored_in, way):
    stored_in(way[0])
    ids = [create(client) for _ in range(2)]
    work_off()
    before = list(Image.collection().find())

    store = stored_in(way[1])
    source, show = store.others[0], app.test_cli_runner().invoke
    assert f"outputs: {way[0]}: 4 files" in show(args=["storage", "show"]).output
    moved = 0
    for _ in move(store, file_ids_of_images, grace=0.0):
        moved += 1
        assert [bytes_of(client, each) for each in ids] == [png()] * 2

    assert moved == 4
    assert (source.count(), store.first.count()) == (0, 4)
    assert list(Image.collection().find()) == before
    assert [bytes_of(client, each) for each in ids] == [png()] * 2
    assert list(move(store, file_ids_of_images, grace=0.0)) == []
    after = show(args=["storage", "show"]).output
    assert f"outputs: {way[0]}: 0 files" in after
    assert f"outputs: {way[1]}: 4 files" in after


def test_reader_in_the_midst_of_a_file_reads_on(stored_in, monkeypatch):
    """It stays for a while where it was, also the last one."""
    file_id = stored_in("gridfs").save(b"x" * 600_000, "image-1")
    store = stored_in("file")
    now, dropped = [0.0], []
    clock = SimpleNamespace(
        monotonic=lambda: now[-1], sleep=lambda wait: now.append(now[-1] + wait)
    )
    monkeypatch.setattr(moving, "time", clock)
    open_one = store.open_range(file_id)
    monkeypatch.setattr(
        moving, "drop", lambda source, left, *, before: dropped.append(before)
    )

    assert list(move(store, file_ids_of_images, grace=60.0)) == [600_000]

    assert dropped == [-60.0, 60.0]  # what was copied before; the last one, later
    assert b"".join(open_one) == b"x" * 600_000


def test_move_that_was_cut_off_is_begun_again(stored_in, monkeypatch):
    """Half a copy is made anew, a whole one is not written twice."""
    gridfs = stored_in("gridfs")
    first, second = gridfs.save_together("image-1", b"one", b"two")
    store = stored_in("file")
    store.first.put("image-1", {first: InMemory(b"one"), second: InMemory(b"tw")})
    written = []
    put = FileStore.put
    monkeypatch.setattr(
        FileStore,
        "put",
        lambda self, name, contents: (
            written.extend(contents) or put(self, name, contents)
        ),
    )

    assert list(move(store, file_ids_of_images, grace=0.0)) == [3, 3]

    assert written == [second]
    assert bytes_in(store.first, second) == b"two"
    assert store.size() == 6


def test_copy_that_differs_deletes_nothing(stored_in, monkeypatch):
    """The move ends, and says of which file."""
    file_id = stored_in("gridfs").save(b"one", "image-1")
    store = stored_in("file")
    monkeypatch.setattr(
        "jimeng.pictures.stores.files.write", lambda place, content: None
    )

    with pytest.raises(CopyDiffers, match=str(file_id)):
        list(move(store, file_ids_of_images, grace=0.0))

    assert bytes_in(store, file_id) == b"one"


def test_picture_deleted_during_its_copying_is_gone(stored_in, monkeypatch):
    file_id = stored_in("gridfs").save(b"one", "image-1")
    store = stored_in("file")
    put = FileStore.put

    def delete_too(self: FileStore, name: str, contents: dict) -> None:
        store.delete(file_id)
        put(self, name, contents)

    monkeypatch.setattr(FileStore, "put", delete_too)
    list(move(store, file_ids_of_images, grace=0.0))

    assert store.read(file_id) is None
    assert store.count() == 0


def test_file_that_is_being_written_is_left_alone(stored_in):
    """Its record comes after its bytes: an older process is about to write it."""
    stored_in("gridfs")
    file_id = ObjectId()
    chunk = {"files_id": file_id, "n": 0, "data": b"one"}
    get_db()["pictures.chunks"].insert_one(chunk)

    assert list(move(stored_in("file"), file_ids_of_images, grace=0.0)) == []

    assert get_db()["pictures.chunks"].count_documents({"files_id": file_id}) == 1


def test_file_is_found_while_it_moves(stored_in, monkeypatch):
    """Not yet there when the first is asked, and no more when the second is."""
    file_id = stored_in("gridfs").save(b"one", "image-1")
    store = stored_in("file")
    opened = GridFSStore.open_range

    def moved_before(self: GridFSStore, *asked: object):
        monkeypatch.setattr(GridFSStore, "open_range", opened)
        list(move(store, file_ids_of_images, grace=0.0))
        return opened(self, *asked)

    monkeypatch.setattr(GridFSStore, "open_range", moved_before)

    assert bytes_in(store, file_id) == b"one"


def test_damaged_file_is_not_spread(stored_in, directory):
    """What is not as it was given stays where it is, for whoever looks into it."""
    file_id = stored_in("file").save(b"one", "image-1")
    (kept,) = [each for each in directory.rglob("*") if each.is_file()]
    kept.write_bytes(b"two")
    store = stored_in("gridfs")

    assert list(move(store, file_ids_of_images, grace=0.0)) == []

    assert store.first.read(file_id) is None
    assert bytes_in(store, file_id) == b"two"


def test_what_could_not_be_moved_is_told_of(
    drawn, app, stored_in, directory, monkeypatch
):
    monkeypatch.setattr(moving, "GRACE_S", 0.0)
    stored_in("file")
    task_id = drawn()
    kept = [each for each in directory.rglob("*") if each.is_file()]
    kept[0].unlink()
    stored_in("gridfs")

    moved = app.test_cli_runner().invoke(args=["storage", "move"])

    assert moved.exit_code == 1
    assert "moved: 1 files" in moved.output
    entry = AuditEntry.find_one({"action": "storage.move"})
    assert entry.outcome["files"] == 1
    (shown,) = [x for x in moved.output.splitlines() if x.startswith("not moved: ")]
    assert (
        shown.startswith("not moved: outputs: file: 1 files")
        and f"{task_id}_0" in shown
    )
