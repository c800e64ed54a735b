"""Mending: indexes that are missing are built, and those that differ replaced."""

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pymongo
from mongoengine import get_connection, get_db
from pymongo import IndexModel
from pymongo.collection import Collection
from pymongo.errors import DuplicateKeyError, OperationFailure

from jimeng.documents import indexes
from jimeng.documents.duplicates import duplicates
from jimeng.documents.faults import TROUBLES
from jimeng.documents.indexes import Fault, Index

log = logging.getLogger(__name__)

INTERVAL = 5.0  # seconds from one look to the next
AGAIN = 1.0  # seconds, where a look failed
FIRST = 0.5  # seconds that the first call waits: a new database is done by then
FOUND = 0.1  # seconds after which one that is not found is not waited for here, too
# Requests wait while a new database is made. One that has more in it than a few
# documents takes longer, and is not waited for.
MOST_WAIT, LOOK_AGAIN, SOON = 3.0, 0.25, 0.05  # seconds
FEW = 1000  # documents of a collection
LONGEST = 6 * 3600.0  # seconds that one index may take
TO_NAME = 60.0  # seconds that the search for duplicates may take
# Each try reads a whole collection.
AFTER_DUPLICATES, AFTER_FAILURE = 300.0, 30.0  # seconds
NAMED = 5  # values, in the log
WORTH_A_LINE = 1.0  # seconds
# MongoDB's codes for another index in the way: of other options, of other keys.
IN_THE_WAY = {85, 86}

_tried_at = float("-inf")
_looking, _mending = threading.Lock(), threading.Lock()
_waited: tuple[object, float] | None = None  # for which connection, and until when
_is_large = False  # a collection whose indexes were not all there has more than `FEW`
_is_unseen = False  # the latest look failed
_not_before: dict[str, float] = {}
_replaced: set[str] = set()
_with_duplicates: set[str] = set()


def ensure_indexes(interval: float = INTERVAL) -> None:
    """
    See to the indexes every few seconds; costs nothing in between.

    Other threads look and build. Only the first call waits, a moment: on a new
    database all are there by then.

    Args:
        interval: Seconds since the last look, before which there is no other.
    """
    global _tried_at
    last, now = indexes.last_look(), time.monotonic()
    due = _tried_at + AGAIN if last is None else last.at + interval
    if now < due or not _looking.acquire(blocking=False):
        return
    _tried_at = now
    thread = threading.Thread(target=_tend, name="indexes", daemon=True)
    thread.start()
    if last is None:
        thread.join(FOUND)
        if get_connection().topology_description.has_readable_server():
            thread.join(FIRST)


def await_new() -> None:
    """
    Wait while the indexes of a new database are built, here or by another process;
    where that takes long, go on without.

    Once this process has seen all of them it costs nothing.
    """
    global _waited
    while not indexes.were_whole():
        ensure_indexes(LOOK_AGAIN)
        client, now = get_connection(), time.monotonic()
        is_found = client.topology_description.has_readable_server()
        if _is_large or _is_unseen or not is_found:
            return
        if _waited is None or _waited[0] is not client:
            _waited = client, now + MOST_WAIT
        if now > _waited[1]:
            return
        time.sleep(SOON)


def mend(*, at_once: bool = False) -> dict[str, Fault]:
    """
    Build what is missing and replace what differs.

    An index is replaced once by each process: of two releases with different ideas
    of it neither may go on undoing the other's.

    Args:
        at_once: Try those too that were tried in vain just now.

    Returns:
        What is wrong all the same.

    Raises:
        PyMongoError: MongoDB does not answer.
    """
    wanted = indexes.declared()
    with _mending:
        faults = indexes.look()
        made = _make_new(wanted, faults)
        for label, fault in faults.items():
            if label in made:
                continue
            rests = time.monotonic() < _not_before.get(label, 0.0) and not at_once
            if fault is not Fault.BUILDING and not rests:
                _mend_one(wanted[label], fault)
        _with_duplicates.intersection_update(faults)
        if not faults:
            return {}
        left = indexes.look()
        log.info("indexes built: %d, left: %d", len(faults.keys() - left), len(left))
        return left


def with_duplicates() -> list[str]:
    """The indexes that this process could not build, as duplicates stand against it."""
    return sorted(_with_duplicates)


def _tend() -> None:
    global _is_large, _is_unseen
    try:
        faults = indexes.look()
        _is_unseen = False
        _is_large = any(not _has_few(name) for name in _collections(faults))
        if faults and not _mending.locked():
            builder = threading.Thread(target=_build, name="builder", daemon=True)
            builder.start()
            builder.join(FIRST)
    except TROUBLES as error:
        _is_unseen = True
        log.debug("indexes not looked at: %s", error)
    finally:
        _looking.release()


def _build() -> None:
    try:
        mend()
    except TROUBLES as error:
        log.warning("indexes not mended: %s", error)


def _make_new(
    wanted: Mapping[str, Index], faults: Mapping[str, Fault]
) -> frozenset[str]:
    """
    Build what is missing of collections with few documents, all of one at once: a new
    database lacks dozens, and each command of its own takes longer than the index.

    Returns:
        The labels of those that are built.
    """
    missing: dict[str, list[Index]] = defaultdict(list)
    for label, fault in faults.items():
        if fault is Fault.MISSING and label not in _not_before:
            missing[wanted[label].collection].append(wanted[label])

    def make(name: str) -> list[str]:
        some = missing[name]
        try:
            if not _has_few(name):
                return []
            get_db()[name].create_indexes([_model(index) for index in some])
        except OperationFailure:
            return []  # which of them, and why, is found out one by one
        return [index.label for index in some]

    with ThreadPoolExecutor(indexes.LOOKS, "indexes") as pool:
        return frozenset(label for made in pool.map(make, missing) for label in made)


def _collections(faults: Mapping[str, Fault]) -> set[str]:
    return {label.rpartition(".")[0] for label in faults}


def _has_few(collection: str) -> bool:
    return get_db()[collection].estimated_document_count() <= FEW


def _model(index: Index) -> IndexModel:
    return IndexModel(list(index.keys), name=index.name, **index.options)


def _mend_one(index: Index, fault: Fault) -> None:
    if fault is Fault.DIFFERENT and index.label in _replaced:
        return
    began = time.monotonic()
    try:
        with pymongo.timeout(LONGEST):
            _replace(index) if fault is Fault.DIFFERENT else _create(index)
    except DuplicateKeyError:
        _not_before[index.label] = time.monotonic() + AFTER_DUPLICATES
        _with_duplicates.add(index.label)
        _name_duplicates(index)
    except OperationFailure as error:
        _not_before[index.label] = time.monotonic() + AFTER_FAILURE
        log.warning("index not built: %s: %s", index.label, error)
    else:
        _with_duplicates.discard(index.label)
        took = time.monotonic() - began
        # A new database has dozens of them, which take no time.
        level = logging.INFO if took > WORTH_A_LINE else logging.DEBUG
        log.log(level, "index built: %s, was %s, took %.1fs", index.label, fault, took)


def _replace(index: Index) -> None:
    """
    Put an index in the place of one that has its name and is another.

    Where it is unique a stand-in is built first, which differs in its filter but lets
    nothing pass: if there are duplicates, the old one stays.
    """
    rows = get_db()[index.collection]
    if index.is_unique:
        everything = {**index.only, "_id": {"$exists": True}}
        options = {**index.options, "partialFilterExpression": everything}
        try:
            rows.create_indexes(
                [IndexModel(list(index.keys), name=index.stand_in, **options)]
            )
        except OperationFailure as error:
            # Before 5.0 two indexes of the same keys cannot stand side by side.
            if error.code not in IN_THE_WAY:
                raise
    rows.drop_index(index.name)
    _replaced.add(index.label)
    _create(index)


def _create(index: Index) -> None:
    rows = get_db()[index.collection]
    try:
        rows.create_indexes([_model(index)])
    except OperationFailure as error:
        if error.code not in IN_THE_WAY:
            raise
        _clear_way(rows, index)
        rows.create_indexes([_model(index)])
    if index.is_unique and index.stand_in in rows.index_information():
        rows.drop_index(index.stand_in)


def _clear_way(rows: Collection, index: Index) -> None:
    """Drop what has the same keys under another name."""
    for name, found in rows.index_information().items():
        if tuple(found["key"]) == index.keys and name != index.name:
            log.warning("index dropped: %s, which %s replaces", name, index.label)
            rows.drop_index(name)


def _name_duplicates(index: Index) -> None:
    try:
        with pymongo.timeout(TO_NAME):
            found = duplicates(index, limit=NAMED)
    except TROUBLES as error:
        log.warning("duplicates not found: %s: %s", index.label, error)
        return
    log.error(
        "index not built: %s, as there are duplicates: %s; "
        "`flask indexes --settle` says what can be done",
        index.label,
        "; ".join(" = ".join(map(str, each.ids)) for each in found),
    )
