"""Claims: the picture that is next, and the slot that it takes."""

import random
from collections.abc import Iterator, Mapping
from datetime import timedelta

from pymongo.errors import DuplicateKeyError, OperationFailure

from jimeng.documents import (
    Generation,
    Lane,
    State,
    indexes,
    lacks_index,
    new_token,
    utcnow,
)
from jimeng.lanes import switches
from jimeng.lanes.record import change, limit_of, raise_limit, read_all
from jimeng.lanes.slots import slots_taken_in
from jimeng.lanes.turns import leave

STARTING_LEASE = timedelta(seconds=8)


def openings(limits: Mapping[str, int]) -> dict[str, int]:
    """
    Lane -> how many of its waiting pictures can be sent now, where there are any.

    Costs the same however many wait.

    Args:
        limits: The lanes that are looked at, and the configured limit of each.
    """
    waited = {lane: limits[lane] for lane in waited_for() if lane in limits}
    free = _free_in(waited) if waited else {}
    return {
        lane: _count_waiting(lane, up_to=len(slots))
        for lane, slots in free.items()
        if slots
    }


def waited_for() -> Iterator[str]:
    """The lanes in which a picture waits: one look at the index for each of them."""
    lane = ""
    while True:
        where = {"lane": {"$gt": lane}, "state": State.QUEUED.value}
        rows = Generation.collection().find(where, {"_id": 0, "lane": 1})
        row = next(rows.hint("waiting").sort("lane", 1).limit(1), None)
        if row is None:
            return
        lane = row["lane"]
        yield lane


def _count_waiting(lane: str, *, up_to: int) -> int:
    where = {"lane": lane, "state": State.QUEUED.value}
    count = Generation.collection().count_documents
    return count(where, hint="waiting", limit=up_to)


def free_slots(lane: str, most: int) -> list[int]:
    """
    The numbers of the slots that may be taken now; none while backing off, or
    while the operator has paused sending, or nothing keeps two out of one slot.
    """
    return _free_in({lane: most})[lane]


def _free_in(limits: Mapping[str, int]) -> dict[str, list[int]]:
    nothing: dict[str, list[int]] = {lane: [] for lane in limits}
    if switches.is_paused(switches.SENDING) or not indexes.is_there(indexes.SLOTS):
        return nothing
    records = read_all(limits.keys())
    try:
        taken = slots_taken_in(limits)
    except OperationFailure as error:
        if not lacks_index(error):
            raise
        indexes.found_missing(indexes.SLOTS)
        return nothing
    return {lane: _free(records[lane], taken[lane], limits[lane]) for lane in limits}


def _free(record: Lane, taken: set[int], most: int) -> list[int]:
    if record.not_before and record.not_before > utcnow():
        return []
    raise_limit(record, most)
    limit = limit_of(record, most)
    if record.refusals and record.full_at:
        # Just refused: one more is tried, and not all that there are at once.
        limit = min(limit, record.full_at + 1)
    # Where the limit was higher before, some may hold numbers beyond it.
    room = max(limit - len(taken), 0)
    return sorted(set(range(limit)) - taken)[:room]


def claim(lane: str, most: int) -> Generation | None:
    """
    Take the first waiting picture of the lane and a free slot, in one update.

    Nothing has been sent for a picture in this state: when its lease passes, it
    waits again.

    Args:
        most: The lane's configured limit.

    Returns:
        The generation in state ``starting``; None if nothing waits or no slot
        is free.
    """
    for slot in _in_random_order(free_slots(lane, most)):
        token = new_token()
        update = {
            "$set": {
                "state": State.STARTING.value,
                "owner": token,
                "submit_token": token,
                "slot": slot,
                "due_at": utcnow() + STARTING_LEASE,
            },
            "$unset": {"waiting": ""},
        }
        where = {"lane": lane, "state": State.QUEUED.value}
        try:
            taken = Generation.swap(where, update, sort=[("turn", 1), ("_id", 1)])
        except DuplicateKeyError:
            continue  # another consumer has that slot
        if taken is not None:
            leave(lane, taken.user_id, 1)
            change(lane, {"$max": {"turn": taken.turn, "taken_at": utcnow()}})
        return taken
    return None


def _in_random_order(numbers: list[int]) -> list[int]:
    return random.sample(numbers, len(numbers))
