"""
Move all files to the configured store during operation.

No document changes: a file keeps its id, and readers try every store. Each file is
copied, read back and compared, and deleted from the source after a delay, so that open
readers can finish. An interrupted move can be repeated.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bson import ObjectId
from gridfs.errors import CorruptGridFile

from jimeng.pictures.contents import PART_BYTES, Content, InMemory
from jimeng.pictures.stores.configured import ConfiguredStore
from jimeng.pictures.stores.store import FileMissing, Store, StoredFile

log = logging.getLogger(__name__)

BATCH = 100
PARALLEL_FILES = 4  # a part of each is in memory
GRACE_S = 60.0  # until a copied file is deleted: a slow reader may have it open
FUTURE = timedelta(days=1)  # for ids of machines whose clock is ahead
# After this time a save has ended, or its process has died.
MIN_LEFTOVER_AGE = timedelta(minutes=10)
# A query -> the ids of the files that its documents refer to.
Named = Callable[[dict], Iterable[ObjectId]]


class CopyDiffers(Exception):
    """The copy differs from the source; neither is deleted."""


class FileDamaged(Exception):
    """The bytes of a file are not those that were stored."""


@dataclass(frozen=True)
class StoreSize:
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


def overview(store: Store) -> list[StoreSize]:
    """The content of each store, the configured one first."""
    stores = store.stores if isinstance(store, ConfiguredStore) else [store]
    return [StoreSize(x.kind, x.where, x.count(), x.size()) for x in stores]


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
        FileTooLarge: the configured store takes no files of that length.
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
            lengths = pool.map(
                lambda each: copy(each[0], each[1], source, target), batch.items()
            )
            for file_id, length in zip(batch, lengths, strict=True):
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
        CopyDiffers: as in `move`, and so is FileTooLarge.
    """
    try:
        content = verified(source, file_id)
        if content is None:
            return None
        if sha256_in(target, file_id) != content.sha256:
            target.delete(file_id)  # an interrupted copy
            target.put(name, {file_id: content})
            if sha256_in(target, file_id) != content.sha256:
                raise CopyDiffers(f"file {file_id} is not the same in {target.kind}")
        StoredFile(source, file_id, content.length).pieces(0, 1).close()
    except FileDamaged as error:
        log.error("%s", error)
        return None
    except (FileMissing, CorruptGridFile):
        target.delete(file_id)  # the picture was deleted meanwhile
        return 0
    return content.length


def is_leftover(
    file_id: ObjectId, name: str, source: Store, target: Store, named: Named
) -> bool:
    """
    Whether a file that cannot be read in *source* is dispensable: it is intact in
    *target*, or no document refers to it, as its picture was saved again under another
    id.
    """
    known = [each.find(file_id) for each in (source, target)]
    expected = next((each.sha256 for each in known if each and each.sha256), None)
    if expected is None and not name:
        return False  # chunks without a record: the owner is unknown
    if expected is not None and sha256_in(target, file_id) == expected:
        return True
    if file_id.generation_time > datetime.now(UTC) - MIN_LEFTOVER_AGE:
        return False  # it may be in the process of being saved
    return file_id not in set(named({"_id": name}))


def verified(store: Store, file_id: ObjectId) -> Content | None:
    """
    A file whose checksum, if recorded, is right; None if it does not exist. A short one
    is read into memory, so that it is read only once.

    Raises:
        FileDamaged: it is wrong, or the file is incomplete.
    """
    known = store.find(file_id)
    if known is None:
        return None
    content: Content = StoredFile(store, file_id, known.length)
    try:
        if known.length <= PART_BYTES:
            content = InMemory(content.read())
        is_right = known.sha256 in (None, content.sha256)
    except FileMissing:
        return None
    except CorruptGridFile as error:
        raise FileDamaged(f"file damaged id={file_id}: {error}") from error
    if not is_right:
        raise FileDamaged(f"file damaged id={file_id}: its SHA-256 is another")
    return content


def sha256_in(store: Store, file_id: ObjectId) -> str | None:
    """The SHA-256 of a file's bytes; None if they are missing or incomplete."""
    known = store.find(file_id)
    try:
        return StoredFile(store, file_id, known.length).sha256 if known else None
    except (FileMissing, CorruptGridFile):
        return None


def drop(
    source: Store, leaving: deque[tuple[float, ObjectId]], *, before: float
) -> None:
    """Delete the files that were copied *before* this time."""
    while leaving and leaving[0][0] <= before:
        source.delete(leaving.popleft()[1])
