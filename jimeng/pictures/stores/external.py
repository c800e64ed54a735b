"""
What all stores outside of MongoDB have in common: a ledger there of what they hold.

An entry comes before its bytes and goes after them, so that a process that dies in
between leaves none that nobody knows.
"""

import hashlib
from abc import abstractmethod
from datetime import datetime

from bson import ObjectId
from mongoengine import get_db
from pymongo import UpdateOne, WriteConcern
from pymongo.collection import Collection

from jimeng.pictures.stores.store import Store, ids_between

TOTALS = "ledgers"  # the collection of the sums, one of each ledger


class OutsideStore(Store):
    """
    A store whose bytes are not next to the documents.

    The sum of the bytes is kept beside the ledger, so that asking costs the same
    however many there are. A process that dies between the two leaves it off by a
    file, until it is added up again.

    Args:
        bucket: Whose ids are its own.
    """

    def __init__(self, bucket: str) -> None:
        self._ledger_name = f"{bucket}.in_{self.kind}"
        self._mine = {"_id": self._ledger_name}

    @property
    def _ledger(self) -> Collection:
        return get_db()[self._ledger_name]

    @property
    def _totals(self) -> Collection:
        # A figure that a failover forgets is added up again.
        return get_db().get_collection(TOTALS, write_concern=WriteConcern(1))

    @abstractmethod
    def make_ready(self) -> None:
        """
        Raises:
            StorageUnavailable: nothing can be kept there, so nothing is entered.
        """

    @abstractmethod
    def write(self, contents: dict[ObjectId, bytes]) -> None:
        """
        Raises:
            StorageUnavailable: some of it is not there, or may not be.
        """

    def put(self, name: str, contents: dict[ObjectId, bytes]) -> None:
        self.make_ready()
        changes = []
        for file_id, each in contents.items():
            digest = hashlib.sha256(each).hexdigest()
            entry = {"name": name, "length": len(each), "sha256": digest}
            changes.append(UpdateOne({"_id": file_id}, {"$set": entry}, upsert=True))
        done = self._ledger.bulk_write(changes)
        lengths = [len(each) for each in contents.values()]
        self._count(sum(lengths[at] for at in done.upserted_ids or ()))
        self.write(contents)

    def _find(self, file_id: ObjectId) -> dict | None:
        """What is written down of a file."""
        return self._ledger.find_one({"_id": file_id})

    def _forget(self, file_id: ObjectId) -> None:
        row = self._ledger.find_one_and_delete({"_id": file_id}, {"length": 1})
        self._count(-row["length"] if row else 0)

    def _count(self, more: int) -> None:
        # Not where there is no sum yet: the first to ask adds all of it up.
        self._totals.update_one(self._mine, {"$inc": {"bytes": more}})

    def sha256_of(self, file_id: ObjectId) -> str | None:
        found = self._find(file_id)
        return found["sha256"] if found else None

    def size(self) -> int:
        known = self._totals.find_one(self._mine)
        return max(known["bytes"], 0) if known else self._add_up()

    def add_up(self) -> None:
        self._add_up()

    def _add_up(self) -> int:
        """Mend the sum of the bytes, unless it changes meanwhile; return it."""
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
