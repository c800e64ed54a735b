"""Find duplicates: documents that violate a unique index."""

from dataclasses import dataclass

from mongoengine import get_db

from jimeng.documents.indexes import Index

MAX_NAMED = 20  # duplicated values that are reported at a time


@dataclass(frozen=True)
class Duplicate:
    """
    Attributes:
        values: Field -> the value that the documents share.
        ids: The ids of these documents.
    """

    values: dict[str, object]
    ids: list


def duplicates(index: Index) -> list[Duplicate]:
    """
    Return the first `MAX_NAMED` values that more than one document has.

    Scans the whole collection.

    Raises:
        PyMongoError: MongoDB does not answer in time.
    """
    rows = get_db()[index.collection]
    fields = [name for name, _ in index.keys]
    key = {f"k{n}": f"${name}" for n, name in enumerate(fields)}
    groups = rows.aggregate(
        [
            {"$match": index.only},
            {"$group": {"_id": key, "count": {"$sum": 1}}},
            {"$match": {"count": {"$gt": 1}}},
            {"$sort": {"_id": 1}},
            {"$limit": MAX_NAMED},
        ],
        allowDiskUse=True,
    )
    found = []
    for group in list(groups):
        values = {name: group["_id"].get(f"k{n}") for n, name in enumerate(fields)}
        # `$and`: the filter may name a field that is one of the keys too.
        same = rows.find({"$and": [index.only, values]}, {"_id": 1}).sort("_id", 1)
        found.append(Duplicate(values, [row["_id"] for row in same]))
    return found
