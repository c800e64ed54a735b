"""Stalls: a lane that sends nothing though it could, and nobody says why."""

from collections.abc import Mapping
from datetime import timedelta

from jimeng.documents import Generation, State, utcnow
from jimeng.documents.base import KNOWN_KIND
from jimeng.lanes import switches
from jimeng.lanes.claims import free_in
from jimeng.lanes.limits import read
from jimeng.lanes.slots import IN_LINE, account_lanes_of, slots_used_by_unknown

STALLED_AFTER = timedelta(seconds=30)


def stalled(lane: str, limits: Mapping[str, int]) -> str | None:
    """
    The id of the picture that is next in a lane and has been for too long: none was
    taken meanwhile, and a slot is free, or all are held by what this release does not
    know. None if all is well, the lane backs off, or sending is paused.

    A picture whose delay has just ended looks like that for a moment, too: whoever
    acts on it looks twice.

    Args:
        limits: Account -> its configured limit in the lane.
    """
    before = utcnow() - STALLED_AFTER
    where = {"lane": lane, "state": State.QUEUED.value, **KNOWN_KIND}
    rows = Generation.collection()
    found = rows.find_one(where, {"created_at": 1}, sort=IN_LINE, hint="waiting")
    if found is None or found["created_at"] > before:
        return None
    taken_at = read(lane, fresh=True).taken_at
    if taken_at is not None and taken_at > before:
        return None
    if switches.is_paused(switches.SENDING):
        return None
    free = free_in(account_lanes_of({lane: limits}))
    is_full = slots_used_by_unknown([lane]) >= sum(limits.values())
    stands_still = any(free.values()) or is_full
    return found["_id"] if stands_still else None
