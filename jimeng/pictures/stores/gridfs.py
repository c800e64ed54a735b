"""GridFS: files in MongoDB."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import BinaryIO

from bson import ObjectId
from gridfs import GridFSBucket, NoFile
from mongoengine import get_db

from jimeng.pictures.stores.store import Store, ids_between

RESULTS, INPUTS = "pictures", "inputs"  # buckets of outputs and of inputs
CHUNK_BYTES = 255 * 1024  # the default of GridFS


def rows_of(name: str, contents: dict[ObjectId, bytes]) -> tuple[list, list]:
    """The GridFS documents of files: records and chunks."""
    now = datetime.now(UTC)
    files = [
        {
            "_id": file_id,
            "filename": name,
            "length": len(content),
            "chunkSize": CHUNK_BYTES,
            "uploadDate": now,
        }
        for file_id, content in contents.items()
    ]
    chunks = [
        {
            "_id": ObjectId(),
            "files_id": file_id,
            "n": n,
            "data": content[start : start + CHUNK_BYTES],
        }
        for file_id, content in contents.items()
        for n, start in enumerate(range(0, len(content), CHUNK_BYTES))
    ]
    return files, chunks


class GridFSStore(Store):
    """
    With the write concern of the connection: a file must be on a majority before the
    document that refers to it.

    Args:
        bucket: The name of the GridFS bucket.
    """

    kind, where = "gridfs", "MongoDB"

    def __init__(self, bucket: str = RESULTS) -> None:
        self.name = bucket

    @property
    def _bucket(self) -> GridFSBucket:
        return GridFSBucket(get_db(), self.name)

    def save(self, content: bytes | BinaryIO, name: str) -> ObjectId:
        """As `Store.save`; a file is streamed."""
        return self._bucket.upload_from_stream(name, content)

    def put(self, name: str, contents: dict[ObjectId, bytes]) -> None:
        """
        As `Store.put`, with two commands for all files. PyMongo's writer needs four for
        each, two of which check indexes that `documents.indexes` creates.
        """
        files, chunks = rows_of(name, contents)
        # Chunks first: a record then has all its content.
        get_db()[f"{self.name}.chunks"].insert_many(chunks)
        get_db()[f"{self.name}.files"].insert_many(files)

    def open(self, file_id: ObjectId) -> BinaryIO | None:
        try:
            return self._bucket.open_download_stream(file_id)
        except NoFile:
            return None

    def delete(self, file_id: ObjectId) -> None:
        with suppress(NoFile):
            self._bucket.delete(file_id)

    def size(self) -> int:
        """The size according to MongoDB's statistics."""
        return int(get_db().command("collStats", f"{self.name}.chunks").get("size", 0))

    def count(self) -> int:
        return get_db()[f"{self.name}.files"].estimated_document_count()

    def works(self) -> bool:
        """True: documents and files are in the same database."""
        return True

    def saved_before(
        self, moment: datetime, *, after: ObjectId | None, limit: int
    ) -> dict[ObjectId, str]:
        # Chunks are written before the record and deleted after it, so a crash in
        # between leaves chunks without a record, which have no name.
        first = {"files_id": ids_between(after, moment), "n": 0}
        name_only = {"_id": 0, "files_id": 1}
        chunks = get_db()[f"{self.name}.chunks"].find(first, name_only)
        found = [row["files_id"] for row in chunks.sort("files_id", 1).limit(limit)]
        files = get_db()[f"{self.name}.files"].find({"_id": {"$in": found}})
        names = {row["_id"]: row["filename"] for row in files}
        return {file_id: names.get(file_id, "") for file_id in found}
