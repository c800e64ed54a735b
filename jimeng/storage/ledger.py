"""What a store outside of MongoDB holds, written down before the bytes are there."""

from dataclasses import dataclass
from datetime import datetime

from bson import ObjectId
from mongoengine import get_db
from pymongo import UpdateOne, WriteConcern
from pymongo.collection import Collection

TOTALS = "ledgers"  # the collection of the sums, one of each ledger


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

    The sum of the bytes is kept beside it, so that asking costs the same however many
    there are. A process that dies between the two leaves it off by a file, until it is
    added up again.

    Args:
        name: Of its collection.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._mine = {"_id": name}

    @property
    def _rows(self) -> Collection:
        return get_db()[self.name]

    @property
    def _totals(self) -> Collection:
        # A figure that a failover forgets is added up again.
        return get_db().get_collection(TOTALS, write_concern=WriteConcern(1))

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
        done = self._rows.bulk_write(changes)
        self._count(sum(entries[at].length for at in done.upserted_ids or ()))

    def forget(self, file_id: ObjectId) -> None:
        row = self._rows.find_one_and_delete({"_id": file_id}, {"length": 1})
        self._count(-row["length"] if row else 0)

    def _count(self, more: int) -> None:
        # Not where there is no sum yet: the first to ask adds all of it up.
        self._totals.update_one(self._mine, {"$inc": {"bytes": more}})

    def find(self, file_id: ObjectId) -> Entry | None:
        row = self._rows.find_one({"_id": file_id})
        return Entry(row.pop("_id"), **row) if row else None

    def size(self) -> int:
        """Bytes of all files together."""
        known = self._totals.find_one(self._mine)
        return max(known["bytes"], 0) if known else self.add_up()

    def add_up(self) -> int:
        """Mend the sum of the bytes, unless it changes meanwhile; return it."""
        known = self._totals.find_one(self._mine)
        summed = [{"$group": {"_id": None, "bytes": {"$sum": "$length"}}}]
        found = list(self._rows.aggregate(summed))
        total = int(found[0]["bytes"]) if found else 0
        now = {"$set": {"bytes": total}}
        if known is None:
            self._totals.update_one(self._mine, now, upsert=True)
        elif known["bytes"] != total:
            self._totals.update_one(known, now)
        return total

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
