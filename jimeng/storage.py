"""Where the bytes of pictures are kept: GridFS, next to the documents."""

from datetime import datetime
from typing import BinaryIO

from bson import ObjectId
from gridfs import GridFSBucket, NoFile
from mongoengine import get_db
from pymongo import WriteConcern

BUCKET = "pictures"


class GridFSStore:
    """
    Files under ids that are never used twice, so that a second attempt to save
    a picture cannot spoil the first.
    """

    @property
    def _bucket(self) -> GridFSBucket:
        # The document that names the file is written to a majority afterwards,
        # and that covers what was written before it.
        return GridFSBucket(get_db(), BUCKET, write_concern=WriteConcern(w=1))

    def save(self, content: bytes, image_id: str) -> ObjectId:
        """
        Keep *content* and return the new id it can be read back with.

        Args:
            image_id: Of the `Image` that will name it; without one it is swept.
        """
        return self._bucket.upload_from_stream(image_id, content)

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

    def saved_before(
        self, moment: datetime, *, after: ObjectId | None, limit: int
    ) -> dict[ObjectId, str]:
        """
        Files that were saved before *moment*: their ids, with their images' ids.

        Args:
            after: Begin behind this one.
        """
        ids = {"$lt": ObjectId.from_datetime(moment)}
        if after is not None:
            ids["$gt"] = after
        files = get_db()[f"{BUCKET}.files"]
        rows = files.find({"_id": ids}, {"filename": 1}).sort("_id", 1).limit(limit)
        return {row["_id"]: row["filename"] for row in rows}
