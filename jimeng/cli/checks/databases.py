"""MongoDB and Redis: whether they answer, are fit, and keep what they are given."""

import re
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import nullcontext
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
from jimeng.documents.database_errors import TROUBLES
from jimeng.errors import StorageUnavailable
from jimeng.operations import backup

# What is run against in tests; older ones lack commands that are used.
OLDEST_MONGODB, OLDEST_REDIS = (4, 4), (6, 0)
TIMEOUT_S = 5.0  # seconds that MongoDB has for one look
FIRST_ANSWER = 3.0  # seconds, for the first: where it is away this is said within five
SLOW = 0.1  # seconds for a round trip, of which a submission makes four
BACKUP_OLD = timedelta(hours=36)  # as in docs/monitoring/alerts.yml
PROBE = 256 * 1024  # bytes: more than one chunk of GridFS


def mongodb(config: Config) -> Iterator[Finding]:
    """It answers, is new enough, near enough, and takes writes with its journal."""
    with pymongo.timeout(FIRST_ANSWER):
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
        (took > SLOW, Verdict.WARNING, "doctor.slow"),
    )


# What getaddrinfo says of a name that no DNS server knows, or could be asked for.
UNRESOLVED = {socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL}
UNAUTHENTICATED = {13, 18, 8000}  # the last one is Atlas's
NUMBER = re.compile(r"\[Errno (-?\d+)\]")


def away(error: PyMongoError) -> Finding:
    """That MongoDB did not do what a check needs."""
    return Finding("mongodb", Verdict.FAILED, name_of(error), why_away(error))


def why_away(error: PyMongoError) -> str:
    """The key in ``i18n`` of what to do about a MongoDB that cannot be used."""
    if isinstance(error, OperationFailure):
        is_refused = error.code in UNAUTHENTICATED
        return "doctor.mongodb_auth" if is_refused else "ready.mongodb_refuses"
    # The driver says it of each server, in words: only their numbers are stable.
    seen = get_db().client.topology_description
    faults = [str(each.error) for each in seen.server_descriptions().values()]
    numbers = {int(found) for each in faults for found in NUMBER.findall(each)}
    if numbers & UNRESOLVED:
        return "doctor.mongodb_dns"
    if ECONNREFUSED in numbers:
        return "doctor.mongodb_refused"
    # It forgets servers of another set; one that is asked directly it keeps.
    if seen.replica_set_name and (not faults or "replica set" in faults[0]):
        return "doctor.mongodb_replica_set"
    return "ready.mongodb"


def time_of_write() -> float:
    """Seconds until a write is acknowledged as a task's is."""
    began = time.monotonic()
    token = {"$set": {"token": secrets.token_hex(8)}}
    get_db()["probes"].update_one({"_id": "doctor"}, token, upsert=True)
    return time.monotonic() - began


def redis(config: Config) -> Iterator[Finding]:
    """It answers, is new enough, and does not throw jobs away to make room."""
    try:
        connection = jobs.huey.storage.conn
        began = time.monotonic()
        about = connection.info()
        took = time.monotonic() - began
    except RedisError as error:
        yield Finding("redis", Verdict.FAILED, name_of(error), "ready.redis")
        return
    # Valkey says which Redis it is like, and its own version beside it.
    version = str(about.get("valkey_version") or about["redis_version"])
    policy = str(about.get("maxmemory_policy", "noeviction"))
    found = f"{version}, {policy}, {took * 1000:.0f} ms"
    is_old = as_numbers(str(about["redis_version"])) < OLDEST_REDIS
    evicts = policy != "noeviction" and bool(about.get("maxmemory"))
    yield graded(
        *("redis", found),
        (is_old, Verdict.FAILED, "doctor.redis_old"),
        (evicts, Verdict.WARNING, "doctor.redis_evicts"),
        (took > SLOW, Verdict.WARNING, "doctor.slow"),
    )


def schema(config: Config) -> Iterator[Finding]:
    """All steps that this release knows are done, and none that is beyond it."""
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
    """All that the documents declare are there."""
    faults = indexes.look()
    named = "; ".join(f"{label}: {fault}" for label, fault in faults.items())
    missing = (bool(faults), Verdict.FAILED, "ready.index_missing")
    yield graded("indexes", named, missing)


def storage(config: Config) -> Iterator[Finding]:
    """Bytes can be kept, come back as they were, and go again."""
    store, content = jobs.runtime().store, secrets.token_bytes(PROBE)
    try:
        began = time.monotonic()
        file_id = store.save(content, "")  # named by no picture: else swept
        kept = store.open(file_id)
        with kept or nullcontext():
            is_same = kept is not None and kept.read() == content
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
    found = f"{PROBE // 1024} KiB written, read and deleted in {took * 1000:.0f} ms"
    if not is_same:
        yield Finding("storage", Verdict.FAILED, "", "doctor.storage")
    elif lost:
        yield Finding("storage", Verdict.FAILED, lost, "doctor.storage_lost")
    else:
        yield Finding("storage", Verdict.OK, f"{store.kind}, {found}")


def last_backup(config: Config) -> Iterator[Finding]:
    """One was made lately, if they are made by `flask backup` at all."""
    at = backup.last_at()
    if at is None:
        yield Finding("backup", Verdict.SKIPPED, "", "doctor.backup_unknown")
        return
    age = utcnow() - at
    found = f"{age.total_seconds() / 3600:.1f} hours ago"
    is_old = (age > BACKUP_OLD, Verdict.WARNING, "doctor.backup_old")
    yield graded("backup", found, is_old)


def oldest_if_lost() -> str:
    """The id of the oldest picture if its bytes are in no store; else nothing."""
    oldest = Image.collection().find_one({}, sort=[("created_at", 1)], hint="created")
    content = oldest and jobs.runtime().store.open(oldest["file_id"])
    if content:
        content.close()
    return oldest["_id"] if oldest and not content else ""


def name_of(error: Exception) -> str:
    """What happened, without the driver's words: they may quote an address."""
    return type(error).__name__


def as_numbers(version: str) -> tuple[int, ...]:
    """``7.0.14`` as numbers that can be compared; what is no number counts as 0."""
    parts = version.split("-")[0].split(".")
    return tuple(int(part) if part.isdecimal() else 0 for part in parts)
