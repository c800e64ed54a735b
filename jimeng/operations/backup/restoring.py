"""Restore a backup into an empty database, so that nothing is paid for twice."""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from bson import decode_all
from mongoengine import get_db
from pymongo.collection import Collection
from pymongo.database import Database

from jimeng import jobs, lanes
from jimeng.billing import settlement
from jimeng.documents import indexes, migrations
from jimeng.jobs import bulk
from jimeng.jobs.video_disk_space import MIN_FREE_BYTES
from jimeng.operations.backup import pictures, rotation
from jimeng.operations.backup.archive import Damaged, Manifest, Reader
from jimeng.operations.backup.dumping import RAW
from jimeng.operations.backup.quarantine import quarantine
from jimeng.upkeep import retention
from jimeng.upkeep.retention import GIB

log = logging.getLogger(__name__)

# Marks a restore in progress; deleted at its end.
MARK = {"_id": "restore"}
# Running workers backfill tasks and sweep unreferenced files: so tasks are loaded after
# their generations, and files after their references. Bulk actions would end if they
# found no documents; so they follow the tasks.
LAST = ("tasks", "bulk_actions")


class NotEnoughSpace(Exception):
    """The disk has too little space for the restored data."""


class NotEmpty(Exception):
    """The database contains documents; a restore never overwrites data."""


def restore(
    path: Path, report: Callable[[str, int], None] = lambda name, n: None
) -> tuple[Manifest, int]:
    """
    Load a backup, and leave sending and webhooks paused. An interrupted restore starts
    again.

    Args:
        report: Called after each part, with its collection and number of documents.

    Returns:
        The manifest, and how many pictures were quarantined.

    Raises:
        Damaged: the file is damaged, or needs a later release; nothing was changed.
        NotEnoughSpace: nothing was changed.
        NotEmpty: nothing was changed.
        OSError: the file cannot be read.
        StorageUnavailable: the store cannot be reached; restore again.
    """
    reader = Reader(path)
    manifest = reader.verify()
    if manifest.schema > migrations.CODE:
        raise Damaged(
            f"{path} was written by jimeng {manifest.release} after a migration that "
            "this release does not know: install that one"
        )
    check_disk_space(path)
    database = get_db()
    prepare(database)
    # Pause before loading: workers on this database must not submit any of it.
    for name in lanes.PAUSED_AFTER_RESTORE:
        lanes.pause(name, lanes.BY_RESTORE)
    # Workers must not migrate partly loaded data.
    migrations.begin_at(migrations.CODE)
    settlement.pause()  # nor settle it: part of the ledger may be missing
    load(database, reader, report)
    migrations.begin_at(manifest.schema)
    indexes.build()
    settlement.resume()
    ended = quarantine()
    rotation.record_backup(datetime.fromisoformat(manifest.created_at))
    database.installations.delete_one(MARK)
    log.info("backup restored created_at=%s ended=%d", manifest.created_at, ended)
    return manifest, ended


def check_disk_space(path: Path) -> None:
    """
    Raises:
        NotEnoughSpace: the disk, if known, has less free space than the file needs.
    """
    free = retention.free_bytes()
    if jobs.runtime().config.STORAGE == "s3" or free is None:
        return
    needed = path.stat().st_size + MIN_FREE_BYTES
    if free < needed:
        raise NotEnoughSpace(
            f"{path} needs {needed / GIB:.1f} GiB on the disk of the database, which "
            f"has {free / GIB:.1f} GiB free; nothing was changed"
        )


def prepare(database: Database) -> None:
    """
    Check that the database is empty, and mark the beginning of the restore.

    Raises:
        NotEmpty: it is not.
    """
    if database.installations.find_one(MARK) is not None:
        delete_documents(database)  # the data of an interrupted restore
    used = next(in_use(database), None)
    if used is not None:
        raise NotEmpty(
            f"the database {database.name} is in use: its {used} contains documents. "
            "Restore into another: set MONGODB_DATABASE to a new name; this one stays "
            "as it is"
        )
    database.installations.replace_one(MARK, MARK, upsert=True)
    delete_documents(database)  # the state of idle workers


def in_use(database: Database) -> Iterator[str]:
    """The names of non-empty collections with users' data."""
    for name in ("tasks", "generations", "images", "users", "api_keys"):
        if database[name].find_one({}, {"_id": 1}) is not None:
            yield name


def delete_documents(database: Database) -> None:
    """Delete all documents except the mark."""
    for name in database.list_collection_names(filter={"type": "collection"}):
        if not name.startswith("system.") and name != "installations":
            database[name].delete_many({})


def load(
    database: Database, reader: Reader, report: Callable[[str, int], None]
) -> None:
    elsewhere = pictures.store_loaders()
    for is_last in (False, True):
        parts = ((n, part) for n, part in reader.parts() if (n in LAST) == is_last)
        for name, group in groupby(parts, itemgetter(0)):
            count = sum(insert(database[name], part, elsewhere) for _, part in group)
            report(name, count)
    for each in elsewhere.values():
        each.end()


def insert(
    collection: Collection, part: bytes, elsewhere: Mapping[str, pictures.StoreLoader]
) -> int:
    bucket, _, kind = collection.name.rpartition(".")
    if bucket in elsewhere and f".{kind}" in (pictures.FILES, pictures.CHUNKS):
        rows = decode_all(part)
        if rows:
            elsewhere[bucket].receive(collection.name, rows)
        return len(rows)
    rows = decode_all(part, RAW)
    if collection.name == "switches":
        # These switches stay paused; others are restored.
        rows = [row for row in rows if row["_id"] not in lanes.PAUSED_AFTER_RESTORE]
    if collection.name == "bulk_actions":
        # The original has gone on with actions that create tasks.
        kinds = bulk.restorable_kinds()
        rows = [row for row in rows if row["kind"] in kinds]
    if rows:
        collection.insert_many(rows)
    return len(rows)
