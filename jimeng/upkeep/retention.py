"""
Retention limits by age and size, and pausing when the disk is nearly full.

Pictures and videos have limits of size of their own. Favourites, what is shared and
what is in collections are never removed, nor is the record of a task: that a picture
was generated, charged and removed stays known.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from mongoengine import get_db
from pymongo.errors import OperationFailure

from jimeng import lanes
from jimeng.documents import Image, Share, Task, utcnow
from jimeng.documents.image import LENGTHS
from jimeng.documents.kinds import KNOWN_KIND, VIDEO
from jimeng.jobs.video_disk_space import MIN_FREE_BYTES
from jimeng.process.runtime import runtime
from jimeng.process.state import Remembered, remembered
from jimeng.upkeep.purge import purge_picture

log = logging.getLogger(__name__)

BATCH_DOCUMENTS = 500
GIB = 2**30
RESUME_FREE_BYTES = 2 * MIN_FREE_BYTES  # hysteresis
# That a picture is shared by itself is not stored here, but in its `Share`.
REMOVABLE = {
    "favourite": {"$ne": True},
    "collections.0": {"$exists": False},
    **KNOWN_KIND,
}
ROUND_S = 600.0  # from one pass over all pictures to the next
SIZE_FIELDS = tuple(LENGTHS.values())
FIELDS = dict.fromkeys(("task_id", "index", "created_at", *SIZE_FIELDS), 1)
Kind = str | None  # of an `Image`: pictures have none
INDEXES: dict[Kind, str] = {None: "created", VIDEO: "videos"}

# Cursors: what is older has been checked in this round.
_passed: dict[Kind, datetime] = remembered({})


class _State(Remembered):
    round_ends = 0.0  # by `time.monotonic`


_state = _State()


@dataclass(frozen=True)
class Surplus:
    """
    What the retention limits would remove.

    Attributes:
        count: How many; *bytes* includes their thumbnails and previews.
        until: When the newest of them was created; None if there are none.
    """

    count: int = 0
    bytes: int = 0
    until: datetime | None = None


def count_surplus(kind: Kind, days: int, gib: float) -> Surplus:
    """
    Count what these limits would remove now; nothing is changed.

    Args:
        kind: Of the pictures or of the videos.
        days: 0 for no limit; *gib* likewise.
    """
    found = Surplus()
    for row, is_shared in _due(kind, days, gib):
        if is_shared:
            continue
        size = found.bytes + _size(row)
        found = Surplus(found.count + 1, size, row["created_at"])
    return found


def apply_limits() -> bool:
    """
    Remove a batch of what is older than ``KEEP_DAYS``, and of the pictures beyond
    ``KEEP_GIB`` and the videos beyond ``KEEP_VIDEO_GIB``.

    Returns:
        Whether there may be more.
    """
    config = runtime().config
    if time.monotonic() >= _state.round_ends:
        _passed.clear()
        _state.round_ends = time.monotonic() + ROUND_S
    limits = {None: config.KEEP_GIB, VIDEO: config.KEEP_VIDEO_GIB}
    has_more = [
        remove_batch(kind, config.KEEP_DAYS, gib) for kind, gib in limits.items()
    ]
    return any(has_more)


def remove_batch(kind: Kind, days: int, gib: float) -> bool:
    """Remove a batch of what `count_surplus` counts; return whether there is more."""
    cutoff = _cutoff(days)
    seen, touched = 0, []
    due = _due(kind, days, gib, after=_passed.get(kind), most=BATCH_DOCUMENTS)
    for row, is_shared in due:
        seen += 1
        _passed[kind] = row["created_at"]
        if not is_shared and purge_picture(row, REMOVABLE):
            touched.append(row["task_id"])
    if touched:
        Task.touch(touched)
        log.info("removed by retention kind=%s count=%d", kind, len(touched))
    if seen < BATCH_DOCUMENTS and cutoff is not None:
        # Many older pictures may be exempt: do not check all of them each minute.
        _passed[kind] = max(_passed.get(kind, cutoff), cutoff)
    return seen >= BATCH_DOCUMENTS


def _cutoff(days: int) -> datetime | None:
    return utcnow() - timedelta(days=days) if days else None


def _due(
    kind: Kind, days: int, gib: float, *, after: datetime | None = None, most: int = 0
) -> Iterator[tuple[dict, bool]]:
    """
    Yield what is beyond the limits, oldest first, each with whether it is shared by
    itself and so exempt.

    Args:
        after: Skip what was created before this.
        most: 0 for no limit.
    """
    if not days and not gib:
        return
    cutoff = _cutoff(days)
    beyond = stored_bytes(kind) - int(gib * GIB) if gib else 0
    if cutoff is None and beyond <= 0:
        return
    created_at: dict = {"$gte": after} if after else {"$exists": True}
    if beyond <= 0:
        created_at["$lt"] = cutoff
    where = {"created_at": created_at, **REMOVABLE, "kind": kind}
    found = Image.collection().find(where, FIELDS).hint(INDEXES[kind])
    rows = found.sort("created_at", 1).limit(most)
    while batch := [*islice(rows, BATCH_DOCUMENTS)]:
        shared = Share.showing(row["_id"] for row in batch)
        for row in batch:
            is_old = cutoff is not None and row["created_at"] < cutoff
            if not is_old and beyond <= 0:
                return
            is_shared = row["_id"] in shared
            if not is_shared:
                beyond -= _size(row)
            yield row, is_shared


def stored_bytes(kind: Kind) -> int:
    """What all pictures, or all videos, take in the store."""
    sums = {"$sum": [{"$ifNull": [f"${name}", 0]} for name in SIZE_FIELDS]}
    summed: list[dict] = [
        {"$match": {"kind": VIDEO}},
        {"$group": {"_id": None, "bytes": {"$sum": sums}}},
    ]
    found = list(Image.collection().aggregate(summed, hint=INDEXES[VIDEO]))
    videos = int(found[0]["bytes"]) if found else 0
    return videos if kind else max(runtime().store.size() - videos, 0)


def _size(row: dict) -> int:
    return sum(row.get(name) or 0 for name in SIZE_FIELDS)


def watch_disk() -> None:
    """
    Refuse new tasks while a disk is nearly full, so that accepted ones can still be
    generated and stored; resume automatically once there is space.
    """
    free = free_bytes()
    if free is None:
        return
    paused = lanes.paused(fresh=True).get(lanes.INTAKE)
    if free < MIN_FREE_BYTES and paused is None:
        log.error("disk nearly full free=%d: new tasks are refused", free)
        lanes.pause(lanes.INTAKE, lanes.BY_DISK)
    elif (
        free >= RESUME_FREE_BYTES and paused is not None and paused.by == lanes.BY_DISK
    ):
        log.warning("disk has space again free=%d: new tasks are accepted", free)
        lanes.resume(lanes.INTAKE)


def free_bytes() -> int | None:
    """
    Free bytes on the disk of MongoDB or of the pictures, whichever has less; None if
    unknown.
    """
    reported = (free_bytes_of_mongodb(), runtime().store.free_bytes())
    return min((free for free in reported if free is not None), default=None)


def free_bytes_of_mongodb() -> int | None:
    try:
        stats = get_db().command("dbStats")
    except OperationFailure:
        return None  # the database account may not run it
    total = int(stats.get("fsTotalSize") or 0)
    return total - int(stats["fsUsedSize"]) if total else None
