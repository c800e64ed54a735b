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

from jimeng.documents import Lane, indexes, lacks_index, utcnow
from jimeng.lanes import switches
from jimeng.lanes.record import limit_of, raise_limit, read, read_all
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
_kept: dict[str, Kept] = {}


def free_slots(lane: str, most: int) -> list[int]:
    """
    The numbers of the slots that may be taken now; none while backing off, or
    while the operator has paused sending, or nothing keeps two out of one slot.
    """
    return free_in({lane: most})[lane]


def free_in(limits: Mapping[str, int]) -> dict[str, list[int]]:
    """`free_slots` of several lanes, read at once."""
    nothing: dict[str, list[int]] = {lane: [] for lane in limits}
    if not _may_send():
        return nothing
    at, records = time.monotonic(), read_all(limits.keys())
    try:
        taken = slots_taken_in(limits)
    except OperationFailure as error:
        if not lacks_index(error):
            raise
        indexes.found_missing(indexes.SLOTS)
        return nothing
    found = {lane: _free(records[lane], taken[lane], limits[lane]) for lane in limits}
    for lane, most in limits.items():
        if is_plain(records[lane]) and taken[lane].issubset(range(most)):
            numbers = _in_random_order(found[lane])
            with _lock:
                _kept[lane] = Kept(most, at, numbers)
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
    # Where the limit was higher before, some may hold numbers beyond it.
    room = max(limit - len(taken), 0)
    return sorted(set(range(limit)) - taken)[:room]


def backs_off(record: Lane) -> bool:
    return record.not_before is not None and record.not_before > utcnow()


def is_plain(record: Lane) -> bool:
    """Whether each number below the configured limit may be taken if it is free."""
    return record.limit is None and not record.refusals and not backs_off(record)


def candidates(lane: str, most: int) -> Iterator[int]:
    """
    Numbers that are free as far as is known, to be tried in this order.

    Those that this process knows of come first; once they are used up, those of one
    new look, unless the latest was but a moment ago.
    """
    if not _may_send():
        return
    if is_plain(read(lane)):
        yield from _known(lane, most)
        kept = _kept.get(lane)
        if kept and kept.most == most and kept.age < most / READ_PER_SECOND:
            return  # the pump looks again soon
    began = time.monotonic()
    found = free_slots(lane, most)
    kept = _kept.get(lane)
    if kept and kept.at >= began:
        yield from _known(lane, most)
    else:  # not kept: it backs off, or some hold numbers beyond the limit
        yield from _in_random_order(found)


def _known(lane: str, most: int) -> Iterator[int]:
    while True:
        with _lock:
            kept = _kept.get(lane)
            if kept is None or kept.most != most or kept.age > KEPT or not kept.numbers:
                return
            number = kept.numbers.pop()
        yield number


def give_back(lane: str, slot: int | None) -> None:
    """Remember that a slot has just been freed, while the lane is asked for slots."""
    with _lock:
        kept = _kept.get(lane)
        if kept and kept.age < KEPT and slot is not None and slot < kept.most:
            kept.numbers.append(slot)


def _in_random_order(numbers: list[int]) -> list[int]:
    return random.sample(numbers, len(numbers))


def forget() -> None:
    _kept.clear()
