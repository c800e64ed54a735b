"""
What limits sending: the slots, concurrency limit, back-off and suspension of each
account lane, and the operator's switches.

An account lane is one provider account in one lane. A slot is the number of one of the
pictures that it generates at the same time. The queue is shared: the next picture is
assigned to any account with a free slot. The state of the main account is stored in the
lane's own record.

A switch pauses new tasks, sending to the providers, or webhooks. Switches are stored in
MongoDB; each process caches them for `SWITCH_CACHE_S`.
"""

import logging
import random
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from jimeng.config.accounts import MAIN
from jimeng.documents import Generation, Lane, State, Switch, Worker, utcnow
from jimeng.documents.kinds import OTHER_KIND
from jimeng.errors import IntakePaused, StorageFull
from jimeng.process.state import Remembered, remembered

log = logging.getLogger(__name__)

RAISE_AFTER = timedelta(minutes=1)  # then a lowered limit is raised by one, on trial
REFUSALS_TO_LOWER = 3  # lowering on one stray refusal once pinned a lane to 1
REFUSAL_RESET_AFTER = timedelta(minutes=5)  # refusals further apart do not add up
REFUSAL_FIELDS = {"refusals": "", "full_at": ""}
BACK_OFF_S, MAX_BACK_OFF_S = 0.5, 16.0
FAILURE_FIELDS = dict.fromkeys(
    ("failures", "failing_since", "failed_at", "failed_code", "failed_users"), ""
)
SUSPENSION_FIELDS = FAILURE_FIELDS | dict.fromkeys(
    ("refused", "rests", "not_before", "suspended_at", "suspended_since"), ""
)
LOWERED_LIMIT_FIELDS = dict.fromkeys(
    ("limit", "raised", "limit_until", "limit_refused_at"), ""
)
LOWERED_TOLD_FOR = timedelta(minutes=10)
POLLING_BACK_OFF = timedelta(minutes=10)
LANE_CACHE_S = 0.25
TICKET_CACHE_S = 1.0
INTAKE, SENDING, WEBHOOKS = "intake", "sending", "webhooks"
SWITCHES = (INTAKE, SENDING, WEBHOOKS)
# A restored copy starts with these paused: the original may still be running.
PAUSED_AFTER_RESTORE = (SENDING, WEBHOOKS)
BY_DISK, BY_RESTORE = "disk", "restore"  # paused by the server itself, not by a user
# Hold reasons; the last one is of a lane.
PAUSED, NO_WORKER, PROVIDER_REFUSES = "paused", "no_worker", "provider_refuses"
SWITCH_CACHE_S = 0.5
WORKER_CACHE_S = 1.0
INTAKE_RETRY_AFTER_S = 60  # a guess: the operator resumes at an unknown time

BATCH_ROWS = 2000  # rows per round trip
QUEUE_ORDER = [("turn", 1), ("_id", 1)]
KNOWN_STATES = [state.value for state in State]

Slot = int | str  # as `AccountLane.slot` writes it


class AccountLane(NamedTuple):
    """One provider account in one lane."""

    lane: str
    account: str = MAIN

    @property
    def record(self) -> str:
        """The id of the `Lane` record with its limit and back-off."""
        if self.account == MAIN:
            return self.lane
        return f"{self.account}@{self.lane}"

    def slot(self, number: int) -> Slot:
        """The stored value of the slot with this number, unique within the lane."""
        return number if self.account == MAIN else f"{self.account}/{number}"


def parse_slot(lane: str, slot: object) -> tuple[AccountLane, int] | None:
    """Return the account lane and number of a stored slot; None if it is malformed."""
    if isinstance(slot, int):
        return AccountLane(lane), slot
    account, _, number = str(slot).rpartition("/")
    if not (account and number.isascii() and number.isdecimal()):
        return None
    return AccountLane(lane, account), int(number)


def account_lanes_of(limits: Mapping[str, Mapping[str, int]]) -> dict[AccountLane, int]:
    """
    Flatten limits by lane and account.

    Args:
        limits: Lane -> account -> its configured concurrency limit.
    """
    return {
        AccountLane(lane, account): configured
        for lane, by_account in limits.items()
        for account, configured in by_account.items()
    }


def used_slots(lane: str, account: str = MAIN) -> set[int]:
    account_lane = AccountLane(lane, account)
    return used_slots_in([account_lane])[account_lane]


def used_slots_in(account_lanes: Iterable[AccountLane]) -> dict[AccountLane, set[int]]:
    """Bulk version of `used_slots`."""
    used: dict[AccountLane, set[int]] = {
        account_lane: set() for account_lane in account_lanes
    }
    for account_lane, number in _used_slots(
        {"$in": sorted({account_lane.lane for account_lane in used})}
    ):
        if account_lane in used:
            used[account_lane].add(number)
    return used


def count_foreign_slots(
    account_lanes: Collection[AccountLane],
) -> Counter[AccountLane]:
    """
    Count the slots in use by account lanes other than these. Their accounts have no
    credentials here (any more), so their pictures are not polled.
    """
    lanes = {"$exists": True}
    return Counter(
        account_lane
        for account_lane, _ in _used_slots(lanes)
        if account_lane not in account_lanes
    )


def _used_slots(lanes: Mapping[str, object]) -> Iterator[tuple[AccountLane, int]]:
    where = {"lane": lanes, "slot": {"$exists": True}}
    fields = {"_id": 0, "lane": 1, "slot": 1}
    rows = Generation.collection().find(where, fields).hint("slot")
    for row in rows.batch_size(BATCH_ROWS):
        if found := parse_slot(row["lane"], row["slot"]):
            yield found


def count_unreadable_slots(lanes: Iterable[str]) -> int:
    """Count slots in use by pictures of a state or kind unknown to this release."""
    unknown = [{"state": {"$nin": KNOWN_STATES}}, OTHER_KIND]
    where = {"lane": {"$in": list(lanes)}, "slot": {"$exists": True}, "$or": unknown}
    return Generation.collection().count_documents(where, hint="slot")


def count_generating_in(lane: str, account: str = MAIN) -> int:
    """Count the pictures of an account in a lane that the provider has accepted."""
    where = {"slot": {"$exists": True}, "state": State.GENERATING.value}
    mine = {"lane": lane, "account": account, **where}
    return Generation.collection().count_documents(mine, hint="slot")


def count_generating(account: str) -> int:
    """Count the pictures of an account in all lanes: those that it is polled for."""
    where = {"slot": {"$exists": True}, "state": State.GENERATING.value}
    mine = {"account": account, **where}
    return Generation.collection().count_documents(mine, hint="slot")


class AccountLaneState(NamedTuple):
    """
    The state of one account in one lane.

    Attributes:
        limit: How many pictures it may generate at the same time now.
        configured: The configured limit; *limit* is lower after refusals.
    """

    account_lane: AccountLane
    record: Lane
    limit: int
    configured: int

    def is_lowered(self, *, is_waiting: bool) -> bool:
        """
        Whether to tell the operator that the limit is lowered: while pictures wait in
        the lane, or after a recent refusal. A limit is raised only by pictures, so in a
        quiet lane it says nothing about the provider.
        """
        refused_at = self.record.limit_refused_at
        is_recent = refused_at is not None and refused_at > utcnow() - LOWERED_TOLD_FOR
        return self.limit < self.configured and (is_waiting or is_recent)


_lanes: dict[str, tuple[float, Lane]] = remembered({})
# highest ticket, and when it was written
_claimed: dict[str, tuple[int, float]] = remembered({})


class _State(Remembered):
    paused: tuple[float, dict[str, Switch]] | None = None
    worker: tuple[float, bool] = (0.0, True)  # valid until, by `time.monotonic`


_state = _State()


def read_lane(lane: str, *, fresh: bool = False) -> Lane:
    """
    Read the record of a lane or of an account lane, cached for `LANE_CACHE_S` unless
    *fresh*.
    """
    cached = _lanes.get(lane)
    if not fresh and cached and time.monotonic() - cached[0] < LANE_CACHE_S:
        return cached[1]
    return read_lanes([lane])[lane]


def read_lanes(names: Collection[str]) -> dict[str, Lane]:
    """Read the records of several lanes by one query, past the cache."""
    rows = Lane.collection().find({"_id": {"$in": list(names)}})
    found = {row["_id"]: Lane.read(row) for row in rows}
    records = {name: found.get(name) or Lane(id=name) for name in names}
    for lane, record in records.items():
        if record.unread:
            # These are hints and measurements: drop the unreadable ones and go on.
            log.error(
                "lane fields dropped lane=%s unread=%s", lane, sorted(record.unread)
            )
            update_lane(lane, {"$unset": dict.fromkeys(record.unread, "")})
    now = time.monotonic()
    _lanes.update({name: (now, record) for name, record in records.items()})
    return records


def read_account_lanes(
    limits: Mapping[str, Mapping[str, int]],
) -> list[AccountLaneState]:
    """
    Read the state of all account lanes by one query.

    Args:
        limits: As in `account_lanes_of`.
    """
    account_lanes = account_lanes_of(limits)
    records = read_lanes([each.record for each in account_lanes])
    states = []
    for account_lane, configured in account_lanes.items():
        record = records[account_lane.record]
        states.append(
            AccountLaneState(
                account_lane, record, limit_of(record, configured), configured
            )
        )
    return states


def forget_lane(lane: str) -> None:
    """Drop this process's cache of a record that has just changed."""
    _lanes.pop(lane, None)


def update_lane(lane: str, update: dict) -> None:
    """
    Update a lane's record, not durably: hints and measurements that a crash loses are
    measured again.
    """
    Lane.collection(durable=False).update_one({"_id": lane}, update, upsert=True)


def modify_lane(lane: str, update: dict | list[dict]) -> Lane:
    """Update a lane's record, not durably, and return the result."""
    updated = Lane.find_and_modify({"_id": lane}, update, durable=False, upsert=True)
    assert updated is not None  # an upsert returns the document  # noqa: S101
    return updated


def record_claim(lane: str, ticket: int) -> None:
    """
    Record that a picture with this ticket was claimed. The tickets of a user who has
    nothing waiting begin at the highest one, and stall detection reads the time.
    """
    known, now = _claimed.get(lane, (-1, 0.0)), time.monotonic()
    if ticket > known[0] or now > known[1] + TICKET_CACHE_S:
        update_lane(lane, {"$max": {"turn": ticket, "taken_at": utcnow()}})
        _claimed[lane] = (max(ticket, known[0]), now)


def limit_of(record: Lane, configured: int) -> int:
    """Return the current concurrency limit, at most *configured*."""
    if record.limit is None:
        return configured
    is_due = record.limit_until is not None and record.limit_until <= utcnow()
    return min(record.limit + record.raised + is_due, configured)


def total_limit(lane: str, limits: Mapping[str, int]) -> int:
    """
    Return the current concurrency limit of all accounts together. Suspended accounts
    do not count, unless all are suspended.

    Args:
        limits: Account -> its configured limit.
    """
    records = {each: read_lane(AccountLane(lane, each).record) for each in limits}
    active = [
        each for each in limits if not is_account_suspended(records[each])
    ] or list(limits)
    return sum(limit_of(records[each], limits[each]) for each in active)


def raise_limit(record: Lane, configured: int) -> None:
    """
    Store the higher limit that `limit_of` has begun to try: a limit that was in force
    for `RAISE_AFTER` without a refusal is allowed by the provider, and one more is
    tried. After as long at the configured limit, the limit is no longer lowered.
    """
    if record.limit is None:
        return
    now, limit = utcnow(), record.limit + record.raised
    if record.limit_until is None:
        if limit < configured:
            return  # `_widen_trial` goes on
        update: dict = {"$set": {"limit_until": now + RAISE_AFTER}}
    elif record.limit_until > now:
        return
    elif limit >= configured:
        update = {"$unset": LOWERED_LIMIT_FIELDS}
    else:
        tried = {"limit": limit, "raised": 1}
        update = {"$set": tried, "$unset": {"limit_until": ""}}
    Lane.collection(durable=False).update_one(_unchanged(record), update)


def _widen_trial(record: Lane, running: int) -> None:
    """
    The provider has just accepted a picture with *running* under way: if these are
    more than the stored limit, double the excess that is tried.
    """
    if record.limit is None or record.limit_until is not None:
        return
    if running > record.limit:
        more = {"$max": {"raised": 2 * (running - record.limit)}}
        Lane.collection(durable=False).update_one(_unchanged(record), more)


def _end_trial(record: Lane, running: int) -> bool:
    """
    If a picture beyond the stored limit was refused, limit the lane to those that are
    running, and try no more for `RAISE_AFTER`. One refusal is enough, and no back-off
    is needed: nothing is sent until one of those ends.

    Returns:
        Whether it was beyond the limit.
    """
    if record.limit is None or running < record.limit:
        return False
    raised = {"$min": [{"$ifNull": ["$raised", 0]}, running - record.limit]}
    now = utcnow()
    where = {"_id": record.id, "limit": record.limit}
    ended = {"raised": raised, "limit_until": now + RAISE_AFTER}
    changes = [{"$set": {**ended, "limit_refused_at": now}}]
    Lane.collection(durable=False).update_one(where, changes)
    return True


def _unchanged(record: Lane) -> dict:
    return {
        "_id": record.id,
        "limit": record.limit,
        "limit_until": record.limit_until,  # None where it is absent
    }


def back_off(lane: str, account: str = MAIN, *, full: bool) -> None:
    """
    Record that the provider refused a picture of an account, and back off: exponential,
    with jitter.

    Args:
        full: The provider said that too many are running: after `REFUSALS_TO_LOWER` of
            these the limit becomes what was running. If a higher limit was on trial,
            the trial ends instead, without back-off.
    """
    account_lane = AccountLane(lane, account).record
    record = read_lane(account_lane, fresh=True)  # drops fields that cannot be updated
    # The refused picture still has its slot.
    running = len(used_slots(lane, account)) - 1 if full else 0
    if full and _end_trial(record, running):
        return
    now, lanes = utcnow(), Lane.collection(durable=False)
    expired = {"_id": account_lane, "not_before": {"$lt": now - REFUSAL_RESET_AFTER}}
    lanes.update_one(expired, {"$unset": REFUSAL_FIELDS})
    counted: dict = {"$inc": {"refusals": 1}}
    if full:
        counted["$min"] = {"full_at": max(1, running)}
        counted["$set"] = {"limit_refused_at": now}
    updated = modify_lane(account_lane, counted)
    wait = min(BACK_OFF_S * 2.0 ** (updated.refusals - 1), MAX_BACK_OFF_S)
    changes: dict = {"$max": {"not_before": now + jittered(wait)}}
    if full and updated.refusals >= REFUSALS_TO_LOWER and updated.full_at:
        limit = min(updated.limit or updated.full_at, updated.full_at)
        lowered = {"limit": limit, "raised": 0, "limit_until": now + RAISE_AFTER}
        changes["$set"] = lowered
        changes["$unset"] = REFUSAL_FIELDS
        if limit != updated.limit:
            log.warning(
                "limit lowered lane=%s account=%s limit=%d", lane, account, limit
            )
    update_lane(account_lane, changes)
    forget_lane(account_lane)  # the next claim must see it


def jittered(seconds: float) -> timedelta:
    """A delay of *seconds*, give or take a quarter."""
    spread = random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, no secret
    return timedelta(seconds=seconds * spread)


def end_suspension(lane: str, account: str) -> None:
    """End the suspension of an account that the provider has accepted again."""
    account_lane = AccountLane(lane, account).record
    where = {"_id": account_lane, "refused": {"$exists": True}}
    ended = Lane.collection(durable=False).update_one(
        where, {"$unset": SUSPENSION_FIELDS}
    )
    forget_lane(account_lane)
    if ended.modified_count:
        log.warning("account accepted again lane=%s account=%s", lane, account)


def end_failures(lane: str, account: str) -> None:
    """End the series of failures of an account that is not suspended for them."""
    account_lane = AccountLane(lane, account).record
    where = {"_id": account_lane, "refused": None}
    Lane.collection(durable=False).update_one(where, {"$unset": FAILURE_FIELDS})
    forget_lane(account_lane)


def is_account_suspended(record: Lane) -> bool:
    return record.refused is not None and is_backed_off(record)


def is_backed_off(record: Lane) -> bool:
    return record.not_before is not None and record.not_before > utcnow()


def record_acceptance(lane: str, account: str = MAIN, *, is_finished: bool) -> None:
    """
    Record that the provider accepted a picture: end the suspension and the series of
    refusals, unless no more are running than when that began. If a higher limit than
    the lowered one is on trial, widen the trial.

    An acceptance right after another picture has ended says nothing about the limit:
    when it ended the series, a full lane was refused once for each picture.

    Args:
        is_finished: The response contained the finished picture. All other pictures
            with a slot are being generated, or will be refused.
    """
    account_lane = AccountLane(lane, account).record
    record = read_lane(account_lane)
    if record.refused is not None:
        end_suspension(lane, account)
    elif record.failures:
        end_failures(lane, account)
    if record.limit is None and not record.refusals:
        return
    if is_finished:
        running = len(used_slots(lane, account)) + 1
    else:
        running = count_generating_in(lane, account)
    _widen_trial(read_lane(account_lane, fresh=True), running)
    if not record.refusals:
        return
    full_at = record.full_at
    if is_finished or full_at is None or running > full_at:
        update_lane(account_lane, {"$unset": {**REFUSAL_FIELDS, "not_before": ""}})
        forget_lane(account_lane)


def reset_limits(lane: str, account: str) -> None:
    """
    Reset lowered limit, back-off and suspension of an account: the configured number
    of pictures is sent again at once.
    """
    account_lane = AccountLane(lane, account).record
    fields = {**LOWERED_LIMIT_FIELDS, **REFUSAL_FIELDS, **SUSPENSION_FIELDS}
    Lane.collection().update_one({"_id": account_lane}, {"$unset": fields})
    forget_lane(account_lane)


def back_off_polling(lane: str) -> None:
    """Poll less often for a while: the provider limits the rate of polls."""
    update_lane(lane, {"$max": {"calm_until": utcnow() + POLLING_BACK_OFF}})


def is_polling_backed_off(lane: str) -> bool:
    until = read_lane(lane).calm_until
    return until is not None and until > utcnow()


def is_paused(name: str) -> bool:
    """Whether *name* is paused, cached for `SWITCH_CACHE_S`."""
    return name in paused()


def paused(*, fresh: bool = False) -> dict[str, Switch]:
    """Return the paused switches by name, cached as above unless *fresh*."""
    cached = _state.paused
    if not fresh and cached and time.monotonic() - cached[0] < SWITCH_CACHE_S:
        return cached[1]
    read_at = time.monotonic()
    rows = Switch.read_all(Switch.collection().find())
    found = {row.id: row for row in rows}
    _state.paused = (read_at, found)
    return found


def hold_reason() -> str | None:
    """``paused`` or ``no_worker``, if nothing is sent for that reason."""
    if not _is_worker_alive():
        return NO_WORKER
    return PAUSED if is_paused(SENDING) else None


def _is_worker_alive() -> bool:
    until, found = _state.worker
    if time.monotonic() >= until:
        working = {**Worker.alive(), "too_old": {"$ne": True}}
        found = Worker.collection().find_one(working, {"_id": 1}) is not None
        _state.worker = time.monotonic() + WORKER_CACHE_S, found
    return found


def check_intake() -> None:
    """
    Check that new tasks are accepted.

    Raises:
        IntakePaused: the operator has paused new tasks.
        StorageFull: the disk is nearly full.
    """
    found = paused().get(INTAKE)
    if found is None:
        return
    kind = StorageFull if found.by == BY_DISK else IntakePaused
    raise kind(f"intake paused by {found.by}", retry_after=INTAKE_RETRY_AFTER_S)


def pause(name: str, by: str) -> None:
    """Pause a switch; one that is paused already keeps its time and author."""
    first = {"paused_at": utcnow(), "by": by}
    Switch.collection().update_one({"_id": name}, {"$setOnInsert": first}, upsert=True)
    clear_switch_cache()


def resume(name: str) -> None:
    Switch.collection().delete_one({"_id": name})
    clear_switch_cache()


def clear_switch_cache() -> None:
    """Drop this process's cache of the switches."""
    _state.paused = None
