"""GridFS: files in MongoDB."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain, islice

from bson import ObjectId
from gridfs.errors import CorruptGridFile
from mongoengine import get_db
from pymongo.collection import Collection

from jimeng.pictures.contents import PART_BYTES, Content, Pieces, regroup
from jimeng.pictures.stores.store import FileInfo, Store, ids_between

RESULTS, INPUTS = "pictures", "inputs"  # buckets of outputs and of inputs
MIB = 2**20
CHUNK_BYTES = 255 * 1024  # the default of GridFS
# Longer files would soon turn over the oplog of a replica set, so that a member which
# was away for a while could not follow any more.
MAX_FILE_BYTES = 128 * MIB
# A short file is read in few queries. Of a longer one, such as a video, a reader that
# pauses must not have more than a chunk in memory.
SHORT_BYTES, CHUNKS_AT_ONCE = 4 * MIB, 4


class FileTooLarge(Exception):
    """GridFS takes no files of that length."""


def record_of(file_id: ObjectId, name: str, length: int) -> dict:
    """The GridFS document of a file."""
    return {
        "_id": file_id,
        "filename": name,
        "length": length,
        "chunkSize": CHUNK_BYTES,
        "uploadDate": datetime.now(UTC),
    }


def chunks_of(file_id: ObjectId, content: Content) -> Iterator[dict]:
    """The GridFS documents of its bytes."""
    with closing(content.pieces()) as pieces:
        for n, data in enumerate(regroup(pieces, CHUNK_BYTES)):
            yield {"_id": ObjectId(), "files_id": file_id, "n": n, "data": data}


class GridFSStore(Store):
    """
    With the write concern of the connection: a file must be on a majority before the
    document that refers to it.

    Args:
        bucket: The name of the GridFS bucket.
    """

    kind, where = "gridfs", "MongoDB"
    max_file_bytes = MAX_FILE_BYTES

    def __init__(self, bucket: str = RESULTS) -> None:
        self.name = bucket

    @property
    def _files(self) -> Collection:
        return get_db()[f"{self.name}.files"]

    @property
    def _chunks(self) -> Collection:
        return get_db()[f"{self.name}.chunks"]

    def put(self, name: str, contents: Mapping[ObjectId, Content]) -> None:
        """
        As `Store.put`, with two commands for all files together if these are small.
        PyMongo's writer needs four for each, two of which check indexes that
        `documents.indexes` creates.
        """
        for file_id, each in contents.items():
            if each.length > MAX_FILE_BYTES:
                raise FileTooLarge(
                    f"file {file_id} has {each.length / MIB:.0f} MiB; MongoDB stores "
                    f"files of up to {MAX_FILE_BYTES // MIB} MiB. Set STORAGE=file or "
                    "STORAGE=s3"
                )
        # Chunks first: a record then has all its content.
        rows = chain.from_iterable(chunks_of(*each) for each in contents.items())
        while batch := list(islice(rows, PART_BYTES // CHUNK_BYTES)):
            self._chunks.insert_many(batch)
        self._files.insert_many(
            [
                record_of(file_id, name, each.length)
                for file_id, each in contents.items()
            ]
        )

    def find(self, file_id: ObjectId) -> FileInfo | None:
        found = self._files.find_one({"_id": file_id}, {"length": 1})
        return FileInfo(found["length"]) if found else None

    def open_range(
        self, file_id: ObjectId, start: int = 0, end: int | None = None
    ) -> Pieces | None:
        found = self._files.find_one({"_id": file_id})
        return self._pieces(found, start, end) if found else None

    def _pieces(
        self, found: Mapping, start: int, end: int | None
    ) -> Generator[bytes, None, None]:
        """
        Raises:
            CorruptGridFile: a chunk is missing or truncated.
        """
        length, size = found["length"], found["chunkSize"]
        end = length if end is None else min(end, length)
        n, beyond = start // size, -(-end // size)
        at_once = CHUNKS_AT_ONCE if length <= SHORT_BYTES else 1
        while n < beyond:
            # Both ends are named: a query without an end returns up to 16 MiB.
            some = {"$gte": n, "$lt": min(n + at_once, beyond)}
            rows = self._chunks.find({"files_id": found["_id"], "n": some})
            for row in rows.sort("n", 1):
                data, begin = row["data"], n * size
                if row["n"] != n or len(data) != min(size, length - begin):
                    break
                yield data[max(start - begin, 0) : end - begin]
                n += 1
            if n < some["$lt"]:
                raise CorruptGridFile(f"chunk {n} of {found['_id']}")

    def delete(self, file_id: ObjectId) -> None:
        self._files.delete_one({"_id": file_id})
        # The first chunk last: by it, `saved_before` finds the others after a crash.
        self._chunks.delete_many({"files_id": file_id, "n": {"$gt": 0}})
        self._chunks.delete_many({"files_id": file_id})

    def size(self) -> int:
        """The size according to MongoDB's statistics."""
        return int(get_db().command("collStats", f"{self.name}.chunks").get("size", 0))

    def count(self) -> int:
        return self._files.estimated_document_count()

    def works(self) -> bool:
        """True: documents and files are in the same database."""
        return True

    def saved_before(
        self, moment: datetime, *, after: ObjectId | None, limit: int
    ) -> dict[ObjectId, str]:
        # Chunks are written before the record and deleted after it, so a crash in
        # between leaves chunks without a record, which have no name.
        first = {"files_id": ids_between(after, moment), "n": 0}
        chunks = self._chunks.find(first, {"_id": 0, "files_id": 1})
        found = [row["files_id"] for row in chunks.sort("files_id", 1).limit(limit)]
        files = self._files.find({"_id": {"$in": found}})
        names = {row["_id"]: row["filename"] for row in files}
        return {file_id: names.get(file_id, "") for file_id in found}
