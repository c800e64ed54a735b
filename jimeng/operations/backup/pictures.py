"""
Back up files stored outside MongoDB in the format of GridFS.

So a backup does not depend on the store, and is restored to the store of the restoring
server's settings.
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bson import ObjectId, encode
from gridfs.errors import CorruptGridFile
from mongoengine import get_db

from jimeng.jobs import runtime
from jimeng.operations.backup.archive import PART_BYTES, Manifest, Writer
from jimeng.pictures.contents import Content, LocalFile
from jimeng.pictures.stores import ConfiguredStore, Store, moving, overview
from jimeng.pictures.stores.gridfs import INPUTS, RESULTS, chunks_of, record_of
from jimeng.pictures.stores.store import FileMissing

log = logging.getLogger(__name__)

PARALLEL_FILES = 4  # mostly waiting for the store; a part of each is in memory
FILES, CHUNKS = ".files", ".chunks"  # suffixes of GridFS collections


def stores() -> dict[str, Store]:
    """Bucket -> its store."""
    return {RESULTS: runtime().store, INPUTS: runtime().inputs}


def external_stores() -> dict[str, Store]:
    """The stores with files outside GridFS."""
    return {
        name: each
        for name, each in stores().items()
        if isinstance(each, ConfiguredStore)
    }


def is_of(buckets: Iterable[str], collection: str) -> bool:
    """Whether a collection is written by `dump`, or is a ledger of such a store."""
    names = [(f"{each}{FILES}", f"{each}{CHUNKS}") for each in buckets]
    ledgers = tuple(f"{each}.in_" for each in buckets)
    return collection.startswith(ledgers) or any(collection in each for each in names)


def collections(buckets: Iterable[str]) -> list[str]:
    return [f"{each}{kind}" for each in buckets for kind in (FILES, CHUNKS)]


def dump(
    bucket: str, store: Store, writer: Writer, report: Callable[[str, int], None]
) -> int:
    """
    Write all files of *bucket*, each verified by its stored SHA-256.

    Returns:
        How many were skipped because they are damaged.

    Raises:
        StorageUnavailable: a store cannot be reached.
    """
    files, chunks = bytearray(), bytearray()
    count = damaged = 0
    for file_id, name, content in contents(store):
        if content is None:
            damaged += 1
            continue
        count += 1
        files += encode(record_of(file_id, name, content.length))
        try:
            for row in chunks_of(file_id, content):
                chunks += encode(row)
                if len(chunks) >= PART_BYTES:
                    add(writer, bucket, files, chunks)
        except (FileMissing, CorruptGridFile):
            # The record has no bytes then; a restore leaves it out.
            log.warning("file deleted during the backup id=%s", file_id)
    add(writer, bucket, files, chunks)
    report(f"{bucket}{FILES}", count)
    return damaged


def add(writer: Writer, bucket: str, files: bytearray, chunks: bytearray) -> None:
    """Write a part of each, records first: they contain the lengths of the files."""
    for kind, part in ((FILES, files), (CHUNKS, chunks)):
        writer.add_part(f"{bucket}{kind}", bytes(part))
        part.clear()


def contents(store: Store) -> Iterator[tuple[ObjectId, str, Content | None]]:
    """
    Id, name and content of all files, None for damaged ones; files deleted meanwhile
    are skipped.
    """

    def verify(file_id: ObjectId) -> tuple[bool, Content | None]:
        try:
            content = moving.verified(store, file_id)
        except moving.FileDamaged as error:
            log.error("%s", error)
            return True, None
        return content is not None, content

    with ThreadPoolExecutor(PARALLEL_FILES, "backup") as pool:
        for batch in moving.batches(store, PARALLEL_FILES):
            found = pool.map(verify, batch)
            for (file_id, name), (is_there, content) in zip(
                batch.items(), found, strict=True
            ):
                if is_there:
                    yield file_id, name, content


def without_bytes(manifest: Manifest) -> list[str]:
    """The stores of pictures that the backup refers to, but does not contain."""
    locations = {
        f"{bucket}.in_{each.kind}": each.where
        for bucket, store in stores().items()
        for each in overview(store)
    }
    ledgers = [each for each in manifest.collections if ".in_" in each]
    filled = [each for each in ledgers if get_db()[each].estimated_document_count()]
    return [locations.get(each, f"{each} (no setting says where)") for each in filled]


class StoreLoader:
    """
    Loads the files of a bucket into its store, as their chunks arrive: in local files,
    which are stored as soon as they are complete.

    Args:
        bucket: The bucket of file ids.
        store: A store other than GridFS.
        directory: Of the local files.
    """

    def __init__(self, bucket: str, store: Store, directory: Path) -> None:
        self._store, self._directory = store, directory / bucket
        self._files = get_db()[f"{bucket}{FILES}"]
        self._missing: dict[ObjectId, int] = {}  # bytes that have not arrived
        # Files of an interrupted restore.
        shutil.rmtree(self._directory, ignore_errors=True)

    def receive(self, collection: str, rows: list) -> None:
        """
        Raises:
            OSError: there is no space for the local files.
            StorageUnavailable: the store cannot be reached.
        """
        if collection.endswith(FILES):
            # Stored until the content has arrived; a record without content remains.
            self._files.insert_many(rows)
            return
        ids = {"_id": {"$in": list({row["files_id"] for row in rows})}}
        records = {record["_id"]: record for record in self._files.find(ids)}
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for row in rows:
            if (record := records.get(row["files_id"])) is not None:
                self._write(record, row["n"], row["data"])
        whole = [each for each in records.values() if not self._missing[each["_id"]]]
        with ThreadPoolExecutor(PARALLEL_FILES, "restore") as pool:
            list(pool.map(self._put, whole))

    def _write(self, record: Mapping, n: int, data: bytes) -> None:
        file_id = record["_id"]
        flags = os.O_WRONLY | os.O_CREAT
        with open(os.open(self._path(file_id), flags, 0o600), "wb") as file:
            file.seek(n * record["chunkSize"])
            file.write(data)
        missing = self._missing.get(file_id, record["length"])
        self._missing[file_id] = missing - len(data)

    def _put(self, record: Mapping) -> None:
        file_id, path = record["_id"], self._path(record["_id"])
        self._store.put(record["filename"], {file_id: LocalFile(path)})
        path.unlink(missing_ok=True)
        self._files.delete_one({"_id": file_id})
        del self._missing[file_id]

    def _path(self, file_id: ObjectId) -> Path:
        return self._directory / str(file_id)

    def end(self) -> None:
        """Forget files whose chunks are not all in the backup: nobody can read them."""
        if self._missing:
            log.error("files incomplete in the backup count=%d", len(self._missing))
            self._files.delete_many({"_id": {"$in": list(self._missing)}})
        shutil.rmtree(self._directory, ignore_errors=True)


def store_loaders() -> dict[str, StoreLoader]:
    """A loader for each bucket whose store is not GridFS."""
    config = runtime().config
    # Where the file system is that of the store, if it is a directory.
    directory = Path(config.STORAGE_DIR or config.DATA_DIR) / "restoring"
    elsewhere = {n: each for n, each in stores().items() if each.kind != "gridfs"}
    return {
        name: StoreLoader(name, each, directory) for name, each in elsewhere.items()
    }
