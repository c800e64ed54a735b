"""MongoDB, Redis and storage: reachable, recent enough, and durable."""

import re
import secrets
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from errno import ECONNREFUSED

import pymongo
from mongoengine import get_db
from pymongo.errors import OperationFailure, PyMongoError
from redis.exceptions import RedisError

from jimeng import jobs
from jimeng.cli.checks.finding import Finding, Verdict, graded
from jimeng.config import Config
from jimeng.documents import Image, indexes, lacks_index, migrations, utcnow
from jimeng.documents.database_errors import TROUBLES, is_clock_behind
from jimeng.documents.kinds import VIDEO
from jimeng.errors import StorageUnavailable
from jimeng.jobs import video_disk_space
from jimeng.operations import backup
from jimeng.upkeep.retention import GIB

# The oldest tested versions; older ones lack commands that are used.
OLDEST_MONGODB, OLDEST_REDIS = (4, 4), (6, 0)
TIMEOUT_S = 5.0  # for one check of MongoDB
FIRST_TIMEOUT_S = 3.0  # for the first: its absence is reported within five seconds
SLOW_S = 0.1  # for a round trip, of which a submission makes four
BACKUP_OLD = timedelta(hours=36)  # as in docs/monitoring/alerts.yml
PROBE_BYTES = 256 * 1024  # more than one chunk of GridFS


def mongodb(config: Config) -> Iterator[Finding]:
    """MongoDB responds fast, is recent enough, and acknowledges journaled writes."""
    with pymongo.timeout(FIRST_TIMEOUT_S):
        hello = get_db().command("hello")
        version = get_db().client.server_info()["version"]
    with pymongo.timeout(TIMEOUT_S):
        took = time_of_write()
    kind = "replica set" if hello.get("setName") else "standalone"
    kind = "sharded" if hello.get("msg") == "isdbgrid" else kind
    found = f"{version}, {kind}, a write in {took * 1000:.0f} ms"
    is_old = as_numbers(version) < OLDEST_MONGODB
    yield graded(
        *("mongodb", found),
        (is_old, Verdict.FAILED, "doctor.mongodb_old"),
        (took > SLOW_S, Verdict.WARNING, "doctor.slow"),
    )


# Errors of getaddrinfo for names that cannot be resolved.
UNRESOLVED = {socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL}
UNAUTHENTICATED = {13, 18, 8000}  # the last one is Atlas's
NUMBER = re.compile(r"\[Errno (-?\d+)\]")


def away(error: PyMongoError) -> Finding:
    """The finding for an error that MongoDB raised in a check."""
    return Finding("mongodb", Verdict.FAILED, name_of(error), why_away(error))


def why_away(error: PyMongoError) -> str:
    """The message key of the advice for an unusable MongoDB."""
    if is_clock_behind(error):
        return "ready.mongodb_clock"
    if isinstance(error, OperationFailure):
        is_refused = error.code in UNAUTHENTICATED
        return "doctor.mongodb_auth" if is_refused else "ready.mongodb_refuses"
    # The driver reports errors per server as text: only the error numbers are stable.
    seen = get_db().client.topology_description
    faults = [str(each.error) for each in seen.server_descriptions().values()]
    numbers = {int(found) for each in faults for found in NUMBER.findall(each)}
    if numbers & UNRESOLVED:
        return "doctor.mongodb_dns"
    if ECONNREFUSED in numbers:
        return "doctor.mongodb_refused"
    # The driver drops servers of another replica set, except in a direct connection.
    if seen.replica_set_name and (not faults or "replica set" in faults[0]):
        return "doctor.mongodb_replica_set"
    return "ready.mongodb"


def time_of_write() -> float:
    """Seconds until a write is acknowledged, with the concern of a task's write."""
    began = time.monotonic()
    token = {"$set": {"token": secrets.token_hex(8)}}
    get_db()["probes"].update_one({"_id": "doctor"}, token, upsert=True)
    return time.monotonic() - began


def redis(config: Config) -> Iterator[Finding]:
    """Redis responds, is recent enough, and does not evict jobs."""
    try:
        connection = jobs.huey.storage.conn
        began = time.monotonic()
        about = connection.info()
        took = time.monotonic() - began
    except RedisError as error:
        yield Finding("redis", Verdict.FAILED, name_of(error), "ready.redis")
        return
    # Valkey reports the compatible version of Redis besides its own.
    version = str(about.get("valkey_version") or about["redis_version"])
    policy = str(about.get("maxmemory_policy", "noeviction"))
    found = f"{version}, {policy}, {took * 1000:.0f} ms"
    is_old = as_numbers(str(about["redis_version"])) < OLDEST_REDIS
    evicts = policy != "noeviction" and bool(about.get("maxmemory"))
    yield graded(
        *("redis", found),
        (is_old, Verdict.FAILED, "doctor.redis_old"),
        (evicts, Verdict.WARNING, "doctor.redis_evicts"),
        (took > SLOW_S, Verdict.WARNING, "doctor.slow"),
    )


def schema(config: Config) -> Iterator[Finding]:
    """All migrations of this release are done, and none of a later one."""
    known = migrations.read()
    found = f"{known.schema}, this release has {migrations.CODE}"
    is_beyond = known.min_code > migrations.CODE
    is_behind = not is_beyond and migrations.pending() is not None
    yield graded(
        *("schema", found),
        (is_beyond, Verdict.FAILED, "ready.release_too_old"),
        (is_behind, Verdict.WARNING, "doctor.schema"),
    )


def indexes_built(config: Config) -> Iterator[Finding]:
    """All declared indexes exist."""
    faults = indexes.compare_indexes()
    named = "; ".join(f"{label}: {fault}" for label, fault in faults.items())
    missing = (bool(faults), Verdict.FAILED, "ready.index_missing")
    yield graded("indexes", named, missing)


def storage(config: Config) -> Iterator[Finding]:
    """A file can be written, read back unchanged, and deleted."""
    store, content = jobs.runtime().store, secrets.token_bytes(PROBE_BYTES)
    try:
        began = time.monotonic()
        file_id = store.save(
            content, ""
        )  # no picture refers to it: the sweep deletes it otherwise
        is_same = store.read(file_id) == content
        store.delete(file_id)
        took = time.monotonic() - began
        lost = oldest_if_lost()
    except StorageUnavailable as error:
        reason = error.values.get("reason")
        advice = f"doctor.s3_{reason}" if reason else "doctor.storage"
        yield Finding("storage", Verdict.FAILED, str(error), advice)
        return
    except (*TROUBLES, OSError) as error:
        advice = "ready.index_missing" if lacks_index(error) else "doctor.storage"
        yield Finding("storage", Verdict.FAILED, name_of(error), advice)
        return
    found = (
        f"{PROBE_BYTES // 1024} KiB written, read and deleted in {took * 1000:.0f} ms"
    )
    if not is_same:
        yield Finding("storage", Verdict.FAILED, "", "doctor.storage")
    elif lost:
        yield Finding("storage", Verdict.FAILED, lost, "doctor.storage_lost")
    else:
        yield Finding("storage", Verdict.OK, f"{store.kind}, {found}")


def videos(config: Config) -> Iterator[Finding]:
    """The disk has space for videos, and the store accepts large files."""
    models = jobs.runtime().registry.making("video")
    needed = max(map(video_disk_space.needed_bytes, models), default=0)
    if not needed:
        return
    store = jobs.runtime().store
    try:
        free = video_disk_space.free_bytes()
    except StorageUnavailable:
        return  # reported by `storage`
    found = (
        f"{free / GIB:.1f} GiB free for files that arrive, {needed / GIB:.1f} needed"
    )
    is_limited = store.max_file_bytes is not None
    yield graded(
        *("videos", found),
        (free < needed, Verdict.WARNING, "doctor.videos_space"),
        # Whoever makes none needs no other store.
        (is_limited and has_videos(), Verdict.WARNING, "doctor.videos_store"),
    )


def has_videos() -> bool:
    return Image.find_one({"kind": VIDEO}) is not None


def last_backup(config: Config) -> Iterator[Finding]:
    """The last backup is recent, if backups are made by `flask backup` at all."""
    at = backup.last_at()
    if at is None:
        yield Finding("backup", Verdict.SKIPPED, "", "doctor.backup_unknown")
        return
    age = utcnow() - at
    found = f"{age.total_seconds() / 3600:.1f} hours ago"
    is_old = (age > BACKUP_OLD, Verdict.WARNING, "doctor.backup_old")
    yield graded("backup", found, is_old)


def oldest_if_lost() -> str:
    """The id of the oldest picture if its file is in no store; else empty."""
    oldest = Image.collection().find_one({}, sort=[("created_at", 1)], hint="created")
    found = oldest and jobs.runtime().store.open_range(oldest["file_id"], 0, 1)
    if found:
        found.close()
    return oldest["_id"] if oldest and not found else ""


def name_of(error: Exception) -> str:
    """The name of an error, without its text, which may contain an address."""
    return type(error).__name__


def as_numbers(version: str) -> tuple[int, ...]:
    """Parse ``7.0.14`` for comparison; non-numeric parts count as 0."""
    parts = version.split("-")[0].split(".")
    return tuple(int(part) if part.isdecimal() else 0 for part in parts)
