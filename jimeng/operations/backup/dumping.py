"""Reading everything out, while others write."""

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
from jimeng.operations.backup.archive import PART, Manifest, Writer, of_now, writing
from jimeng.pictures.stores.external import TOTALS

log = logging.getLogger(__name__)

# Where MongoDB cannot read all at one moment, this order makes up for it: a task comes
# before its pictures, so that none is taken for one that nobody has sent yet, a batch
# before its tasks, so that it lacks none that it says are made, and what names bytes
# before the bytes.
FIRST = ("batches", "tasks", "generations", "images", "inputs")
# Of this moment alone: who works, what was tried in vain, and who is signed in, which
# must not come to life after they have signed out.
# What the latest hours have had is counted anew.
LEFT_OUT = frozenset(
    {"workers", "probes", "attempts", "sessions", "installations"}
    | {"hours", "usage_hours", TOTALS}
)
SNAPSHOT = (5, 0)  # the first MongoDB that reads all at one moment
RAW: CodecOptions = CodecOptions(document_class=RawBSONDocument)


@dataclass(frozen=True)
class Dumped:
    """
    Attributes:
        damaged: Pictures that are not in it, as they are not what was given to be kept.
    """

    manifest: Manifest
    damaged: int


def dump(
    path: Path,
    tell: Callable[[str, int], None] = lambda name, n: None,
    *,
    with_pictures: bool = True,
) -> Dumped:
    """
    Write a backup to *path*, while others write; users notice nothing.

    Args:
        tell: Called after each collection, with its name and number of documents.
        with_pictures: Whether the bytes that stand outside of MongoDB are in it; those
            that stand in it are in any case.

    Raises:
        OSError: the file cannot be written; *path* is as it was.
        PyMongoError: MongoDB went away; likewise.
        StorageUnavailable: and so did where the pictures are.
    """
    database = get_db()
    # Before all else: a step that ends meanwhile is done once more after a restore.
    schema = migrations.read().schema
    apart = pictures.kept_apart() if with_pictures else {}
    names = [each for each in collections(database) if not pictures.is_of(apart, each)]
    told = [*names, *pictures.collections(apart)]
    began = utcnow()
    manifest = of_now(began.isoformat(), told, schema)
    with writing(path, manifest) as writer:
        with snapshot(database) as session:
            for name in names:
                # The bytes are many, and never change: they need no common moment, for
                # which MongoDB keeps what was for five minutes only.
                at = None if name.endswith(".chunks") else session
                tell(name, dump_collection(database, name, writer, at))
        # After what names them, and wherever they are: none is missed as it moves.
        damaged = sum(pictures.dump(*each, writer, tell) for each in apart.items())
    with best_effort("the time of the backup"):
        rotation.note(began)
    log.info("backup written collections=%d damaged=%d", len(told), damaged)
    return Dumped(manifest, damaged)


def collections(database: Database) -> list[str]:
    """Those that are worth keeping: `FIRST`, then the others, and bytes at the end."""
    found = database.list_collection_names(filter={"type": "collection"})
    kept = set(found) - LEFT_OUT
    kept = {name for name in kept if not name.startswith("system.")}

    def place(name: str) -> tuple[int, str]:
        is_bytes = name.endswith((".files", ".chunks"))
        early = FIRST.index(name) if name in FIRST else len(FIRST)
        return (early + is_bytes + name.endswith(".chunks"), name)

    return sorted(kept, key=place)


@contextmanager
def snapshot(database: Database) -> Iterator[ClientSession | None]:
    """All that is read under it is of one moment; None where there is no such thing."""
    client = database.client
    is_able = client.server_info()["versionArray"][:2] >= list(SNAPSHOT)
    if not (is_able and database.command("hello").get("setName")):
        yield None
        return
    # What is read is what a majority has: this write comes after all that was
    # acknowledged until now, and is waited for.
    marks = database.get_collection(
        "installations", write_concern=WriteConcern("majority")
    )
    marks.replace_one({"_id": "backup"}, {"at": utcnow()}, upsert=True)
    with client.start_session(snapshot=True) as session:
        yield session


def dump_collection(
    database: Database, name: str, writer: Writer, session: ClientSession | None
) -> int:
    """Write its documents as they are, and return how many there were."""
    count, part = 0, bytearray()
    source = database.get_collection(name, codec_options=RAW)
    for row in source.find({}, session=session):
        part += row.raw
        count += 1
        if len(part) >= PART:
            writer.add_part(name, bytes(part))
            part.clear()
    writer.add_part(name, bytes(part))
    return count
