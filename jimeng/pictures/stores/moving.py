"""
Moving everything to the store that is chosen, while jimeng serves.

No document changes: a file keeps its id, and readers ask every store. Each file is
copied, read back and compared, and goes from where it was a while later, so that
whoever is reading it comes to its end. What is cut off is simply begun again.
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

from jimeng.pictures.stores.configured import Chosen, Store

log = logging.getLogger(__name__)

BATCH = 100
AT_A_TIME = 4  # files; each is in memory
GRACE = 60.0  # seconds that a file stays where it was: a slow reader has it open
FUTURE = timedelta(days=1)  # ids of machines whose clock is ahead
SETTLED = timedelta(minutes=10)  # a save has ended, or died, after that

# The ids of the files that the records of a query name.
Named = Callable[[dict], Iterable[ObjectId]]


class NotTheSame(Exception):
    """What was read back is not what was written; both are left as they are."""


@dataclass(frozen=True)
class Holding:
    """
    What a store holds.

    Attributes:
        kind: As ``STORAGE`` names it.
        where: Its bytes are.
        files: How many, about; *bytes* likewise.
    """

    kind: str
    where: str
    files: int
    bytes: int


def overview(store: Store) -> list[Holding]:
    """Each store's files, those of the chosen one first."""
    stores = store.stores if isinstance(store, Chosen) else [store]
    return [Holding(x.kind, x.where, x.count(), x.size()) for x in stores]


def move(store: Chosen, named: Named, *, grace: float | None = None) -> Iterator[int]:
    """
    Move what the other stores hold to the chosen one, and delete there what a save or
    a move has left behind that the store did not answer.

    Args:
        grace: By default `GRACE`.

    Yields:
        The bytes of each file, once it is there, whole.

    Raises:
        NotTheSame: a copy differs.
        StorageUnavailable: a store is away; all that was moved stays moved.
    """
    grace = GRACE if grace is None else grace
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
    Copy all files of *source*, some at a time: most of it is waiting for the stores.

    Yields:
        Ids and bytes of those that are in *target* now; 0 bytes for what is to be
        deleted in *source* and was not copied.
    """
    with ThreadPoolExecutor(AT_A_TIME, "move") as pool:
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
    """Ids and names of all files there, so many at a time."""
    until, after = datetime.now(UTC) + FUTURE, None
    while found := source.saved_before(until, after=after, limit=size):
        yield found
        after = max(found)


def copy(file_id: ObjectId, name: str, source: Store, target: Store) -> int | None:
    """
    Have the file in *target* as it is in *source*.

    Returns:
        Its bytes; None where it cannot be read there: it was deleted meanwhile, is
        being written, or is damaged, and nothing is done to it.

    Raises:
        NotTheSame: as in `move`.
    """
    content = read(source, file_id)
    if content is None or is_damaged(source, file_id, content):
        return None
    if not is_same(read(target, file_id), content):
        target.delete(file_id)  # of a copy that was cut off
        target.put(name, {file_id: content})
        if not is_same(read(target, file_id), content):
            raise NotTheSame(f"file {file_id} is not the same in {target.kind}")
    there = source.open(file_id)
    if there is None:
        target.delete(file_id)  # its picture was deleted during this
    else:
        there.close()
    return len(content)


def is_leftover(
    file_id: ObjectId, name: str, source: Store, target: Store, named: Named
) -> bool:
    """
    Whether a file that cannot be read in *source* is missed by nobody: it is whole in
    *target*, or no record names it, as its picture was saved anew under another id.
    """
    expected = source.sha256_of(file_id) or target.sha256_of(file_id)
    if expected is None and not name:
        return False  # its bytes alone are there, and do not say whose they are
    there = read(target, file_id)
    if there is not None and hashlib.sha256(there).hexdigest() == expected:
        return True
    if file_id.generation_time > datetime.now(UTC) - SETTLED:
        return False  # it may be being saved
    return file_id not in set(named({"_id": name}))


def is_damaged(store: Store, file_id: ObjectId, content: bytes) -> bool:
    """Whether it is not what was given to be kept there."""
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
    """Delete those that were copied *before* this moment."""
    while leaving and leaving[0][0] <= before:
        source.delete(leaving.popleft()[1])
