"""Where the bytes of pictures are kept: GridFS, next to the documents."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import BinaryIO

from bson import ObjectId
from gridfs import GridFSBucket, NoFile
from mongoengine import get_db

from jimeng.pictures.stores.store import Store, ids_between

RESULTS, INPUTS = "pictures", "inputs"  # what was drawn, and what was given
CHUNK = 255 * 1024  # bytes; GridFS's own


def rows_of(name: str, contents: dict[ObjectId, bytes]) -> tuple[list, list]:
    """What GridFS writes down for files under these ids: their records, their bytes."""
    now = datetime.now(UTC)
    files = [
        {
            "_id": file_id,
            "filename": name,
            "length": len(content),
            "chunkSize": CHUNK,
            "uploadDate": now,
        }
        for file_id, content in contents.items()
    ]
    chunks = [
        {
            "_id": ObjectId(),
            "files_id": file_id,
            "n": n,
            "data": content[start : start + CHUNK],
        }
        for file_id, content in contents.items()
        for n, start in enumerate(range(0, len(content), CHUNK))
    ]
    return files, chunks


class GridFSStore(Store):
    """
    With the concern of the connection: the bytes must be on a majority before the
    document that names them is.

    Args:
        bucket: Whose ids are its own.
    """

    kind, where = "gridfs", "MongoDB"

    def __init__(self, bucket: str = RESULTS) -> None:
        self.name = bucket

    @property
    def _bucket(self) -> GridFSBucket:
        return GridFSBucket(get_db(), self.name)

    def save(self, content: bytes | BinaryIO, name: str) -> ObjectId:
        """As `Store.save`; a file is in memory by pieces alone."""
        return self._bucket.upload_from_stream(name, content)

    def put(self, name: str, contents: dict[ObjectId, bytes]) -> None:
        """
        As `Store.put`, in two commands for all.

        GridFS's own writer takes four for each, of which two are looks for indexes
        that `documents.indexes` sees to.
        """
        files, chunks = rows_of(name, contents)
        # The bytes first: what the record of a file promises is there.
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
        """As MongoDB keeps count of them."""
        return int(get_db().command("collStats", f"{self.name}.chunks").get("size", 0))

    def count(self) -> int:
        return get_db()[f"{self.name}.files"].estimated_document_count()

    def works(self) -> bool:
        """Where documents are kept, pictures can be."""
        return True

    def saved_before(
        self, moment: datetime, *, after: ObjectId | None, limit: int
    ) -> dict[ObjectId, str]:
        # The bytes come before the file and go after it, so a process that dies
        # between the two leaves bytes under a name that only they know.
        first = {"files_id": ids_between(after, moment), "n": 0}
        name_only = {"_id": 0, "files_id": 1}
        chunks = get_db()[f"{self.name}.chunks"].find(first, name_only)
        found = [row["files_id"] for row in chunks.sort("files_id", 1).limit(limit)]
        files = get_db()[f"{self.name}.files"].find({"_id": {"$in": found}})
        names = {row["_id"]: row["filename"] for row in files}
        return {file_id: names.get(file_id, "") for file_id in found}
