"""
Free slots: the numbers that a lane's next pictures may take.

To read all that are taken for each claim costs more the more there are. So a process
keeps the free ones for a moment, and adds those that it gives back. What it keeps may
be wrong, and the unique index tells.
"""

import random
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pymongo.errors import OperationFailure

from jimeng.config.accounts import MAIN
from jimeng.documents import Lane, indexes, lacks_index
from jimeng.lanes import switches
from jimeng.lanes.record import backs_off, limit_of, raise_limit, read, read_all
from jimeng.lanes.shares import Share, Slot, parted
from jimeng.lanes.slots import slots_taken_in

KEPT = 0.25  # seconds
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
_kept: dict[Share, Kept] = {}


def free_slots(lane: str, most: int, account: str = MAIN) -> list[int]:
    """
    The numbers of an account's slots that may be taken now; none while backing off, or
    while the operator has paused sending, or nothing keeps two out of one slot.
    """
    share = Share(lane, account)
    return free_in({share: most})[share]


def free_in(limits: Mapping[Share, int]) -> dict[Share, list[int]]:
    """`free_slots` of several shares, read at once."""
    nothing: dict[Share, list[int]] = {share: [] for share in limits}
    if not _may_send():
        return nothing
    at, records = time.monotonic(), read_all([share.record for share in limits])
    try:
        taken = slots_taken_in(limits)
    except OperationFailure as error:
        if not lacks_index(error):
            raise
        indexes.found_missing(indexes.SLOTS)
        return nothing
    found = {
        share: _free(records[share.record], taken[share], most)
        for share, most in limits.items()
    }
    for share, most in limits.items():
        if is_plain(records[share.record]) and taken[share].issubset(range(most)):
            numbers = _in_random_order(found[share])
            with _lock:
                _kept[share] = Kept(most, at, numbers)
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


def candidates(lane: str, limits: Mapping[str, int]) -> Iterator[tuple[Share, int]]:
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
    shares = {Share(lane, account): limits[account] for account in order}
    unseen = {}
    for share, most in shares.items():
        if is_plain(read(share.record)):
            yield from _known(share, most)
            kept = _kept.get(share)
            if kept and kept.most == most and kept.age < most / READ_PER_SECOND:
                continue  # the pump looks again soon
        unseen[share] = most
    if not unseen:
        return
    began = time.monotonic()
    for share, numbers in free_in(unseen).items():
        kept = _kept.get(share)
        if kept and kept.at >= began:
            yield from _known(share, unseen[share])
        else:  # not kept: it backs off, or some hold numbers beyond the limit
            yield from ((share, number) for number in _in_random_order(numbers))


def _known(share: Share, most: int) -> Iterator[tuple[Share, int]]:
    while True:
        with _lock:
            kept = _kept.get(share)
            if kept is None or kept.most != most or kept.age > KEPT or not kept.numbers:
                return
            number = kept.numbers.pop()
        yield share, number


def give_back(lane: str, slot: Slot | None) -> None:
    """Remember that a slot has just been freed, while the lane is asked for slots."""
    found = None if slot is None else parted(lane, slot)
    if found is None:
        return
    share, number = found
    with _lock:
        kept = _kept.get(share)
        if kept and kept.age < KEPT and number < kept.most:
            kept.numbers.append(number)


def _in_random_order(numbers: list[int]) -> list[int]:
    return random.sample(numbers, len(numbers))


def forget() -> None:
    _kept.clear()
