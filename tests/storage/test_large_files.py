"""Files that are too long for memory: written, read, moved and backed up in pieces."""

import os
import secrets
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from errno import EXDEV
from pathlib import Path

import pytest
from bson import ObjectId
from gridfs.errors import CorruptGridFile
from mongoengine import get_db

from jimeng import jobs
from jimeng.errors import StorageUnavailable
from jimeng.operations import backup
from jimeng.pictures.contents import (
    PART_BYTES,
    PIECE_BYTES,
    InMemory,
    LocalFile,
    regroup,
)
from jimeng.pictures.stores import (
    ConfiguredStore,
    FileTooLarge,
    Store,
    StoredFile,
    move,
    moving,
    s3_client,
)
from jimeng.pictures.stores import gridfs as gridfs_store
from jimeng.pictures.stores.gridfs import CHUNK_BYTES
from jimeng.pictures.stores.s3_client import Bucket
from jimeng.upkeep import janitor
from tests.backup.conftest import RESTORED, copied, elsewhere
from tests.commands import counted
from tests.jobs.test_deaths import Died, reaper
from tests.storage.front import Trouble

__all__ = ["copied", "elsewhere", "reaper"]

MIB = 2**20
KINDS = ["gridfs", "file", "s3"]
PART = PIECE_BYTES  # of the files of these tests
LENGTH, MOST = 64 * PART, 24 * PART  # of a file, and of what is in memory of it
# From each kind, and to each; the other three are left to `make test-all`.
WAYS = [("gridfs", "s3"), ("s3", "file"), ("file", "gridfs")]
WAYS += [pytest.param(*each[::-1], marks=pytest.mark.system) for each in WAYS]
LATER = datetime.now(UTC) + timedelta(days=1)
UPLOADS = ("begin_upload", "put_part", "end_upload")


@pytest.fixture
def kept_in(in_bucket, directory, objects):
    """
    Has this process keep pictures there, and look in all other stores. The bucket is
    asked without what stands before it, which has whole bodies in memory.
    """
    near = {"STORAGE_DIR": str(directory), "S3_ENDPOINT": f"http://127.0.0.1:{objects}"}
    return lambda kind, **more: in_bucket(kind, **{**near, **more})


@pytest.fixture(autouse=True)
def short_parts(monkeypatch) -> None:
    """So that a file of few megabytes has many."""
    for module in ("gridfs", "s3", "moving"):
        monkeypatch.setattr(f"jimeng.pictures.stores.{module}.PART_BYTES", PART)
    monkeypatch.setattr("jimeng.operations.backup.pictures.PART_BYTES", PART)


@pytest.fixture
def local_file(tmp_path):
    """Makes a file that is nowhere in memory."""

    def make(length: int) -> Path:
        path = tmp_path / "fetched"
        with path.open("wb") as file:
            file.write(b"begins")
            file.truncate(length)
        return path

    return make


def named_by_nobody(where: dict) -> list[ObjectId]:
    return []


def sweep(monkeypatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(janitor, "UNREFERENCED_AFTER", timedelta(days=-1))
        janitor.sweep_files()


def open_uploads(store: ConfiguredStore, file_id: ObjectId) -> list[str]:
    (each,) = [each for each in store.stores if each.kind == "s3"]
    with each._bucket.operation():
        return each._bucket.open_uploads(each._key(file_id))


def is_empty(store: Store) -> bool:
    chunks = get_db()["pictures.chunks"].count_documents({})
    return not chunks and store.saved_before(LATER, after=None, limit=9) == {}


@pytest.mark.parametrize(("here", "there"), WAYS)
def test_file_that_is_moved_is_never_in_memory(kept_in, local_file, here, there):
    """A few parts of it are, however long it is."""
    source, file_id = kept_in(here), ObjectId()
    source.delete(source.save(b"as its clients take memory", "image-1"))
    kept_in(there).save(b"as its clients take memory", "image-1")
    store = kept_in(there)
    tracemalloc.start()
    try:
        source.put("video-1", {file_id: LocalFile(local_file(LENGTH))})
        moved = list(move(store, named_by_nobody, grace=0.0))
        pieces = store.first.open_range(file_id)
        assert sum(map(len, pieces)) == LENGTH
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert moved == [LENGTH]
    assert [each.count() for each in store.stores] == [2, 0, 0]
    assert peak < MOST


@pytest.mark.parametrize("kind", KINDS)
def test_any_range_can_be_read(kept_in, kind):
    content = secrets.token_bytes(3 * PART + 3 * CHUNK_BYTES + 5)
    store, file_id = kept_in(kind), ObjectId()
    store.put("video-1", {file_id: InMemory(content)})
    end = len(content)

    for first, last in [
        *[(0, 1), (0, 2), (CHUNK_BYTES - 1, CHUNK_BYTES + 1), (CHUNK_BYTES, end)],
        *[(PART - 7, PART + 7), (end - 1, end), (0, None), (5, None)],
    ]:
        pieces = list(store.open_range(file_id, first, last))
        assert b"".join(pieces) == content[first:last]
        assert max(map(len, pieces)) <= PIECE_BYTES
    assert store.find(file_id).length == end
    assert store.open_range(ObjectId()) is None


def test_reader_who_pauses_costs_one_chunk(database, config, kept_in):
    """Both ends are named to MongoDB, which else returns 16 MiB for each query."""
    file_id, store = ObjectId(), kept_in("gridfs")
    store.put("video-1", {file_id: InMemory(bytes(5 * MIB))})

    with counted(config) as commands:
        pieces = store.first.open_range(file_id, 0, 2)
        assert next(pieces) == b"\0\0"
        pieces.close()
        pieces = store.first.open_range(file_id, CHUNK_BYTES)
        next(pieces)
        next(pieces)
        pieces.close()

    asked = [
        each["filter"] for each in commands if each.get("find", "")[-6:] == "chunks"
    ]
    ends = [(each["n"]["$gte"], each["n"]["$lt"]) for each in asked]
    assert ends == [(0, 1), (1, 2), (2, 3)]


@pytest.mark.parametrize(
    "most",
    [8 * MIB, pytest.param(gridfs_store.MAX_FILE_BYTES, marks=pytest.mark.system)],
)
def test_file_beyond_what_mongodb_takes_is_refused(
    app, kept_in, local_file, monkeypatch, most
):
    """With a word on where it can be kept; one that just fits is taken."""
    monkeypatch.setattr(gridfs_store, "MAX_FILE_BYTES", most)
    store, file_id = kept_in("gridfs"), ObjectId()
    path = local_file(most + 1)
    said = f"{most // MIB} MiB. Set STORAGE=file or STORAGE=s3"

    with pytest.raises(FileTooLarge, match=f" {said}"):
        store.put("video-1", {file_id: LocalFile(path)})

    assert is_empty(store)
    os.truncate(path, most)
    store.put("video-1", {file_id: LocalFile(path)})
    assert store.find(file_id).length == most


def test_move_of_a_file_that_is_too_large_is_a_sentence(app, kept_in, monkeypatch):
    file_id = kept_in("file").save(b"too long", "image-1")
    monkeypatch.setattr(gridfs_store, "MAX_FILE_BYTES", 7)
    store = kept_in("gridfs")

    moved = app.test_cli_runner().invoke(args=["storage", "move"])

    assert moved.exit_code == 1
    assert "STORAGE=s3" in moved.output and "Traceback" not in moved.output
    assert store.read(file_id) == b"too long"


def test_local_file_becomes_the_stored_one(kept_in, local_file, monkeypatch):
    """One of another file system is copied; its maker deletes the first one."""
    store, file_id, path = kept_in("file"), ObjectId(), local_file(MIB)
    inode = path.stat().st_ino

    store.put("video-1", {file_id: LocalFile(path)})

    place = store.first._path(file_id)
    assert not path.exists()
    assert (place.stat().st_ino, place.stat().st_mode & 0o777) == (inode, 0o600)
    other, path, rename = ObjectId(), local_file(MIB), Path.replace

    def across(self: Path, target: Path) -> Path:
        if self == path:
            raise OSError(EXDEV, "Invalid cross-device link")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", across)
    store.put("video-1", {other: LocalFile(path)})
    assert store.read(other) == path.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_death_at_any_moment_of_a_write_leaves_what_the_sweep_takes(
    kept_in, reaper, monkeypatch, kind
):
    """Chunks without a record, parts without an object, half a file."""
    store, content = kept_in(kind), InMemory(bytes(2 * PART + 1))
    for name in UPLOADS:
        reaper._wrap(monkeypatch, Bucket, name)
    reaper._wrap(monkeypatch, Path, "replace")

    for number in range(1, 30):
        file_id = ObjectId()
        reaper.arm(number)
        with suppress(Died):
            store.put("video-1", {file_id: content})
        reaper.disarm()
        if not reaper.killed:
            break
        sweep(monkeypatch)
        assert is_empty(store), number
        assert open_uploads(store, file_id) == [], number

    assert number > {"gridfs": 4, "file": 2, "s3": 7}[kind]
    assert StoredFile(store, file_id, content.length).sha256 == content.sha256


@pytest.mark.parametrize(("here", "there"), WAYS)
def test_death_at_any_moment_of_a_move_loses_nothing(
    kept_in, reaper, monkeypatch, here, there
):
    """It can be read throughout; the move is begun again."""
    for name in (*UPLOADS, "put", "delete"):
        reaper._wrap(monkeypatch, Bucket, name)
    reaper._wrap(monkeypatch, Path, "replace")
    reaper._wrap(monkeypatch, Path, "unlink")
    content, file_id = InMemory(secrets.token_bytes(PART + 1)), ObjectId()
    kept_in(here).put("video-1", {file_id: content})
    store = kept_in(there)

    for number in range(1, 60):
        reaper.arm(number)
        with suppress(Died):
            list(move(store, named_by_nobody, grace=0.0))
        reaper.disarm()
        assert StoredFile(store, file_id, content.length).sha256 == content.sha256
        if not reaper.killed:
            break

    assert number > 4
    assert [each.count() for each in store.stores] == [1, 0, 0]
    assert get_db()["pictures.chunks"].count_documents({}) == 2 * (there == "gridfs")
    assert open_uploads(store, file_id) == []


def test_upload_that_fails_leaves_no_parts(in_bucket, front, monkeypatch):
    """
    They would take space for a day. Where nobody knows the upload's id, it is looked
    for under the name of the object.
    """
    store = in_bucket()
    refused, lost = ObjectId(), ObjectId()
    for file_id, trouble in (
        (refused, Trouble(on=("PUT",), code="QuotaExceeded")),
        (lost, Trouble(on=("POST",), gives=10)),
    ):
        front.trouble = trouble
        with pytest.raises(StorageUnavailable):
            store.put("video-1", {file_id: InMemory(bytes(PART + 1))})
    front.trouble = None
    assert [len(open_uploads(store, each)) for each in (refused, lost)] == [0, 1]

    sweep(monkeypatch)

    assert open_uploads(store, lost) == []
    assert is_empty(store)


def test_object_is_read_on_where_the_connection_ended(in_bucket, front, monkeypatch):
    """As while a player is paused; and after an end that whoever reads was told of."""
    monkeypatch.setattr(s3_client, "BACK_OFF_S", 0.0)
    monkeypatch.setattr(s3_client, "CAP", 2 * PIECE_BYTES)  # of one piece
    content = secrets.token_bytes(9 * PIECE_BYTES)
    store = in_bucket()
    file_id = store.save(content, "image-1")
    front.trouble = Trouble(on=("GET",), gives=PIECE_BYTES + 10)
    pieces = store.open_range(file_id)
    first = next(pieces)
    front.trouble = Trouble(on=("GET",), gives=10)
    with pytest.raises(StorageUnavailable):
        next(pieces)
    front.trouble = None

    assert first + b"".join(pieces) == content
    assert front.count("GET") == 3
    assert front.headers[-1]["Range"] == f"bytes={PIECE_BYTES}-{len(content) - 1}"


def test_file_with_a_chunk_missing_is_no_file(kept_in):
    """It is neither moved nor taken for a shorter one."""
    content = InMemory(bytes(5 * CHUNK_BYTES))
    store, file_id = kept_in("gridfs"), ObjectId()
    store.put("image-1", {file_id: content})
    get_db()["pictures.chunks"].delete_one({"files_id": file_id, "n": 3})

    with pytest.raises(CorruptGridFile):
        store.read(file_id)
    with pytest.raises(moving.FileDamaged):
        moving.verified(store, file_id)


@pytest.mark.parametrize(("here", "there"), [("file", "s3"), ("s3", "file")])
def test_backup_of_a_long_file_is_made_of_short_parts(
    kept_in, copied, elsewhere, local_file, tmp_path, here, there
):
    """And is loaded in pieces; an interrupted restore leaves nothing behind."""
    file_id = ObjectId()
    kept_in(here).put("video-1", {file_id: LocalFile(local_file(LENGTH))})
    small = jobs.runtime().store.save(b"small", "image-1")
    new = {"STORAGE_DIR": str(tmp_path / "new"), "S3_PREFIX": "new/"}

    copied()  # as clients take memory
    tracemalloc.start()
    try:
        path = copied()
        with elsewhere():
            store = kept_in(there, **new, MONGODB_DATABASE=RESTORED)
            left = tmp_path / "new" / "restoring" / "pictures" / "of the last try"
            left.parent.mkdir(parents=True)
            left.touch()
            backup.restore(path)
            content = StoredFile(store.first, file_id, LENGTH)
            assert content.read(0, 7) == b"begins\0"
            assert content.sha256 == store.find(file_id).sha256
            assert store.read(small) == b"small"
            assert get_db()["pictures.files"].count_documents({}) == 0
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert not left.parent.exists()
    assert peak < MOST


def test_file_that_is_deleted_while_it_is_backed_up_is_left_out(
    kept_in, copied, elsewhere, tmp_path, monkeypatch
):
    store, gone = kept_in("gridfs"), ObjectId()
    store.put("video-1", {gone: InMemory(bytes(40 * PART))})
    stays = store.save(b"stays", "image-1")
    verified = moving.verified

    def deleted_then(store: Store, file_id: ObjectId):
        content = verified(store, file_id)
        if file_id == gone:
            get_db()["pictures.chunks"].delete_one({"files_id": gone, "n": 30})
        return content

    monkeypatch.setattr(moving, "verified", deleted_then)
    path = copied()
    with elsewhere():
        new = {"STORAGE_DIR": str(tmp_path / "new"), "S3_PREFIX": "new/"}
        store = kept_in("file", **new, MONGODB_DATABASE=RESTORED)
        backup.restore(path)

        assert store.read(stays) == b"stays"
        assert store.read(gone) is None
        assert store.count() == 1
        assert not (tmp_path / "new" / "restoring" / "pictures").exists()


def test_pieces_are_regrouped():
    pieces = [b"a", b"", b"bcdefgh", b"ij"]

    assert list(regroup(pieces, 3)) == [b"abc", b"def", b"ghi", b"j"]
    assert list(regroup([], 3)) == []
    assert PART_BYTES >= 5 * MIB  # what S3 wants of all parts but the last
