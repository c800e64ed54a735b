"""Putting a backup into an empty database, so that nothing is paid for twice."""

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

from jimeng import jobs
from jimeng.documents import indexes, migrations
from jimeng.jobs import bulk, retention
from jimeng.jobs.retention import GIB
from jimeng.lanes import switches
from jimeng.operations.backup import pictures, rotation
from jimeng.operations.backup.archive import Damaged, Manifest, Reader
from jimeng.operations.backup.dumping import RAW
from jimeng.operations.backup.quarantine import park

log = logging.getLogger(__name__)

# What says that a restore has begun; it goes when it has ended.
MARK = {"_id": "restore"}
# Consumers that run meanwhile write what a task lacks, and sweep bytes that nobody
# names: so a task comes after its pictures, and bytes after what names them. What is
# done to many at once would end where it found none of them; it stands behind tasks in
# the file.
LAST = ("tasks", "bulk_actions")


class NoRoom(Exception):
    """The disk would be full before all is there."""


class NotEmpty(Exception):
    """The database holds something; a restore never writes over anything."""


def restore(
    path: Path, tell: Callable[[str, int], None] = lambda name, n: None
) -> tuple[Manifest, int]:
    """
    Load a backup, and leave sending and webhooks paused. One that was cut off begins
    anew.

    Args:
        tell: Called after each part, with its collection and number of documents.

    Returns:
        What the file says of itself, and how many pictures were parked.

    Raises:
        Damaged: the file is not whole, or holds what only a later release
            understands; nothing was changed.
        NoRoom: nothing was changed.
        NotEmpty: nothing was changed.
        OSError: the file cannot be read.
        StorageUnavailable: where the pictures go is away; to be begun anew.
    """
    reader = Reader(path)
    manifest = reader.verify()
    if manifest.schema > migrations.CODE:
        raise Damaged(
            f"{path} was written by jimeng {manifest.release} after a migration that "
            "this release does not know: install that one"
        )
    check_room(path)
    database = get_db()
    prepare(database)
    # First of all: whatever consumer runs on this database must send none of it.
    for name in switches.PAUSED_AFTER_RESTORE:
        switches.pause(name, switches.BY_RESTORE)
    # A consumer must not migrate what is there by halves.
    migrations.begin_at(migrations.CODE)
    load(database, reader, tell)
    migrations.begin_at(manifest.schema)
    indexes.build()
    parked = park()
    rotation.note(datetime.fromisoformat(manifest.created_at))
    database.installations.delete_one(MARK)
    log.info("backup restored created_at=%s parked=%d", manifest.created_at, parked)
    return manifest, parked


def check_room(path: Path) -> None:
    """
    Raises:
        NoRoom: the disk, as far as it is known, has less than the file takes.
    """
    free = retention.free_bytes()
    if jobs.runtime().config.STORAGE == "s3" or free is None:
        return
    needed = path.stat().st_size + retention.MIN_FREE_BYTES
    if free < needed:
        raise NoRoom(
            f"{path} needs {needed / GIB:.1f} GiB on the disk of the database, which "
            f"has {free / GIB:.1f} GiB free; nothing was changed"
        )


def prepare(database: Database) -> None:
    """
    Make sure that there is nothing to lose, and say that a restore has begun.

    Raises:
        NotEmpty: there is.
    """
    if database.installations.find_one(MARK) is not None:
        forget(database)  # what a restore that was cut off has loaded
    used = next(in_use(database), None)
    if used is not None:
        raise NotEmpty(
            f"the database {database.name} is in use: its {used} holds documents. "
            "Restore into another: set MONGODB_DATABASE to a new name; this one stays "
            "as it is"
        )
    database.installations.replace_one(MARK, MARK, upsert=True)
    forget(database)  # what a consumer that waits for work keeps for itself


def in_use(database: Database) -> Iterator[str]:
    """The names of collections that hold what somebody may miss."""
    for name in ("tasks", "generations", "images", "users", "api_keys"):
        if database[name].find_one({}, {"_id": 1}) is not None:
            yield name


def forget(database: Database) -> None:
    """Remove all documents, but for the mark."""
    for name in database.list_collection_names(filter={"type": "collection"}):
        if not name.startswith("system.") and name != "installations":
            database[name].delete_many({})


def load(database: Database, reader: Reader, tell: Callable[[str, int], None]) -> None:
    elsewhere = pictures.fillings()
    for is_last in (False, True):
        parts = ((n, part) for n, part in reader.parts() if (n in LAST) == is_last)
        for name, group in groupby(parts, itemgetter(0)):
            count = sum(insert(database[name], part, elsewhere) for _, part in group)
            tell(name, count)
    for each in elsewhere.values():
        each.end()


def insert(
    collection: Collection, part: bytes, elsewhere: Mapping[str, pictures.Filling]
) -> int:
    bucket, _, kind = collection.name.rpartition(".")
    if bucket in elsewhere and f".{kind}" in (pictures.FILES, pictures.CHUNKS):
        rows = decode_all(part)
        if rows:
            elsewhere[bucket].take(collection.name, rows)
        return len(rows)
    rows = decode_all(part, RAW)
    if collection.name == "switches":
        # These stay paused; whatever else was, is again.
        rows = [row for row in rows if row["_id"] not in switches.PAUSED_AFTER_RESTORE]
    if collection.name == "bulk_actions":
        # The original has gone on with what creates tasks.
        kinds = bulk.restorable_kinds()
        rows = [row for row in rows if row["kind"] in kinds]
    if rows:
        collection.insert_many(rows)
    return len(rows)
