"""Disk space for videos: none is sent whose file this machine could not store."""

import shutil
from datetime import timedelta
from pathlib import Path

from jimeng import lanes
from jimeng.documents import Generation, State, utcnow
from jimeng.documents.kinds import VIDEO
from jimeng.errors import StorageUnavailable, outages
from jimeng.process.runtime import runtime
from jimeng.providers import Model

MIN_FREE_BYTES = 300 * 2**20  # below, new tasks are refused
RESERVE_BYTES = 2**30
NO_DISK_SPACE = "no_room"  # why videos wait, as shown to their users
RECORD_EVERY, RECENT = timedelta(seconds=10), timedelta(seconds=60)
# What the provider may be generating, and what is fetched or waits for that.
UNDER_WAY = [
    *(State.SUBMITTING.value, State.SEEKING.value),
    *(State.GENERATING.value, State.FETCHING.value),
]


def has_disk_space(model: Model) -> bool:
    """Whether a video of *model* may be sent."""
    try:
        free, needed = free_bytes(), needed_bytes(model)
        if free < needed:
            said = f"no room for videos: {free} of {needed} bytes are free"
            raise StorageUnavailable(said, retry_after=60)
    except StorageUnavailable as error:
        outages.failed("room for videos", error)
        record_no_disk_space(model.lane)
        return False
    return True


def record_no_disk_space(lane: str) -> None:
    at, now = lanes.read_lane(lane).no_room_at, utcnow()
    if at is None or at < now - RECORD_EVERY:
        lanes.update_lane(lane, {"$max": {"no_room_at": now}})


def is_waited_for(lane: str) -> bool:
    """Whether videos of *lane* wait, since no worker that tried had space for one."""
    record = lanes.read_lane(lane)
    at, claimed_at = record.no_room_at, record.taken_at
    if at is None or at < utcnow() - RECENT:
        return False
    return claimed_at is None or claimed_at < at


def needed_bytes(model: Model) -> int:
    """What the videos under way may need, and another one of *model*."""
    if model.video is None:
        return 0
    count = Generation.collection().count_documents(
        {"kind": VIDEO, "state": {"$in": UNDER_WAY}, "due_at": {"$exists": True}}
    )
    return (count + 1) * model.video.typical_max_bytes + RESERVE_BYTES


def free_bytes() -> int:
    """
    The free space where files arrive, on this machine.

    Raises:
        StorageUnavailable: the directory is not there.
    """
    directory: Path = runtime().store.scratch_directory()
    try:
        return shutil.disk_usage(directory).free
    except OSError as error:
        said = f"temporary files: {error.strerror or type(error).__name__}"
        raise StorageUnavailable(said, retry_after=60) from error
