"""Claims: the picture that is next, and the slot that it takes."""

import random
from datetime import timedelta

from pymongo.errors import DuplicateKeyError, OperationFailure

from jimeng.documents import Generation, State, indexes, lacks_index, new_token, utcnow
from jimeng.lanes import switches
from jimeng.lanes.record import change, limit_of, raise_limit, read
from jimeng.lanes.slots import slots_taken
from jimeng.lanes.turns import leave

STARTING_LEASE = timedelta(seconds=8)


def free_slots(lane: str, most: int) -> list[int]:
    """
    The numbers of the slots that may be taken now; none while backing off, or
    while the operator has paused sending, or nothing keeps two out of one slot.
    """
    if switches.is_paused(switches.SENDING) or not indexes.is_there(indexes.SLOTS):
        return []
    record = read(lane, fresh=True)
    if record.not_before and record.not_before > utcnow():
        return []
    raise_limit(record, most)
    limit = limit_of(record, most)
    if record.refusals and record.full_at:
        # Just refused: one more is tried, and not all that there are at once.
        limit = min(limit, record.full_at + 1)
    try:
        taken = slots_taken(lane)
    except OperationFailure as error:
        if not lacks_index(error):
            raise
        indexes.found_missing(indexes.SLOTS)
        return []
    # Where the limit was higher before, some may hold numbers beyond it.
    room = max(limit - len(taken), 0)
    return sorted(set(range(limit)) - taken)[:room]


def is_waited_for(lane: str) -> bool:
    """Whether a picture waits in the lane."""
    where = {"lane": lane, "state": State.QUEUED.value}
    found = Generation.collection().find_one(where, {"_id": 1}, hint="waiting")
    return found is not None


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
