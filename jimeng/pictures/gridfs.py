"""Where the bytes of pictures are kept: GridFS, next to the documents."""

from datetime import UTC, datetime
from typing import BinaryIO

from bson import ObjectId
from gridfs import GridFSBucket, NoFile
from mongoengine import get_db

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


class GridFSStore:
    """
    Files under ids that are never used twice, so that a second attempt to save
    a picture cannot spoil the first.

    Args:
        bucket: Whose ids are its own.
    """

    kind, where = "gridfs", "MongoDB"

    def __init__(self, bucket: str = RESULTS) -> None:
        self.name = bucket

    @property
    def _bucket(self) -> GridFSBucket:
        # With the concern of the connection: the bytes must be on a majority
        # before the document that names them is.
        return GridFSBucket(get_db(), self.name)

    def save(self, content: bytes | BinaryIO, name: str) -> ObjectId:
        """
        Keep *content* and return the new id it can be read back with.

        Args:
            name: The id of the record that will name it; without one it is swept.
        """
        return self._bucket.upload_from_stream(name, content)

    def save_together(self, name: str, *contents: bytes) -> list[ObjectId]:
        """
        Keep several files at once: as `save` does each, in two commands for all.

        GridFS's own writer takes four for each, of which two are looks for indexes
        that `documents.indexes` sees to.
        """
        ids = [ObjectId() for _ in contents]
        self.put(name, dict(zip(ids, contents, strict=True)))
        return ids

    save_anywhere = save_together

    def put(self, name: str, contents: dict[ObjectId, bytes]) -> None:
        """Keep files under ids that they have already."""
        files, chunks = rows_of(name, contents)
        # The bytes first: what the record of a file promises is there.
        get_db()[f"{self.name}.chunks"].insert_many(chunks)
        get_db()[f"{self.name}.files"].insert_many(files)

    def open(self, file_id: ObjectId) -> BinaryIO | None:
        """The bytes as a file that can be read and sought in, or None."""
        try:
            return self._bucket.open_download_stream(file_id)
        except NoFile:
            return None

    def delete(self, file_id: ObjectId) -> None:
        """Forget the bytes; none there is as good."""
        try:
            self._bucket.delete(file_id)
        except NoFile:
            return

    def link(
        self, file_id: ObjectId, *, seconds: float, content_type: str
    ) -> str | None:
        """A link under which anybody can fetch the bytes for a while; None here."""
        return None

    def sha256_of(self, file_id: ObjectId) -> str | None:
        """None: MongoDB sees to it by itself that what it reads is what it wrote."""
        return None

    def add_up(self) -> None:
        """Nothing: MongoDB keeps the sum."""

    def size(self) -> int:
        """Bytes of all files together, as MongoDB keeps count of them."""
        return int(get_db().command("collStats", f"{self.name}.chunks").get("size", 0))

    def count(self) -> int:
        """How many files there are, about."""
        return get_db()[f"{self.name}.files"].estimated_document_count()

    def room(self) -> int | None:
        """None: MongoDB's disk is asked about as that of the documents."""
        return None

    def works(self) -> bool:
        """Whether a picture could be kept now; where documents are, it can."""
        return True

    seems_to_work = works

    def saved_before(
        self, moment: datetime, *, after: ObjectId | None, limit: int
    ) -> dict[ObjectId, str]:
        """
        Files that were saved before *moment*: their ids, with their names.

        Args:
            after: Begin behind this one.
        """
        ids = {"$lt": ObjectId.from_datetime(moment)}
        if after is not None:
            ids["$gt"] = after
        # The bytes come before the file and go after it, so a process that dies
        # between the two leaves bytes under a name that only they know.
        first, name_only = {"files_id": ids, "n": 0}, {"_id": 0, "files_id": 1}
        chunks = get_db()[f"{self.name}.chunks"].find(first, name_only)
        found = [row["files_id"] for row in chunks.sort("files_id", 1).limit(limit)]
        files = get_db()[f"{self.name}.files"].find({"_id": {"$in": found}})
        names = {row["_id"]: row["filename"] for row in files}
        return {file_id: names.get(file_id, "") for file_id in found}
