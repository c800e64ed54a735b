"""
Move all files to the configured store during operation.

No document changes: a file keeps its id, and readers try every store. Each file is
copied, read back and compared, and deleted from the source after a delay, so that open
readers can finish. An interrupted move can be repeated.
"""

import hashlib
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bson import ObjectId
from gridfs.errors import CorruptGridFile

from jimeng.pictures.stores.configured import ConfiguredStore, Store

log = logging.getLogger(__name__)

BATCH = 100
PARALLEL_FILES = 4  # each is in memory
GRACE_S = 60.0  # until a copied file is deleted: a slow reader may have it open
FUTURE = timedelta(days=1)  # for ids of machines whose clock is ahead
SETTLED = timedelta(minutes=10)  # after which a save has ended or died
# A query -> the ids of the files that its documents refer to.
Named = Callable[[dict], Iterable[ObjectId]]


class CopyDiffers(Exception):
    """The copy differs from the source; both are kept."""


@dataclass(frozen=True)
class Holding:
    """
    The content of a store.

    Attributes:
        kind: Its name in ``STORAGE``.
        where: Its location.
        files: The approximate number of files; *bytes* is their approximate size.
    """

    kind: str
    where: str
    files: int
    bytes: int


def overview(store: Store) -> list[Holding]:
    """The content of each store, the configured one first."""
    stores = store.stores if isinstance(store, ConfiguredStore) else [store]
    return [Holding(x.kind, x.where, x.count(), x.size()) for x in stores]


def move(
    store: ConfiguredStore, named: Named, *, grace: float | None = None
) -> Iterator[int]:
    """
    Move the files of the other stores to the configured one, and delete leftovers of
    failed saves and moves.

    Args:
        grace: In seconds; by default `GRACE_S`.

    Yields:
        The length of each file that was copied.

    Raises:
        CopyDiffers: a copy differs from its source.
        StorageUnavailable: a store cannot be reached; moved files stay moved.
    """
    grace = GRACE_S if grace is None else grace
    for source in store.others:
        leaving: deque[tuple[float, ObjectId]] = deque()
        for file_id, length in copies(source, store.first, named):
            leaving.append((time.monotonic(), file_id))
            if length:
                yield length
            drop(source, leaving, before=time.monotonic() - grace)
        if leaving:
            time.sleep(max(0.0, leaving[-1][0] + grace - time.monotonic()))
            drop(source, leaving, before=time.monotonic())


def copies(
    source: Store, target: Store, named: Named
) -> Iterator[tuple[ObjectId, int]]:
    """
    Copy all files of *source*, some in parallel: most of the time is spent waiting.

    Yields:
        Ids and lengths of files that are in *target* now; length 0 for leftovers in
        *source*, which were not copied.
    """
    with ThreadPoolExecutor(PARALLEL_FILES, "move") as pool:
        for batch in batches(source, BATCH):
            made = pool.map(
                lambda each: copy(each[0], each[1], source, target), batch.items()
            )
            for file_id, length in zip(batch, made, strict=True):
                if length is not None:
                    yield file_id, length
                elif is_leftover(file_id, batch[file_id], source, target, named):
                    yield file_id, 0


def batches(source: Store, size: int) -> Iterator[dict[ObjectId, str]]:
    """Ids and names of all files, in batches."""
    until, after = datetime.now(UTC) + FUTURE, None
    while found := source.saved_before(until, after=after, limit=size):
        yield found
        after = max(found)


def copy(file_id: ObjectId, name: str, source: Store, target: Store) -> int | None:
    """
    Copy a file to *target*.

    Returns:
        Its length; None if it cannot be read: it was deleted meanwhile, is being
        written, or is damaged. Then nothing is changed.

    Raises:
        CopyDiffers: as in `move`.
    """
    content = read(source, file_id)
    if content is None or is_damaged(source, file_id, content):
        return None
    if not is_same(read(target, file_id), content):
        target.delete(file_id)  # an interrupted copy
        target.put(name, {file_id: content})
        if not is_same(read(target, file_id), content):
            raise CopyDiffers(f"file {file_id} is not the same in {target.kind}")
    there = source.open(file_id)
    if there is None:
        target.delete(file_id)  # the picture was deleted meanwhile
    else:
        there.close()
    return len(content)


def is_leftover(
    file_id: ObjectId, name: str, source: Store, target: Store, named: Named
) -> bool:
    """
    Whether a file that cannot be read in *source* is dispensable: it is intact in
    *target*, or no document refers to it, as its picture was saved again under another
    id.
    """
    expected = source.sha256_of(file_id) or target.sha256_of(file_id)
    if expected is None and not name:
        return False  # chunks without a record: the owner is unknown
    there = read(target, file_id)
    if there is not None and hashlib.sha256(there).hexdigest() == expected:
        return True
    if file_id.generation_time > datetime.now(UTC) - SETTLED:
        return False  # it may be in the process of being saved
    return file_id not in set(named({"_id": name}))


def is_damaged(store: Store, file_id: ObjectId, content: bytes) -> bool:
    """Whether it differs from the stored checksum."""
    expected = store.sha256_of(file_id)
    if expected is None or hashlib.sha256(content).hexdigest() == expected:
        return False
    log.error("file damaged id=%s: its SHA-256 is not that of its ledger", file_id)
    return True


def is_same(found: bytes | None, content: bytes) -> bool:
    return (
        found is not None
        and hashlib.sha256(found).digest() == hashlib.sha256(content).digest()
    )


def read(store: Store, file_id: ObjectId) -> bytes | None:
    found = store.open(file_id)
    if found is None:
        return None
    with found:
        try:
            return found.read()
        except CorruptGridFile as error:
            log.error("file damaged id=%s: %s", file_id, error)
            return None


def drop(
    source: Store, leaving: deque[tuple[float, ObjectId]], *, before: float
) -> None:
    """Delete the files that were copied *before* this time."""
    while leaving and leaving[0][0] <= before:
        source.delete(leaving.popleft()[1])
