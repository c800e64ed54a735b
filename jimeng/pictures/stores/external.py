"""
The base of all stores outside MongoDB: a ledger in MongoDB of their files.

An entry is written before its file and deleted after it, so that a crash in between
leaves no file without an entry.
"""

from abc import abstractmethod
from collections.abc import Mapping
from datetime import datetime

from bson import ObjectId
from mongoengine import get_db
from pymongo import UpdateOne, WriteConcern
from pymongo.collection import Collection

from jimeng.pictures.contents import Content
from jimeng.pictures.stores.store import FileInfo, Store, ids_between

TOTALS = "ledgers"  # the collection of the sums, one of each ledger


class ExternalStore(Store):
    """
    A store outside MongoDB.

    The total size is stored with the ledger, so that reading it is cheap. A crash may
    leave it off by one file until it is recomputed.

    Args:
        bucket: The bucket of file ids.
    """

    def __init__(self, bucket: str) -> None:
        self._ledger_name = f"{bucket}.in_{self.kind}"
        self._mine = {"_id": self._ledger_name}

    @property
    def _ledger(self) -> Collection:
        return get_db()[self._ledger_name]

    @property
    def _totals(self) -> Collection:
        # A write lost in a failover is corrected by the next recomputation.
        return get_db().get_collection(TOTALS, write_concern=WriteConcern(1))

    @abstractmethod
    def make_ready(self) -> None:
        """
        Raises:
            StorageUnavailable: nothing can be stored, so no entry is written.
        """

    @abstractmethod
    def write(self, contents: Mapping[ObjectId, Content]) -> None:
        """
        Raises:
            StorageUnavailable: some files are not stored, or may not be.
        """

    def put(self, name: str, contents: Mapping[ObjectId, Content]) -> None:
        self.make_ready()
        changes = []
        for file_id, each in contents.items():
            entry = {"name": name, "length": each.length, "sha256": each.sha256}
            changes.append(UpdateOne({"_id": file_id}, {"$set": entry}, upsert=True))
        done = self._ledger.bulk_write(changes)
        lengths = [each.length for each in contents.values()]
        self._count(sum(lengths[at] for at in done.upserted_ids or ()))
        self.write(contents)

    def _find(self, file_id: ObjectId) -> dict | None:
        """The ledger's entry of a file."""
        return self._ledger.find_one({"_id": file_id})

    def _forget(self, file_id: ObjectId) -> None:
        row = self._ledger.find_one_and_delete({"_id": file_id}, {"length": 1})
        self._count(-row["length"] if row else 0)

    def _count(self, more: int) -> None:
        # Without upsert: the first read computes the total.
        self._totals.update_one(self._mine, {"$inc": {"bytes": more}})

    def find(self, file_id: ObjectId) -> FileInfo | None:
        found = self._find(file_id)
        return FileInfo(found["length"], found["sha256"]) if found else None

    def size(self) -> int:
        known = self._totals.find_one(self._mine)
        return max(known["bytes"], 0) if known else self._recompute_total()

    def add_up(self) -> None:
        self._recompute_total()

    def _recompute_total(self) -> int:
        """Recompute the total, unless it changes meanwhile; return it."""
        known = self._totals.find_one(self._mine)
        summed = [{"$group": {"_id": None, "bytes": {"$sum": "$length"}}}]
        found = list(self._ledger.aggregate(summed))
        total = int(found[0]["bytes"]) if found else 0
        now = {"$set": {"bytes": total}}
        if known is None:
            self._totals.update_one(self._mine, now, upsert=True)
        elif known["bytes"] != total:
            self._totals.update_one(known, now)
        return total

    def count(self) -> int:
        return self._ledger.estimated_document_count()

    def saved_before(
        self, moment: datetime, *, after: ObjectId | None, limit: int
    ) -> dict[ObjectId, str]:
        ids = {"_id": ids_between(after, moment)}
        rows = self._ledger.find(ids, {"name": 1}).sort("_id", 1).limit(limit)
        return {row["_id"]: row["name"] for row in rows}
