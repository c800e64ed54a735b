"""
Drop the indexes and collections that this release no longer reads.

They stay while a worker is alive that reads them. A release that one goes back to
builds its indexes again.
"""

import logging

from pymongo.database import Database

from jimeng.documents.lane import Worker

log = logging.getLogger(__name__)

INDEXES = ("generations.ended_user", "webhook_deliveries.ready")
COLLECTIONS = ("usage", "usage_hours", "tallies", "hours")
OBSOLETE = (*INDEXES, *COLLECTIONS)  # stored with each worker's heartbeat


def drop_obsolete(database: Database) -> None:
    """
    Drop what is there of `OBSOLETE`, unless a worker of an earlier release is alive.

    Raises:
        PyMongoError: MongoDB does not answer.
    """
    reads = {
        **Worker.alive(),
        "left": {"$ne": True},
        "obsolete": {"$not": {"$all": [*OBSOLETE]}},
    }
    names = set(database.list_collection_names())
    found = [name for name in COLLECTIONS if name in names]
    for label in INDEXES:
        collection, name = label.split(".")
        if collection in names and name in database[collection].index_information():
            found.append(label)
    if not found or Worker.collection().find_one(reads) is not None:
        return
    for label in found:
        collection, _, name = label.partition(".")
        if name:
            database[collection].drop_index(name)
        else:
            database.drop_collection(collection)
        log.info("dropped, since nothing reads it any more: %s", label)
