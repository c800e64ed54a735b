"""Claims: the picture that is next, and the slot that it takes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta

from pymongo.errors import DuplicateKeyError

from jimeng.documents import Generation, State, new_token, utcnow
from jimeng.lanes.free import candidates, free_in, give_back
from jimeng.lanes.record import note_taken
from jimeng.lanes.shares import shares_of
from jimeng.lanes.turns import leave

STARTING_LEASE = timedelta(seconds=8)
FIRST = [("turn", 1), ("_id", 1)]


def openings(limits: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """
    Lane -> how many of its waiting pictures can be sent now, where there are any.

    Costs the same however many wait.

    Args:
        limits: The lanes that are looked at, and of each account the configured limit.
    """
    waited = {lane: limits[lane] for lane in waited_for() if lane in limits}
    room: Counter[str] = Counter()
    for share, slots in (free_in(shares_of(waited)) if waited else {}).items():
        room[share.lane] += len(slots)
    return {lane: _count_waiting(lane, up_to=n) for lane, n in room.items() if n}


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


def claim(lane: str, limits: Mapping[str, int]) -> Generation | None:
    """
    Take the first waiting picture of the lane and a free slot, in one update.

    Nothing has been sent for a picture in this state: when its lease passes, it
    waits again.

    Args:
        limits: Account -> its configured limit in the lane.

    Returns:
        The generation in state ``starting``, given to an account; None if nothing
        waits or no slot is free.
    """
    for share, number in candidates(lane, limits):
        token, slot = new_token(), share.slot(number)
        update = {
            "$set": {
                "state": State.STARTING.value,
                "owner": token,
                "submit_token": token,
                "account": share.account,
                "slot": slot,
                "due_at": utcnow() + STARTING_LEASE,
            },
            "$unset": {"waiting": ""},
        }
        where, order = {"lane": lane, "state": State.QUEUED.value}, FIRST
        try:
            # Not durable by itself: the write before the first byte, which finds the
            # picture only if it is still claimed, is.
            taken = Generation.swap(where, update, sort=order, durable=False)
        except DuplicateKeyError:
            continue  # another consumer has that slot
        if taken is None:
            give_back(lane, slot)
        else:
            leave(lane, taken.user_id, 1)
            note_taken(lane, taken.turn)
        return taken
    return None
