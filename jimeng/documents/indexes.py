"""
Indexes: what the code declares, what is there, and what rests on it.

Missing ones are built once in each process, and by ``flask indexes``.
"""

import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

import pymongo
from mongoengine import get_connection, get_db
from pymongo import IndexModel
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError, OperationFailure, ProtocolError

from jimeng.documents.base import Stored
from jimeng.documents.database_errors import TROUBLES
from jimeng.errors import IndexMissing

log = logging.getLogger(__name__)

PARALLEL_CHECKS = 8  # collections at a time
CLIENT_RETRY_AFTER_S = 30  # seconds that a client is told to wait
NO_COLLECTION = 26  # MongoDB's code
LOOK_EVERY_S, RETRY_AFTER_S = 5.0, 1.0
MAX_BUILD_S = 6 * 3600.0  # of one index
# Requests wait while a new database gets its indexes; a large collection takes longer,
# and is not waited for.
MAX_WAIT_S = 3.0
FIND_SERVER_S = 0.1  # without a server after that, nobody waits
OPTIONS = ("unique", "partialFilterExpression", "expireAfterSeconds")
FOREIGN = ("sparse", "collation", "hidden")  # those that none of ours has

# The unique ones, which something rests on: without them it is refused.
IDEMPOTENCY = "tasks.idem"
SLOTS = "generations.slot"
EMAILS = "users.email"
API_KEYS = "api_keys.sha256"
LINKS = "images.key"
BULK = "bulk_actions.one_at_a_time"
PREPARING = "inputs.one_at_a_time"
UPLOADS = "inputs.idem"
NAMES = "collections.name"
SHARES = "shares.token"
FLIGHTS = "webhook_deliveries.flight"


class Fault(StrEnum):
    """What may be wrong with an index."""

    MISSING = "missing"
    BUILDING = "building"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Index:
    """
    An index as it should be.

    Attributes:
        keys: Field and direction.
        options: Those of `OPTIONS` that it has.
    """

    collection: str
    name: str
    keys: tuple[tuple[str, int], ...]
    options: Mapping[str, object] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.collection}.{self.name}"

    @property
    def is_unique(self) -> bool:
        return bool(self.options.get("unique"))

    @property
    def only(self) -> dict:
        """The documents that it is of."""
        found = self.options.get("partialFilterExpression", {})
        assert isinstance(found, dict)  # noqa: S101 - as all of ours are
        return found

    def fault(self, found: Mapping[str, Mapping]) -> Fault | None:
        """What is wrong with it among those of its collection, as `_read` has them."""
        there = found.get(self.name)
        if there is None:
            return Fault.MISSING
        is_built = "buildUUID" not in there
        spec = there if is_built else there["spec"]
        options = {name: spec[name] for name in (*OPTIONS, *FOREIGN) if spec.get(name)}
        if "expireAfterSeconds" in spec:  # where 0 means something
            options["expireAfterSeconds"] = spec["expireAfterSeconds"]
        if tuple(spec["key"].items()) != self.keys or options != self.options:
            return Fault.DIFFERENT
        return None if is_built else Fault.BUILDING


# GridFS makes them with its first file, and never again.
CHUNKS = [
    Index(
        f"{bucket}.chunks",
        "files_id_1_n_1",
        (("files_id", 1), ("n", 1)),
        {"unique": True},
    )
    for bucket in ("pictures", "inputs")
]


@dataclass(frozen=True)
class IndexCheck:
    """
    Attributes:
        client: The connection that was looked through.
        at: When, on the monotonic clock.
        faults: Label -> what is wrong.
    """

    client: object
    at: float
    faults: dict[str, Fault]


_last: IndexCheck | None = None
_whole: object = None  # the connection through which all were seen to be there, once
_running = threading.Lock()
_tried_at = float("-inf")
_built_through: object = None  # the connection through which this process has built
_waited: tuple[object, float] | None = None  # for which connection, and until when


def declared() -> dict[str, Index]:
    """All indexes that there should be, by label."""
    found = [*CHUNKS]
    for document in Stored.kinds():
        for spec in document._meta["index_specs"]:
            options = {name: spec[name] for name in OPTIONS if name in spec}
            collection, keys = document._get_collection_name(), tuple(spec["fields"])
            found.append(Index(collection, spec["name"], keys, options))
    return {index.label: index for index in found}


def compare_indexes() -> dict[str, Fault]:
    """
    See which indexes are not as they should be, and remember it.

    Raises:
        PyMongoError: MongoDB does not tell.
    """
    global _last, _whole
    # Taken once: if the connection is replaced meanwhile, nobody opens it again.
    database, at, wanted = get_db(), time.monotonic(), declared()
    client = database.client
    names = sorted({index.collection for index in wanted.values()})
    with ThreadPoolExecutor(PARALLEL_CHECKS, "indexes") as pool:
        rows = pool.map(partial(_read, database), names)
        found = dict(zip(names, rows, strict=True))
    faults = {
        label: fault
        for label, index in wanted.items()
        if (fault := index.fault(found[index.collection]))
    }
    before, were_there = last_check(), were_whole()
    _last = IndexCheck(client, at, faults)
    if not faults:
        _whole = client
    if before is not None and before.faults != faults:
        said = ", ".join(f"{label} {fault}" for label, fault in faults.items())
        # On a new database they come one after the other.
        lost = logging.WARNING if were_there else logging.DEBUG
        log.log(
            lost if said else logging.INFO,
            "indexes changed: %s",
            said or "all are there",
        )
    return faults


def last_check() -> IndexCheck | None:
    """What was found last over the connection that there is now."""
    seen = _last
    return seen if seen is not None and seen.client is get_connection() else None


def were_whole() -> bool:
    """Whether all have been there, at a look over the connection that there is now."""
    return _whole is not None and _whole is get_connection()


def ensure_indexes(look_every_s: float = LOOK_EVERY_S) -> None:
    """
    Build what is missing, once in a process; then look again every few seconds.

    Another thread does it, and between two looks a call costs nothing. An index that
    disappears later is reported, not rebuilt: what rests on it is refused.
    """
    global _tried_at
    last, now = last_check(), time.monotonic()
    due = _tried_at + RETRY_AFTER_S if last is None else last.at + look_every_s
    if now >= due and _running.acquire(blocking=False):
        _tried_at = now
        threading.Thread(target=_tend, name="indexes", daemon=True).start()


def await_new() -> None:
    """
    Wait while the indexes of a new database are built, here or by another process;
    after `MAX_WAIT_S`, or where no server is in sight, go on without.
    """
    global _waited
    ensure_indexes()
    while not were_whole():
        client, now = get_connection(), time.monotonic()
        if _waited is None or _waited[0] is not client:
            _waited = client, now + MAX_WAIT_S
        began = _waited[1] - MAX_WAIT_S
        is_found = client.topology_description.has_readable_server()
        if now > _waited[1] or (not is_found and now > began + FIND_SERVER_S):
            return
        time.sleep(0.05)
        ensure_indexes(0.25)


def build(*, replace_unique: bool = False) -> dict[str, Fault]:
    """
    Build what is missing, and replace what differs.

    Args:
        replace_unique: Replace unique indexes, too. While one is being built nothing
            keeps duplicates out, so no other process may be writing.

    Returns:
        What is wrong all the same.

    Raises:
        PyMongoError: MongoDB does not answer.
    """
    global _built_through
    database = get_db()
    wanted, faults = declared(), compare_indexes()
    todo: dict[str, list[Index]] = {}
    for label, fault in faults.items():
        index = wanted[label]
        is_replaced = fault is Fault.DIFFERENT and (
            replace_unique or not index.is_unique
        )
        if is_replaced:
            database[index.collection].drop_index(index.name)
        if is_replaced or fault is Fault.MISSING:
            todo.setdefault(index.collection, []).append(index)
    if todo:
        with ThreadPoolExecutor(PARALLEL_CHECKS, "indexes") as pool:
            list(pool.map(partial(_create, database), todo.values()))
        faults = compare_indexes()
    _built_through = database.client
    return faults


def _create(database: Database, missing: list[Index]) -> None:
    """
    Build some indexes of one collection with one command: a new database lacks dozens.
    If one cannot be built, each is tried by itself.
    """
    models = [IndexModel(list(i.keys), name=i.name, **i.options) for i in missing]
    try:
        with pymongo.timeout(MAX_BUILD_S):
            database[missing[0].collection].create_indexes(models)
    except OperationFailure as error:
        if len(missing) > 1:
            for index in missing:
                _create(database, [index])
        elif isinstance(error, DuplicateKeyError):
            # MongoDB's words hold the value, which may be an address or a link.
            log.error("index not built: %s: duplicates", missing[0].label)
        else:
            log.error("index not built: %s: %s", missing[0].label, error)


def _tend() -> None:
    try:
        if get_connection() is _built_through:
            compare_indexes()
        else:
            build()
    except TROUBLES as error:
        log.debug("indexes not looked at: %s", error)
    finally:
        _running.release()


def is_there(label: str, *, fresh: bool = False) -> bool:
    """
    Whether an index is there, built, and as it should be.

    Args:
        fresh: Ask MongoDB, and not what was found some seconds ago.
    """
    seen = last_check()
    if seen is not None and not fresh:
        return label not in seen.faults
    index = declared()[label]
    return index.fault(_read(get_db(), index.collection)) is None


def found_missing(label: str) -> IndexMissing:
    """What to raise where an index has just proved to be missing."""
    global _last
    _last = None  # so that somebody looks at once
    return IndexMissing(f"index {label}", retry_after=CLIENT_RETRY_AFTER_S)


def require(label: str, *, fresh: bool = False) -> None:
    """
    Args:
        fresh: As of `is_there`; where a round trip more does not matter.

    Raises:
        IndexMissing: what is to be done rests on an index that is not there.
    """
    if is_there(label, fresh=fresh):
        return
    # At the first start one process builds, and what others saw before is out of date:
    # nobody is refused for that.
    await_new()
    if not is_there(label, fresh=True):
        raise IndexMissing(f"index {label}", retry_after=CLIENT_RETRY_AFTER_S)


def _read(database: Database, collection: str) -> dict[str, Mapping]:
    """
    A collection's indexes by name, as MongoDB describes them.

    One that is being built has ``buildUUID``, and the rest under ``spec``. The driver's
    own `list_indexes` cannot tell it from one that is ready.
    """
    command = {"listIndexes": collection, "includeBuildUUIDs": True}
    try:
        answer = database.command({**command, "cursor": {"batchSize": 1000}})
    except OperationFailure as error:
        if error.code == NO_COLLECTION:
            return {}
        raise
    rows = answer.get("cursor", {}).get("firstBatch")
    if rows is None:
        raise ProtocolError("an answer without a list of indexes")
    return {row.get("spec", row)["name"]: row for row in rows}
