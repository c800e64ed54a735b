"""
Claims: the picture that is next, and the free slot that it takes.

To read all slots that are taken for each claim costs more the more there are. So a
process keeps the free ones for a moment, and adds those that it gives back. What it
keeps may be wrong, and the unique index tells.
"""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from pymongo.errors import DuplicateKeyError, OperationFailure

from jimeng.config.accounts import MAIN
from jimeng.documents import Generation, Lane, State, indexes, lacks_index, new_token
from jimeng.documents.base import KNOWN_KIND
from jimeng.lanes import switches
from jimeng.lanes.limits import (
    backs_off,
    limit_of,
    note_claimed,
    raise_limit,
    read,
    read_all,
)
from jimeng.lanes.slots import (
    IN_LINE,
    AccountLane,
    Slot,
    account_lanes_of,
    parted,
    used_slots_in,
)
from jimeng.lanes.tickets import release_tickets

CACHE_S = 0.25  # seconds
# A lane of a thousand slots that has none left is read ten times a second at most.
READ_PER_SECOND = 10_000  # numbers


@dataclass
class Kept:
    """
    Attributes:
        most: The configured limit that they are of.
        at: When they were read, by `time.monotonic`.
        numbers: In random order, so that two processes seldom want the same one.
    """

    most: int
    at: float
    numbers: list[int]

    @property
    def age(self) -> float:
        return time.monotonic() - self.at


_lock = threading.Lock()
_kept: dict[AccountLane, Kept] = {}


def free_slots(lane: str, most: int, account: str = MAIN) -> list[int]:
    """
    The numbers of an account's slots that may be taken now; none while backing off, or
    while the operator has paused sending, or nothing keeps two out of one slot.
    """
    account_lane = AccountLane(lane, account)
    return free_in({account_lane: most})[account_lane]


def free_in(limits: Mapping[AccountLane, int]) -> dict[AccountLane, list[int]]:
    """`free_slots` of several channels, read at once."""
    nothing: dict[AccountLane, list[int]] = {
        account_lane: [] for account_lane in limits
    }
    if not _may_send():
        return nothing
    at, records = (
        time.monotonic(),
        read_all([account_lane.record for account_lane in limits]),
    )
    try:
        taken = used_slots_in(limits)
    except OperationFailure as error:
        if not lacks_index(error):
            raise
        indexes.found_missing(indexes.SLOTS)
        return nothing
    found = {
        account_lane: _free(records[account_lane.record], taken[account_lane], most)
        for account_lane, most in limits.items()
    }
    for account_lane, most in limits.items():
        if is_plain(records[account_lane.record]) and taken[account_lane].issubset(
            range(most)
        ):
            numbers = _in_random_order(found[account_lane])
            with _lock:
                _kept[account_lane] = Kept(most, at, numbers)
    return found


def _may_send() -> bool:
    return not switches.is_paused(switches.SENDING) and indexes.is_there(indexes.SLOTS)


def _free(record: Lane, taken: set[int], most: int) -> list[int]:
    if backs_off(record):
        return []
    raise_limit(record, most)
    limit = limit_of(record, most)
    if record.refusals and record.full_at:
        # Just refused: one more is tried, and not all that there are at once.
        limit = min(limit, record.full_at + 1)
    if record.refused is not None:
        limit = min(limit, len(taken) + 1)
    # Where the limit was higher before, some may hold numbers beyond it.
    room = max(limit - len(taken), 0)
    return sorted(set(range(limit)) - taken)[:room]


def is_plain(record: Lane) -> bool:
    """Whether each number below the configured limit may be taken if it is free."""
    refused = record.refusals or record.refused is not None
    return record.limit is None and not refused and not backs_off(record)


def candidates(
    lane: str, limits: Mapping[str, int]
) -> Iterator[tuple[AccountLane, int]]:
    """
    Slots that are free as far as is known, to be tried in this order: of any account,
    the likelier of one the more it may have.

    Those that this process knows of come first; once they are used up, those of one
    new look, unless the latest was but a moment ago.

    Args:
        limits: Account -> its configured limit.
    """
    if not _may_send():
        return
    order = sorted(limits, key=lambda account: random.expovariate(limits[account]))
    account_lanes = {AccountLane(lane, account): limits[account] for account in order}
    unseen = {}
    for account_lane, most in account_lanes.items():
        if is_plain(read(account_lane.record)):
            yield from _known(account_lane, most)
            kept = _kept.get(account_lane)
            if kept and kept.most == most and kept.age < most / READ_PER_SECOND:
                continue  # the pump looks again soon
        unseen[account_lane] = most
    if not unseen:
        return
    began = time.monotonic()
    for account_lane, numbers in free_in(unseen).items():
        kept = _kept.get(account_lane)
        if kept and kept.at >= began:
            yield from _known(account_lane, unseen[account_lane])
        else:  # not kept: it backs off, or some hold numbers beyond the limit
            yield from ((account_lane, number) for number in _in_random_order(numbers))


def _known(account_lane: AccountLane, most: int) -> Iterator[tuple[AccountLane, int]]:
    while True:
        with _lock:
            kept = _kept.get(account_lane)
            if (
                kept is None
                or kept.most != most
                or kept.age > CACHE_S
                or not kept.numbers
            ):
                return
            number = kept.numbers.pop()
        yield account_lane, number


def release_slot(lane: str, slot: Slot | None) -> None:
    """Remember that a slot has just been freed, while the lane is asked for slots."""
    found = None if slot is None else parted(lane, slot)
    if found is None:
        return
    account_lane, number = found
    with _lock:
        kept = _kept.get(account_lane)
        if kept and kept.age < CACHE_S and number < kept.most:
            kept.numbers.append(number)


def _in_random_order(numbers: list[int]) -> list[int]:
    return random.sample(numbers, len(numbers))


STARTING_LEASE = timedelta(seconds=8)


def openings(limits: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """
    Lane -> how many of its waiting pictures can be sent now, where there are any.

    Costs the same however many wait.

    Args:
        limits: The lanes that are looked at, and of each account the configured limit.
    """
    waited = {lane: limits[lane] for lane in waited_for() if lane in limits}
    room: Counter[str] = Counter()
    for account_lane, slots in (
        free_in(account_lanes_of(waited)) if waited else {}
    ).items():
        room[account_lane.lane] += len(slots)
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
    for account_lane, number in candidates(lane, limits):
        token, slot = new_token(), account_lane.slot(number)
        starting = {"state": State.STARTING.value, "submit_token": token}
        given = {"account": account_lane.account, "slot": slot}
        update: dict[str, dict] = {
            "$set": {**starting, **given},
            "$unset": {"waiting": ""},
        }
        where = {"lane": lane, "state": State.QUEUED.value, **KNOWN_KIND}
        try:
            # Not durable by itself: the write before the first byte, which finds the
            # picture only if it is still claimed, is.
            taken = Generation.claim(
                where, STARTING_LEASE, update, token=token, sort=IN_LINE, durable=False
            )
        except DuplicateKeyError:
            continue  # another consumer has that slot
        if taken is None:
            release_slot(lane, slot)
        else:
            release_tickets(lane, taken.user_id, 1)
            note_claimed(lane, taken.turn)
        return taken
    return None
