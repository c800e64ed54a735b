"""Stall detection: a lane that sends nothing though a slot is free."""

from collections.abc import Mapping
from datetime import timedelta

from jimeng.documents import Generation, State, utcnow
from jimeng.documents.kinds import KNOWN_KIND
from jimeng.lanes.claims import free_slots_in
from jimeng.lanes.limits import (
    QUEUE_ORDER,
    SENDING,
    account_lanes_of,
    count_unreadable_slots,
    is_paused,
    read_lane,
)

STALLED_AFTER = timedelta(seconds=30)


def find_stalled(lane: str, limits: Mapping[str, int]) -> str | None:
    """
    Return the id of the first picture of a lane that has waited `STALLED_AFTER` while
    none was claimed, though a slot is free or all slots are used by pictures that this
    release cannot read. None if there is none, the lane backs off or sending is paused.

    A picture whose delay has just ended matches for a moment, too: callers have to
    check twice.

    Args:
        limits: Account -> its configured limit in the lane.
    """
    before = utcnow() - STALLED_AFTER
    where = {"lane": lane, "state": State.QUEUED.value, **KNOWN_KIND}
    rows = Generation.collection()
    found = rows.find_one(where, {"created_at": 1}, sort=QUEUE_ORDER, hint="waiting")
    if found is None or found["created_at"] > before:
        return None
    taken_at = read_lane(lane, fresh=True).taken_at
    if taken_at is not None and taken_at > before:
        return None
    if is_paused(SENDING):
        return None
    free = free_slots_in(account_lanes_of({lane: limits}))
    is_full = count_unreadable_slots([lane]) >= sum(limits.values())
    is_stalled = any(free.values()) or is_full
    return found["_id"] if is_stalled else None
