"""
Claim the next waiting picture of a lane together with a free slot.

Reading all used slots for each claim costs more the more there are. So each process
caches the free slot numbers for `SLOT_CACHE_S` and adds those it releases itself. The
cache may be stale: the unique index on the slot rejects a claim of a used one.
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
    best_effort,
    indexes,
    lacks_index,
    new_token,
)
from jimeng.documents.kinds import KNOWN_KIND
from jimeng.lanes.limits import (
    QUEUE_ORDER,
    SENDING,
    AccountLane,
    AccountLaneState,
    Slot,
    account_lanes_of,
    is_backed_off,
    is_paused,
    limit_of,
    parse_slot,
    raise_limit,
    read_account_lanes,
    read_lane,
    read_lanes,
    record_claim,
    used_slots_in,
)
from jimeng.lanes.queue import promote, release_tickets
from jimeng.lanes.refusals import take_trial
from jimeng.process.state import remembered

SLOT_CACHE_S = 0.25
# Slot numbers: a full lane of a thousand slots is read at most ten times a second.
MAX_READ_PER_S = 10_000


@dataclass
class CachedSlots:
    """
    Free slots of one account in one lane.

    Attributes:
        configured: The configured limit when they were read.
        at: When they were read, by `time.monotonic`.
        numbers: In random order, so that two processes rarely try the same one.
    """

    configured: int
    at: float
    numbers: list[int]

    @property
    def age(self) -> float:
        return time.monotonic() - self.at


_lock = threading.Lock()
_cache: dict[AccountLane, CachedSlots] = remembered({})


def free_slots(lane: str, configured: int, account: str = MAIN) -> list[int]:
    """
    Return the slot numbers that an account may acquire now.

    None while the account backs off, the operator has paused sending, or the unique
    index on slots is missing.
    """
    account_lane = AccountLane(lane, account)
    return free_slots_in({account_lane: configured})[account_lane]


def free_slots_in(limits: Mapping[AccountLane, int]) -> dict[AccountLane, list[int]]:
    """Bulk version of `free_slots`."""
    nothing: dict[AccountLane, list[int]] = {
        account_lane: [] for account_lane in limits
    }
    if not _may_send():
        return nothing
    at, records = (
        time.monotonic(),
        read_lanes([account_lane.record for account_lane in limits]),
    )
    try:
        used = used_slots_in(limits)
    except OperationFailure as error:
        if not lacks_index(error):
            raise
        indexes.found_missing(indexes.SLOTS)
        return nothing
    found = {
        account_lane: _free_numbers(
            records[account_lane.record], used[account_lane], configured
        )
        for account_lane, configured in limits.items()
    }
    for account_lane, configured in limits.items():
        if is_unrestricted(records[account_lane.record]) and used[
            account_lane
        ].issubset(range(configured)):
            numbers = _in_random_order(found[account_lane])
            with _lock:
                _cache[account_lane] = CachedSlots(configured, at, numbers)
    return found


def _may_send() -> bool:
    return not is_paused(SENDING) and indexes.is_there(indexes.SLOTS)


def _free_numbers(record: Lane, used: set[int], configured: int) -> list[int]:
    if is_backed_off(record):
        return []
    raise_limit(record, configured)
    limit = limit_of(record, configured)
    if record.refusals and record.full_at:
        # Just refused: try one more than were running, not all free slots at once.
        limit = min(limit, record.full_at + 1)
    if record.refused is not None:
        limit = min(limit, len(used) + 1)
    # After the limit was lowered, numbers beyond it may still be in use.
    n_free = max(limit - len(used), 0)
    return sorted(set(range(limit)) - used)[:n_free]


def is_unrestricted(record: Lane) -> bool:
    """Whether each free number below the configured limit may be acquired."""
    refused = record.refusals or record.refused is not None
    return record.limit is None and not refused and not is_backed_off(record)


def slot_candidates(
    lane: str, limits: Mapping[str, int]
) -> Iterator[tuple[AccountLane, int]]:
    """
    Yield slots that are probably free, in the order in which to try them. Accounts are
    drawn at random, weighted by their limits.

    Use cached slots first. When they are used up, the free slots are read again,
    at most `MAX_READ_PER_S` numbers a second.

    Args:
        limits: Account -> its configured limit.
    """
    if not _may_send():
        return
    order = sorted(limits, key=lambda account: random.expovariate(limits[account]))
    account_lanes = {AccountLane(lane, account): limits[account] for account in order}
    unseen = {}
    for account_lane, configured in account_lanes.items():
        if is_unrestricted(read_lane(account_lane.record)):
            yield from _cached_slots(account_lane, configured)
            cached = _cache.get(account_lane)
            if (
                cached
                and cached.configured == configured
                and cached.age < configured / MAX_READ_PER_S
            ):
                continue  # read moments ago; the pump tries again soon
        unseen[account_lane] = configured
    if not unseen:
        return
    began = time.monotonic()
    for account_lane, numbers in free_slots_in(unseen).items():
        cached = _cache.get(account_lane)
        if cached and cached.at >= began:
            yield from _cached_slots(account_lane, unseen[account_lane])
        else:  # not cached: backing off, or numbers beyond the limit are in use
            yield from ((account_lane, number) for number in _in_random_order(numbers))


def _cached_slots(
    account_lane: AccountLane, configured: int
) -> Iterator[tuple[AccountLane, int]]:
    while True:
        with _lock:
            cached = _cache.get(account_lane)
            if (
                cached is None
                or cached.configured != configured
                or cached.age > SLOT_CACHE_S
                or not cached.numbers
            ):
                return
            number = cached.numbers.pop()
        yield account_lane, number


def release_slot(lane: str, slot: Slot | None) -> None:
    """Add a slot that was just released to the cache, if the cache is still fresh."""
    parsed = None if slot is None else parse_slot(lane, slot)
    if parsed is None:
        return
    account_lane, number = parsed
    with _lock:
        cached = _cache.get(account_lane)
        if cached and cached.age < SLOT_CACHE_S and number < cached.configured:
            cached.numbers.append(number)


def _in_random_order(numbers: list[int]) -> list[int]:
    return random.sample(numbers, len(numbers))


STARTING_LEASE = timedelta(seconds=8)


def count_sendable(limits: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """
    Count the waiting pictures of each lane that can be sent now, 0 if no slot is free;
    lanes where nothing waits are omitted.

    The cost does not depend on how many wait, except for those that only a later
    release can claim.

    Args:
        limits: Lane -> account -> configured limit.
    """
    waiting = {lane: limits[lane] for lane in lanes_with_waiting() if lane in limits}
    n_free: Counter[str] = Counter()
    for account_lane, slots in (
        free_slots_in(account_lanes_of(waiting)) if waiting else {}
    ).items():
        n_free[account_lane.lane] += len(slots)
    return {lane: n and _count_waiting(lane, up_to=n) for lane, n in n_free.items()}


def lanes_with_waiting() -> Iterator[str]:
    """Yield the lanes in which a picture waits that this release can claim."""
    lane = ""
    while True:
        where = {"lane": {"$gt": lane}, "state": State.QUEUED.value, **KNOWN_KIND}
        rows = Generation.collection().find(where, {"_id": 0, "lane": 1})
        row = next(rows.hint("waiting").sort("lane", 1).limit(1), None)
        if row is None:
            return
        lane = row["lane"]
        yield lane


def read_lowered(limits: Mapping[str, Mapping[str, int]]) -> list[AccountLaneState]:
    """
    Read the state of the account lanes whose limit is lowered, as the operator is told.

    Args:
        limits: As in `count_sendable`.
    """
    below = [x for x in read_account_lanes(limits) if x.limit < x.configured]
    waiting = set(lanes_with_waiting()) if below else set()
    return [
        each
        for each in below
        if each.is_lowered(is_waiting=each.account_lane.lane in waiting)
    ]


def _count_waiting(lane: str, *, up_to: int) -> int:
    where = {"lane": lane, "state": State.QUEUED.value, **KNOWN_KIND}
    count = Generation.collection().count_documents
    return count(where, hint="waiting", limit=up_to)


def _may_claim(account_lane: AccountLane) -> bool:
    """Whether the account is not refused, or a picture waits that may be its trial."""
    if read_lane(account_lane.record).refused is None:
        return True
    return _count_waiting(account_lane.lane, up_to=1) > 0 and take_trial(account_lane)


def claim(lane: str, limits: Mapping[str, int]) -> Generation | None:
    """
    Claim the first waiting picture of the lane and acquire a free slot, in one update.

    Nothing has been sent for a picture in state ``starting``: when its lease expires,
    it is queued again.

    Args:
        limits: Account -> its configured limit in the lane.

    Returns:
        The generation in state ``starting``, assigned to an account; None if nothing
        waits or no slot is free.
    """
    for account_lane, number in slot_candidates(lane, limits):
        if not _may_claim(account_lane):
            continue
        token, slot = new_token(), account_lane.slot(number)
        starting = {"state": State.STARTING.value, "submit_token": token}
        assigned = {"account": account_lane.account, "slot": slot}
        update: dict[str, dict] = {
            "$set": {**starting, **assigned},
            "$unset": {"waiting": ""},
        }
        where = {"lane": lane, "state": State.QUEUED.value, **KNOWN_KIND}
        try:
            # Not durable by itself: the write before the request is sent is, and it
            # matches only while the picture is still claimed.
            claimed = Generation.claim(
                where,
                STARTING_LEASE,
                update,
                token=token,
                sort=QUEUE_ORDER,
                durable=False,
            )
        except DuplicateKeyError:
            continue  # another consumer has that slot
        if claimed is None:
            release_slot(lane, slot)
        else:
            release_tickets(lane, claimed.user_id, 1)
            record_claim(lane, claimed.turn)
            if claimed.owner_id:
                with best_effort("tickets"):
                    promote(lane, claimed.owner_id)
        return claimed
    return None
