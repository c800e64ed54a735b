"""
Back up files stored outside MongoDB in the format of GridFS.

So a backup does not depend on the store, and is restored to the store of the restoring
server's settings.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from bson import ObjectId, encode
from mongoengine import get_db

from jimeng.jobs import runtime
from jimeng.operations.backup.archive import PART_BYTES, Manifest, Writer
from jimeng.pictures.stores import ConfiguredStore, Store, moving, overview
from jimeng.pictures.stores.gridfs import INPUTS, RESULTS, rows_of

PARALLEL_FILES = 4  # mostly waiting for the store; each file is in memory
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
    bucket: str, store: Store, writer: Writer, tell: Callable[[str, int], None]
) -> int:
    """
    Write all files of *bucket*, each verified by its stored SHA-256.

    Returns:
        How many were left out because they are damaged.

    Raises:
        StorageUnavailable: a store cannot be reached.
    """
    files, chunks = bytearray(), bytearray()
    count = damaged = 0
    for file_id, name, content in contents(store):
        if moving.is_damaged(store, file_id, content):
            damaged += 1
            continue
        count += 1
        records, pieces = rows_of(name, {file_id: content})
        files += b"".join(map(encode, records))
        chunks += b"".join(map(encode, pieces))
        if len(chunks) >= PART_BYTES:
            add(writer, bucket, files, chunks)
    add(writer, bucket, files, chunks)
    tell(f"{bucket}{FILES}", count)
    return damaged


def add(writer: Writer, bucket: str, files: bytearray, chunks: bytearray) -> None:
    """Write a part of each, records first: they contain the lengths of the files."""
    for kind, part in ((FILES, files), (CHUNKS, chunks)):
        writer.add_part(f"{bucket}{kind}", bytes(part))
        part.clear()


def contents(store: Store) -> Iterator[tuple[ObjectId, str, bytes]]:
    """Id, name and content of all files; files deleted meanwhile are left out."""
    with ThreadPoolExecutor(PARALLEL_FILES, "backup") as pool:
        for batch in moving.batches(store, PARALLEL_FILES):
            found = pool.map(lambda each: moving.read(store, each), batch)
            for (file_id, name), content in zip(batch.items(), found, strict=True):
                if content is not None:
                    yield file_id, name, content


def without_bytes(manifest: Manifest) -> list[str]:
    """The stores of pictures that the backup refers to, but does not contain."""
    places = {
        f"{bucket}.in_{each.kind}": each.where
        for bucket, store in stores().items()
        for each in overview(store)
    }
    ledgers = [each for each in manifest.collections if ".in_" in each]
    filled = [each for each in ledgers if get_db()[each].estimated_document_count()]
    return [places.get(each, f"{each} (no setting says where)") for each in filled]


class StoreLoader:
    """
    Loads the files of a bucket into its store, as their parts arrive.

    Args:
        bucket: The bucket of file ids.
        store: A store other than GridFS.
    """

    def __init__(self, bucket: str, store: Store) -> None:
        self._store = store
        self._files = get_db()[f"{bucket}{FILES}"]
        self._chunks = get_db()[f"{bucket}{CHUNKS}"]
        self._begun: dict[ObjectId, dict[int, bytes]] = {}

    def take(self, collection: str, rows: list) -> None:
        """
        Raises:
            StorageUnavailable: the store cannot be reached.
        """
        if collection.endswith(FILES):
            # Stored until the content has arrived; a record without content remains.
            self._files.insert_many(rows)
            return
        for row in rows:
            pieces = self._begun.setdefault(row["files_id"], {})
            pieces[row["n"]] = row["data"]
        ids = {"_id": {"$in": list({row["files_id"] for row in rows})}}
        whole = list(filter(self._is_whole, self._files.find(ids)))
        with ThreadPoolExecutor(PARALLEL_FILES, "restore") as pool:
            list(pool.map(self._put, whole))

    def _is_whole(self, about: Mapping) -> bool:
        there = sum(map(len, self._begun[about["_id"]].values()))
        return there == about["length"]

    def _put(self, about: Mapping) -> None:
        file_id = about["_id"]
        pieces = self._begun.pop(file_id)
        content = b"".join(pieces[n] for n in sorted(pieces))
        self._store.put(about["filename"], {file_id: content})
        self._files.delete_one({"_id": file_id})

    def end(self) -> None:
        """Store incomplete files in GridFS, as they were read."""
        rows = [
            {"files_id": file_id, "n": n, "data": data}
            for file_id, pieces in self._begun.items()
            for n, data in pieces.items()
        ]
        if rows:
            self._chunks.insert_many(rows)


def store_loaders() -> dict[str, StoreLoader]:
    """A loader for each bucket whose store is not GridFS."""
    elsewhere = {n: each for n, each in stores().items() if each.kind != "gridfs"}
    return {name: StoreLoader(name, each) for name, each in elsewhere.items()}
