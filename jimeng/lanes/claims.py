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
from jimeng.documents import (
    Generation,
    Lane,
    State,
    indexes,
    lacks_index,
    new_token,
)
from jimeng.documents.base import KNOWN_KIND
from jimeng.lanes import switches
from jimeng.lanes.record import (
    backs_off,
    limit_of,
    note_taken,
    raise_limit,
    read,
    read_all,
)
from jimeng.lanes.slots import (
    IN_LINE,
    Channel,
    Slot,
    channels_of,
    parted,
    slots_taken_in,
)
from jimeng.lanes.turns import leave

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
_kept: dict[Channel, Kept] = {}


def free_slots(lane: str, most: int, account: str = MAIN) -> list[int]:
    """
    The numbers of an account's slots that may be taken now; none while backing off, or
    while the operator has paused sending, or nothing keeps two out of one slot.
    """
    channel = Channel(lane, account)
    return free_in({channel: most})[channel]


def free_in(limits: Mapping[Channel, int]) -> dict[Channel, list[int]]:
    """`free_slots` of several channels, read at once."""
    nothing: dict[Channel, list[int]] = {channel: [] for channel in limits}
    if not _may_send():
        return nothing
    at, records = time.monotonic(), read_all([channel.record for channel in limits])
    try:
        taken = slots_taken_in(limits)
    except OperationFailure as error:
        if not lacks_index(error):
            raise
        indexes.found_missing(indexes.SLOTS)
        return nothing
    found = {
        channel: _free(records[channel.record], taken[channel], most)
        for channel, most in limits.items()
    }
    for channel, most in limits.items():
        if is_plain(records[channel.record]) and taken[channel].issubset(range(most)):
            numbers = _in_random_order(found[channel])
            with _lock:
                _kept[channel] = Kept(most, at, numbers)
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


def candidates(lane: str, limits: Mapping[str, int]) -> Iterator[tuple[Channel, int]]:
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
    channels = {Channel(lane, account): limits[account] for account in order}
    unseen = {}
    for channel, most in channels.items():
        if is_plain(read(channel.record)):
            yield from _known(channel, most)
            kept = _kept.get(channel)
            if kept and kept.most == most and kept.age < most / READ_PER_SECOND:
                continue  # the pump looks again soon
        unseen[channel] = most
    if not unseen:
        return
    began = time.monotonic()
    for channel, numbers in free_in(unseen).items():
        kept = _kept.get(channel)
        if kept and kept.at >= began:
            yield from _known(channel, unseen[channel])
        else:  # not kept: it backs off, or some hold numbers beyond the limit
            yield from ((channel, number) for number in _in_random_order(numbers))


def _known(channel: Channel, most: int) -> Iterator[tuple[Channel, int]]:
    while True:
        with _lock:
            kept = _kept.get(channel)
            if kept is None or kept.most != most or kept.age > KEPT or not kept.numbers:
                return
            number = kept.numbers.pop()
        yield channel, number


def give_back(lane: str, slot: Slot | None) -> None:
    """Remember that a slot has just been freed, while the lane is asked for slots."""
    found = None if slot is None else parted(lane, slot)
    if found is None:
        return
    channel, number = found
    with _lock:
        kept = _kept.get(channel)
        if kept and kept.age < KEPT and number < kept.most:
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
    for channel, slots in (free_in(channels_of(waited)) if waited else {}).items():
        room[channel.lane] += len(slots)
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
    for channel, number in candidates(lane, limits):
        token, slot = new_token(), channel.slot(number)
        starting = {"state": State.STARTING.value, "submit_token": token}
        given = {"account": channel.account, "slot": slot}
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
            give_back(lane, slot)
        else:
            leave(lane, taken.user_id, 1)
            note_taken(lane, taken.turn)
        return taken
    return None
