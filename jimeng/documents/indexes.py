"""
Indexes: declare, compare with the database, build, and require them.

Missing indexes are built once in each process, and by ``flask indexes``.
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
from jimeng.documents.obsolete import drop_obsolete
from jimeng.errors import IndexMissing

log = logging.getLogger(__name__)

PARALLEL_CHECKS = 8  # collections at a time
CLIENT_RETRY_AFTER_S = 30  # seconds, for the ``Retry-After`` header
NO_COLLECTION = 26  # MongoDB's error code NamespaceNotFound
CHECK_EVERY_S, RETRY_AFTER_S = 5.0, 1.0
WHOLE_CHECK_EVERY_S = 300.0  # while all are there: what relies on one looks itself
MAX_AGE_S = 15.0  # of what operations rely on that a unique index prevents
MAX_BUILD_S = 6 * 3600.0  # of one index
# Requests wait while the indexes of a new database are built. Those of a large
# collection take longer; requests do not wait for them.
MAX_WAIT_S = 3.0
FIND_SERVER_S = 0.1  # if no server is found by then, do not wait
OPTIONS = ("unique", "partialFilterExpression", "expireAfterSeconds")
FOREIGN = ("sparse", "collation", "hidden")  # options of no declared index

UNSETTLED = "generations.unsettled"
# Unique indexes that operations rely on: without them the operation is refused.
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
PRICES = "prices.from"


class Fault(StrEnum):
    """How an index may differ from its declaration."""

    MISSING = "missing"
    BUILDING = "building"
    DIFFERENT = "different"


@dataclass(frozen=True)
class Index:
    """
    A declared index.

    Attributes:
        keys: Pairs of field and direction.
        options: Its options, some of `OPTIONS`.
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
        """The filter of a partial index; empty for others."""
        found = self.options.get("partialFilterExpression", {})
        assert isinstance(found, dict)  # noqa: S101 - as all of ours are
        return found

    def fault(self, found: Mapping[str, Mapping]) -> Fault | None:
        """Compare it with its collection's indexes, as returned by `_read`."""
        there = found.get(self.name)
        if there is None:
            return Fault.MISSING
        is_built = "buildUUID" not in there
        spec = there if is_built else there["spec"]
        options = {name: spec[name] for name in (*OPTIONS, *FOREIGN) if spec.get(name)}
        if "expireAfterSeconds" in spec:  # 0 is a valid value
            options["expireAfterSeconds"] = spec["expireAfterSeconds"]
        if tuple(spec["key"].items()) != self.keys or options != self.options:
            return Fault.DIFFERENT
        return None if is_built else Fault.BUILDING


# GridFS creates these with its first file, and never again.
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
        client: The connection that was checked.
        at: The time of the check, on the monotonic clock.
        faults: Label -> fault.
    """

    client: object
    at: float
    faults: dict[str, Fault]


@dataclass(frozen=True)
class IndexLook:
    """Like `IndexCheck`, of one index."""

    client: object
    at: float
    is_there: bool


class _State:
    last: IndexCheck | None = None
    whole: object = None  # the connection over which a check found no faults
    tried_at = float("-inf")
    built_through: object = None  # the connection over which this process has built
    waited: tuple[object, float] | None = None  # connection, deadline


_state = _State()
_looks: dict[str, IndexLook] = {}  # by label
_running = threading.Lock()


def declared() -> dict[str, Index]:
    """Return all declared indexes, by label."""
    found = [*CHUNKS]
    for document in Stored.kinds():
        for spec in document._meta["index_specs"]:
            options = {name: spec[name] for name in OPTIONS if name in spec}
            collection, keys = document._get_collection_name(), tuple(spec["fields"])
            found.append(Index(collection, spec["name"], keys, options))
    return {index.label: index for index in found}


def compare_indexes() -> dict[str, Fault]:
    """
    Compare the database's indexes with the declared ones, and store the result.

    Raises:
        PyMongoError: MongoDB does not answer.
    """
    # Resolved once: a connection that is replaced meanwhile must not be opened again.
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
    _state.last = IndexCheck(client, at, faults)
    if not faults:
        _state.whole = client
    if before is not None and before.faults != faults:
        said = ", ".join(f"{label} {fault}" for label, fault in faults.items())
        # On a new database the indexes appear one after the other.
        lost = logging.WARNING if were_there else logging.DEBUG
        log.log(
            lost if said else logging.INFO,
            "indexes changed: %s",
            said or "all are there",
        )
    return faults


def last_check() -> IndexCheck | None:
    """Return the latest check over the current connection."""
    seen = _state.last
    return seen if seen is not None and seen.client is get_connection() else None


def were_whole() -> bool:
    """Whether a check over the current connection ever found no faults."""
    return _state.whole is not None and _state.whole is get_connection()


def ensure_indexes(check_every_s: float | None = None) -> None:
    """
    Build missing indexes once per process; then check again every *check_every_s*: by
    default rarely once all are there, since a check is a command for each collection.

    A background thread does the work, and between two checks a call costs nothing. An
    index that disappears later is reported, not rebuilt: operations that rely on it are
    refused.
    """
    last, now = last_check(), time.monotonic()
    if check_every_s is None:
        is_whole = last is not None and not last.faults
        check_every_s = WHOLE_CHECK_EVERY_S if is_whole else CHECK_EVERY_S
    due = _state.tried_at + RETRY_AFTER_S if last is None else last.at + check_every_s
    if now >= due and _running.acquire(blocking=False):
        _state.tried_at = now
        threading.Thread(target=_tend, name="indexes", daemon=True).start()


def await_new() -> None:
    """
    Wait while the indexes of a new database are built, here or by another process, for
    at most `MAX_WAIT_S`; do not wait if no server is found.
    """
    ensure_indexes()
    while not were_whole():
        client, now = get_connection(), time.monotonic()
        if _state.waited is None or _state.waited[0] is not client:
            _state.waited = client, now + MAX_WAIT_S
        began = _state.waited[1] - MAX_WAIT_S
        is_found = client.topology_description.has_readable_server()
        if now > _state.waited[1] or (not is_found and now > began + FIND_SERVER_S):
            return
        time.sleep(0.05)
        ensure_indexes(0.25)


def build(*, replace_unique: bool = False) -> dict[str, Fault]:
    """
    Build missing indexes, replace those that differ, and drop what is obsolete.

    Args:
        replace_unique: Replace unique indexes, too. While one is being replaced,
            duplicates are possible, so no other process may be writing.

    Returns:
        The remaining faults.

    Raises:
        PyMongoError: MongoDB does not answer.
    """
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
    drop_obsolete(database)
    _state.built_through = database.client
    return faults


def _create(database: Database, missing: list[Index]) -> None:
    """
    Build indexes of one collection with one command: a new database lacks dozens. If
    one cannot be built, build each with a command of its own.
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
            # MongoDB's message quotes the value, which may be an e-mail or a link.
            log.error("index not built: %s: duplicates", missing[0].label)
        else:
            log.error("index not built: %s: %s", missing[0].label, error)


def _tend() -> None:
    try:
        if get_connection() is _state.built_through:
            compare_indexes()
        else:
            build()
    except TROUBLES as error:
        log.debug("indexes not checked: %s", error)
    finally:
        _running.release()


def is_there(label: str, *, fresh: bool = False) -> bool:
    """
    Whether an index exists, is built, and is as declared.

    Args:
        fresh: Ask MongoDB, rather than rely on an answer of the last `MAX_AGE_S`.
    """
    client, now = get_connection(), time.monotonic()
    if not fresh:
        checked, looked = last_check(), _looks.get(label)
        if checked is not None and now < checked.at + MAX_AGE_S:
            return label not in checked.faults
        if looked and looked.client is client and now < looked.at + MAX_AGE_S:
            return looked.is_there
    index = declared()[label]
    is_there = index.fault(_read(get_db(), index.collection)) is None
    if not is_there:
        found_missing(label)
    _looks[label] = IndexLook(client, now, is_there)
    return is_there


def found_missing(label: str) -> IndexMissing:
    """Build the error for an index that was just found missing."""
    _state.last = None  # makes the next call check at once
    _looks.pop(label, None)
    return IndexMissing(f"index {label}", retry_after=CLIENT_RETRY_AFTER_S)


def require(label: str, *, fresh: bool = False) -> None:
    """
    Require the index that an operation relies on.

    Args:
        fresh: As in `is_there`; costs another round trip.

    Raises:
        IndexMissing: the index does not exist.
    """
    if is_there(label, fresh=fresh):
        return
    # At the first start one process builds while the others' checks are out of date; no
    # request must be refused for that.
    await_new()
    if not is_there(label, fresh=True):
        raise IndexMissing(f"index {label}", retry_after=CLIENT_RETRY_AFTER_S)


def _read(database: Database, collection: str) -> dict[str, Mapping]:
    """
    Return a collection's indexes by name, as MongoDB describes them.

    An index that is being built has ``buildUUID``, and its description in ``spec``. The
    driver's own `list_indexes` does not distinguish it from one that is ready.
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
