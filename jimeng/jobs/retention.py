"""
Retention: what the operator does not keep for ever, and the room on the disk.

Neither touches what its owner wants to keep, favourites and pictures that are shared or
in collections, nor the record of a task: that a picture was drawn and charged stays
known, and that it was removed.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from mongoengine import get_db
from pymongo.errors import OperationFailure

from jimeng.documents import Image, Share, Task, utcnow
from jimeng.documents.base import KNOWN_KIND
from jimeng.jobs.purge import purge_picture
from jimeng.jobs.runtime import runtime
from jimeng.lanes import switches

log = logging.getLogger(__name__)

BATCH_DOCUMENTS = 500
GIB = 2**30
MIN_FREE_BYTES = (
    300 * 2**20
)  # bytes on the disk of MongoDB; below, nothing new is taken
RESUME_FREE_BYTES = (
    2 * MIN_FREE_BYTES
)  # to take on again, so that it does not go to and fro
# Said by the picture itself; that one is shared by itself its link says.
REMOVABLE = {
    "favourite": {"$ne": True},
    "collections.0": {"$exists": False},
    **KNOWN_KIND,
}
ROUND_S = 600.0  # seconds; how soon what is kept no more is met
SIZE_FIELDS = ("bytes", "thumbnail_bytes", "preview_bytes")
FIELDS = dict.fromkeys(("task_id", "index", "created_at", *SIZE_FIELDS), 1)

_passed: datetime | None = None  # all from before have been looked at in this round
_round_ends = 0.0  # by `time.monotonic`


@dataclass(frozen=True)
class Surplus:
    """
    What the limits would remove.

    Attributes:
        pictures: How many; *bytes* with all that is kept of them.
        until: When the youngest of them came; None where there are none.
    """

    pictures: int = 0
    bytes: int = 0
    until: datetime | None = None


def count_surplus(days: int, gib: float) -> Surplus:
    """
    Count what these limits would remove now; nothing is changed.

    Args:
        days: 0 for no limit; *gib* likewise.
    """
    found = Surplus()
    for row, is_shared in _due(days, gib):
        if is_shared:
            continue
        size = found.bytes + _size(row)
        found = Surplus(found.pictures + 1, size, row["created_at"])
    return found


def apply_limits() -> bool:
    """
    Remove some of what is older than ``KEEP_DAYS`` or beyond ``KEEP_GIB``.

    Returns:
        Whether there may be more.
    """
    global _passed, _round_ends
    config = runtime().config
    if time.monotonic() >= _round_ends:
        _passed, _round_ends = None, time.monotonic() + ROUND_S
    cutoff = _cutoff(config.KEEP_DAYS)
    seen, touched = 0, []
    due = _due(config.KEEP_DAYS, config.KEEP_GIB, after=_passed, most=BATCH_DOCUMENTS)
    for row, is_shared in due:
        seen += 1
        _passed = row["created_at"]
        if not is_shared and purge_picture(row, REMOVABLE):
            touched.append(row["task_id"])
    if touched:
        Task.touch(touched)
        log.info("pictures removed by retention count=%d", len(touched))
    if seen < BATCH_DOCUMENTS and cutoff is not None:
        # What is kept of that may be very much: it is not gone through each minute.
        _passed = max(_passed or cutoff, cutoff)
    return seen >= BATCH_DOCUMENTS


def _cutoff(days: int) -> datetime | None:
    return utcnow() - timedelta(days=days) if days else None


def _due(
    days: int, gib: float, *, after: datetime | None = None, most: int = 0
) -> Iterator[tuple[dict, bool]]:
    """
    The pictures that are to go, the oldest first; each with whether it is shared by
    itself, and stays for that.

    Args:
        after: Those that came before are passed over.
        most: 0 for all of them.
    """
    if not days and not gib:
        return
    cutoff = _cutoff(days)
    beyond = runtime().store.size() - int(gib * GIB) if gib else 0
    if cutoff is None and beyond <= 0:
        return
    came: dict = {"$gte": after} if after else {"$exists": True}
    if beyond <= 0:
        came["$lt"] = cutoff
    where = {"created_at": came, **REMOVABLE}
    found = Image.collection().find(where, FIELDS).hint("created")
    rows = found.sort("created_at", 1).limit(most)
    while some := [*islice(rows, BATCH_DOCUMENTS)]:
        shared = Share.showing(row["_id"] for row in some)
        for row in some:
            is_old = cutoff is not None and row["created_at"] < cutoff
            if not is_old and beyond <= 0:
                return
            is_shared = row["_id"] in shared
            if not is_shared:
                beyond -= _size(row)
            yield row, is_shared


def _size(row: dict) -> int:
    return sum(row.get(name) or 0 for name in SIZE_FIELDS)


def watch_disk() -> None:
    """
    Take nothing new while a disk is nearly full, so that what has been
    taken can still be drawn and kept; go on by itself once there is room.
    """
    free = free_bytes()
    if free is None:
        return
    paused = switches.paused(fresh=True).get(switches.INTAKE)
    if free < MIN_FREE_BYTES and paused is None:
        log.error("disk nearly full free=%d: new tasks are refused", free)
        switches.pause(switches.INTAKE, switches.BY_DISK)
    elif (
        free >= RESUME_FREE_BYTES
        and paused is not None
        and paused.by == switches.BY_DISK
    ):
        log.warning("disk has room again free=%d: new tasks are taken", free)
        switches.resume(switches.INTAKE)


def free_bytes() -> int | None:
    """
    Bytes that are free on the disk of MongoDB, or of the pictures if these are fewer;
    None where nobody says.
    """
    told = (free_bytes_of_mongodb(), runtime().store.room())
    return min((free for free in told if free is not None), default=None)


def free_bytes_of_mongodb() -> int | None:
    try:
        stats = get_db().command("dbStats")
    except OperationFailure:
        return None  # the account may not ask
    total = int(stats.get("fsTotalSize") or 0)
    return total - int(stats["fsUsedSize"]) if total else None
