"""What a store outside of MongoDB holds, written down before the bytes are there."""

from dataclasses import dataclass
from datetime import datetime

from bson import ObjectId
from mongoengine import get_db
from pymongo import UpdateOne
from pymongo.collection import Collection


@dataclass(frozen=True)
class Entry:
    """
    Attributes:
        name: The id of the record that names the file.
        length: Bytes.
        sha256: Of them, in hexadecimal.
    """

    file_id: ObjectId
    name: str
    length: int
    sha256: str


class Ledger:
    """
    The files of one store. An entry comes before its bytes and goes after them, so
    that a process that dies in between leaves none that nobody knows.

    Args:
        name: Of its collection.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def _rows(self) -> Collection:
        return get_db()[self.name]

    def write(self, *entries: Entry) -> None:
        """Enter these; one that is there already is as good."""
        changes = [
            UpdateOne(
                {"_id": each.file_id},
                {
                    "$set": {
                        "name": each.name,
                        "length": each.length,
                        "sha256": each.sha256,
                    }
                },
                upsert=True,
            )
            for each in entries
        ]
        self._rows.bulk_write(changes)

    def forget(self, file_id: ObjectId) -> None:
        self._rows.delete_one({"_id": file_id})

    def size(self) -> int:
        """Bytes of all files together."""
        summed = [{"$group": {"_id": None, "bytes": {"$sum": "$length"}}}]
        found = list(self._rows.aggregate(summed))
        return int(found[0]["bytes"]) if found else 0

    def count(self) -> int:
        return self._rows.estimated_document_count()

    def saved_before(
        self, moment: datetime, *, after: ObjectId | None, limit: int
    ) -> dict[ObjectId, str]:
        """As `GridFSStore.saved_before`."""
        ids = {"$lt": ObjectId.from_datetime(moment)}
        if after is not None:
            ids["$gt"] = after
        rows = self._rows.find({"_id": ids}, {"name": 1}).sort("_id", 1).limit(limit)
        return {row["_id"]: row["name"] for row in rows}
