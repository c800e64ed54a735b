"""Write a backup while other processes write to the database."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from mongoengine import get_db
from pymongo import WriteConcern
from pymongo.client_session import ClientSession
from pymongo.database import Database

from jimeng.documents import best_effort, migrations, utcnow
from jimeng.operations.backup import pictures, rotation
from jimeng.operations.backup.archive import (
    PART_BYTES,
    Manifest,
    Writer,
    new_manifest,
    writing,
)
from jimeng.pictures.stores.external import TOTALS

log = logging.getLogger(__name__)

# Where MongoDB has no snapshot reads, this order keeps the copy consistent: a task
# before its generations, so that none counts as not submitted, a batch before its
# tasks, so that all that it counts as created are included, a generation before its
# entries in the ledger, so that none counts as settled that is not in it, and
# references before the files.
FIRST = ("batches", "tasks", "generations", "ledger", "images", "inputs")
# Transient state: workers, failed attempts, and sessions, which must not be restored
# after sign-out. The latest hourly counts are counted again, and the
# costs are added up again from the ledger.
EXCLUDED = frozenset(
    {"workers", "probes", "attempts", "sessions", "installations"}
    | {"hours", "usage_hours", "costs", "settlers", TOTALS}
)
SNAPSHOT = (5, 0)  # the first MongoDB with snapshot reads
RAW: CodecOptions = CodecOptions(document_class=RawBSONDocument)


@dataclass(frozen=True)
class Dumped:
    """
    Attributes:
        damaged: Pictures that were skipped because their checksums differ.
    """

    manifest: Manifest
    damaged: int


def dump(
    path: Path,
    report: Callable[[str, int], None] = lambda name, n: None,
    *,
    with_pictures: bool = True,
) -> Dumped:
    """
    Write a backup to *path* during normal operation.

    Args:
        report: Called after each collection, with its name and number of documents.
        with_pictures: Include files stored outside MongoDB; those in GridFS are
            always included.

    Raises:
        OSError: the file cannot be written; *path* is unchanged.
        PyMongoError: MongoDB became unavailable; likewise.
        StorageUnavailable: so did the store of pictures; likewise.
    """
    database = get_db()
    # Read first: a migration step that ends meanwhile is repeated after a restore.
    schema = migrations.read().schema
    apart = pictures.external_stores() if with_pictures else {}
    names = [each for each in collections(database) if not pictures.is_of(apart, each)]
    collection_names = [*names, *pictures.collections(apart)]
    began = utcnow()
    manifest = new_manifest(began.isoformat(), collection_names, schema)
    with writing(path, manifest) as writer:
        with snapshot(database) as session:
            for name in names:
                # Files are large and immutable: they need no snapshot, which MongoDB
                # keeps for five minutes only.
                at = None if name.endswith(".chunks") else session
                report(name, dump_collection(database, name, writer, at))
        # Files follow their references, from all stores: none is missed during a
        # move.
        damaged = sum(pictures.dump(*each, writer, report) for each in apart.items())
    with best_effort("the time of the backup"):
        rotation.record_backup(began)
    log.info("backup written collections=%d damaged=%d", len(collection_names), damaged)
    return Dumped(manifest, damaged)


def collections(database: Database) -> list[str]:
    """The collections to back up: `FIRST`, then the others, then files."""
    found = database.list_collection_names(filter={"type": "collection"})
    names = set(found) - EXCLUDED
    names = {name for name in names if not name.startswith("system.")}

    def order(name: str) -> tuple[int, str]:
        is_bytes = name.endswith((".files", ".chunks"))
        early = FIRST.index(name) if name in FIRST else len(FIRST)
        return (early + is_bytes + name.endswith(".chunks"), name)

    return sorted(names, key=order)


@contextmanager
def snapshot(database: Database) -> Iterator[ClientSession | None]:
    """A session with snapshot reads; None if the server does not support them."""
    client = database.client
    is_able = client.server_info()["versionArray"][:2] >= list(SNAPSHOT)
    if not (is_able and database.command("hello").get("setName")):
        yield None
        return
    # The snapshot is majority-committed: wait for a write that follows all those
    # acknowledged until now.
    marks = database.get_collection(
        "installations", write_concern=WriteConcern("majority")
    )
    marks.replace_one({"_id": "backup"}, {"at": utcnow()}, upsert=True)
    with client.start_session(snapshot=True) as session:
        yield session


def dump_collection(
    database: Database, name: str, writer: Writer, session: ClientSession | None
) -> int:
    """Write the raw documents of a collection; return their number."""
    count, part = 0, bytearray()
    source = database.get_collection(name, codec_options=RAW)
    for row in source.find({}, session=session):
        part += row.raw
        count += 1
        if len(part) >= PART_BYTES:
            writer.add_part(name, bytes(part))
            part.clear()
    writer.add_part(name, bytes(part))
    return count
