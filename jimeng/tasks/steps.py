"""Changing very many records: some at a time, so that no step takes long."""

from collections.abc import Mapping, Sequence
from itertools import islice

from pymongo.collection import Collection

# A connection of the pages' gives up after `WEB_TIMEOUT` and would leave half of a
# larger change behind; so many take a tenth of that.
STEP = 500


def update(
    collection: Collection, where: Mapping[str, object], change: Mapping | Sequence
) -> int:
    """
    `update_many` for any number of records. A process that dies in between leaves
    the rest as it was; the same call again goes on there.

    Returns:
        How many matched.
    """
    rows = iter(list(collection.find(where, {"_id": 1})))
    matched = 0
    while some := [row["_id"] for row in islice(rows, STEP)]:
        still = {"$and": [{"_id": {"$in": some}}, where]}
        matched += collection.update_many(still, change).matched_count
    return matched
