"""A lane's record: of the line, and of each channel its limit and patience."""

import logging
import random
import time
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import NamedTuple

from jimeng.config.accounts import MAIN
from jimeng.documents import Lane, utcnow
from jimeng.lanes.slots import AccountLane, account_lanes_of, count_drawn, used_slots

log = logging.getLogger(__name__)

RAISE_AFTER = timedelta(minutes=1)  # then a lowered limit is tried one higher
REFUSALS_TO_LOWER = 3  # a single stray one once pinned a lane to 1
REFUSALS_KEPT = timedelta(minutes=5)  # from one to the next, to be in a row
ROW = {"refusals": "", "full_at": ""}
BACK_OFF, BACK_OFF_MOST = 0.5, 16.0  # seconds
REST, REST_MOST = 60.0, 1800.0  # seconds
RESTS = {"refused": "", "rests": "", "not_before": ""}
LOWERED = {"limit": "", "raised": "", "limit_until": ""}
POLLING_BACK_OFF = timedelta(minutes=10)
LANE_CACHE_S = 0.25  # seconds

TICKET_CACHE_S = 1.0  # seconds


class ChannelState(NamedTuple):
    """
    How a channel stands.

    Attributes:
        limit: How many of its pictures may be under way now.
        configured: What that is unless the provider refused as many.
    """

    account_lane: AccountLane
    record: Lane
    limit: int
    configured: int


_lanes: dict[str, tuple[float, Lane]] = {}
_taken: dict[str, tuple[int, float]] = {}  # highest turn, and when it was noted


def read(lane: str, *, fresh: bool = False) -> Lane:
    """
    A lane's record, or a channel's, at most a quarter of a second old unless *fresh*.
    """
    kept = _lanes.get(lane)
    if not fresh and kept and time.monotonic() - kept[0] < LANE_CACHE_S:
        return kept[1]
    return read_all([lane])[lane]


def read_all(names: Collection[str]) -> dict[str, Lane]:
    """The records of several lanes as they are now, in one look."""
    rows = Lane.collection().find({"_id": {"$in": list(names)}})
    found = {row["_id"]: Lane.read(row) for row in rows}
    records = {name: found.get(name) or Lane(id=name) for name in names}
    for lane, record in records.items():
        if record.unread:
            # Hints and measurements: without those that cannot be read it goes on.
            log.error("lane mended lane=%s unread=%s", lane, sorted(record.unread))
            change(lane, {"$unset": dict.fromkeys(record.unread, "")})
    now = time.monotonic()
    _lanes.update({name: (now, record) for name, record in records.items()})
    return records


def read_account_lanes(limits: Mapping[str, Mapping[str, int]]) -> list[ChannelState]:
    """
    How all channels stand now, by one look.

    Args:
        limits: As in `account_lanes_of`.
    """
    account_lanes = account_lanes_of(limits)
    records = read_all([each.record for each in account_lanes])
    states = []
    for account_lane, most in account_lanes.items():
        record = records[account_lane.record]
        states.append(ChannelState(account_lane, record, limit_of(record, most), most))
    return states


def change(lane: str, update: dict) -> None:
    """Hints and measurements: what a crash forgets of these is found again."""
    Lane.collection(durable=False).update_one({"_id": lane}, update, upsert=True)


def _changed(lane: str, update: dict) -> Lane:
    """`change`, and the record as it is then."""
    found = Lane.find_and_modify({"_id": lane}, update, durable=False, upsert=True)
    assert found is not None  # an upsert returns what it made  # noqa: S101
    return found


def note_claimed(lane: str, turn: int) -> None:
    """
    Note that a picture of this turn has been taken from the line: where a newcomer's
    turns begin, and that the lane goes on.
    """
    known, now = _taken.get(lane, (-1, 0.0)), time.monotonic()
    if turn > known[0] or now > known[1] + TICKET_CACHE_S:
        change(lane, {"$max": {"turn": turn, "taken_at": utcnow()}})
        _taken[lane] = (max(turn, known[0]), now)


def limit_of(record: Lane, most: int) -> int:
    """The pictures that may be under way at a time, *most* at the most."""
    if record.limit is None:
        return most
    is_due = record.limit_until is not None and record.limit_until <= utcnow()
    return min(record.limit + record.raised + is_due, most)


def limit_in(lane: str, limits: Mapping[str, int]) -> int:
    """
    The pictures that all accounts together may have under way at a time; those that
    rest have none, unless all do.

    Args:
        limits: Account -> its configured limit.
    """
    records = {each: read(AccountLane(lane, each).record) for each in limits}
    awake = [
        each for each in limits if not is_account_suspended(records[each])
    ] or list(limits)
    return sum(limit_of(records[each], limits[each]) for each in awake)


def raise_limit(record: Lane, most: int) -> None:
    """
    Keep the higher limit that `limit_of` has begun to try: what was in force for a
    minute without a refusal is what the provider allows, and one more is tried. Where
    all that are configured have been for as long, nothing is lowered any more.
    """
    if record.limit is None:
        return
    now, limit = utcnow(), record.limit + record.raised
    if record.limit_until is None:
        if limit < most:
            return  # `_raise_further` goes on
        update: dict = {"$set": {"limit_until": now + RAISE_AFTER}}
    elif record.limit_until > now:
        return
    elif limit >= most:
        update = {"$unset": LOWERED}
    else:
        tried = {"limit": limit, "raised": 1}
        update = {"$set": tried, "$unset": {"limit_until": ""}}
    Lane.collection(durable=False).update_one(_unchanged(record), update)


def _raise_further(record: Lane, running: int) -> None:
    """
    The provider has just taken as many as are running: where these are more than the
    limit was, twice as many more are tried.
    """
    if record.limit is None or record.limit_until is not None:
        return
    if running > record.limit:
        more = {"$max": {"raised": 2 * (running - record.limit)}}
        Lane.collection(durable=False).update_one(_unchanged(record), more)


def _end_trial(record: Lane, running: int) -> bool:
    """
    Where one beyond the limit was refused, allow those that are running, and try no
    more for a minute. One refusal is enough, and the lane need not wait: until one of
    those ends, nothing is sent.

    Returns:
        Whether it was beyond the limit.
    """
    if record.limit is None or running < record.limit:
        return False
    raised = {"$min": [{"$ifNull": ["$raised", 0]}, running - record.limit]}
    until = utcnow() + RAISE_AFTER
    where = {"_id": record.id, "limit": record.limit}
    changes = [{"$set": {"raised": raised, "limit_until": until}}]
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
    Note that the provider refused to take another picture of an account, and wait a
    little.

    Args:
        full: It said that too many are running: after three of these the limit
            becomes what was running. Where it was lowered before and more are being
            tried, that ends, and there is nothing to wait for.
    """
    account_lane = AccountLane(lane, account).record
    record = read(account_lane, fresh=True)  # which mends what the updates would meet
    # Whoever was refused still holds its slot.
    running = len(used_slots(lane, account)) - 1 if full else 0
    if full and _end_trial(record, running):
        return
    now, lanes = utcnow(), Lane.collection(durable=False)
    forgotten = {"_id": account_lane, "not_before": {"$lt": now - REFUSALS_KEPT}}
    lanes.update_one(forgotten, {"$unset": ROW})
    noted: dict = {"$inc": {"refusals": 1}}
    if full:
        noted["$min"] = {"full_at": max(1, running)}
    found = _changed(account_lane, noted)
    wait = min(BACK_OFF * 2.0 ** (found.refusals - 1), BACK_OFF_MOST)
    changes: dict = {"$max": {"not_before": now + about(wait)}}
    if full and found.refusals >= REFUSALS_TO_LOWER and found.full_at:
        limit = min(found.limit or found.full_at, found.full_at)
        lowered = {"limit": limit, "raised": 0, "limit_until": now + RAISE_AFTER}
        changes["$set"] = lowered
        changes["$unset"] = ROW
        log.warning("limit lowered lane=%s account=%s limit=%d", lane, account, limit)
    change(account_lane, changes)
    _lanes.pop(account_lane, None)  # the next claim is to know


def about(seconds: float) -> timedelta:
    spread = random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, no secret
    return timedelta(seconds=seconds * spread)


def suspend_account(lane: str, account: str, code: str) -> None:
    """
    Note that the provider wants nothing of this account, and leave it alone for a
    while that doubles: the others go on.

    Args:
        code: Why, as the task would have failed with it.
    """
    account_lane = AccountLane(lane, account).record
    read(account_lane)
    found = _changed(account_lane, {"$inc": {"rests": 1}, "$set": {"refused": code}})
    wait = about(min(REST * 2.0 ** min(found.rests - 1, 16), REST_MOST))
    change(account_lane, {"$max": {"not_before": utcnow() + wait}})
    _lanes.pop(account_lane, None)
    log.error("account rests lane=%s account=%s code=%s", lane, account, code)


def end_suspension(lane: str, account: str) -> None:
    """The account has been seen to work: it need not rest any longer."""
    account_lane = AccountLane(lane, account).record
    where = {"_id": account_lane, "refused": {"$exists": True}}
    Lane.collection(durable=False).update_one(where, {"$unset": RESTS})
    _lanes.pop(account_lane, None)


def is_account_suspended(record: Lane) -> bool:
    return record.refused is not None and backs_off(record)


def backs_off(record: Lane) -> bool:
    return record.not_before is not None and record.not_before > utcnow()


def accepted(lane: str, account: str = MAIN, *, drawn: bool) -> None:
    """
    End a row of refusals, unless no more are running than when it began; where the
    limit was lowered, and more are being tried, try more still.

    That one is taken when another has ended says nothing of the limit: with this
    as the end, a full lane went on being refused once for each picture.

    Args:
        drawn: It came with the answer. All others that hold a slot are being drawn,
            or will be refused.
    """
    account_lane = AccountLane(lane, account).record
    record = read(account_lane)
    if record.refused is not None:
        end_suspension(lane, account)
    if record.limit is None and not record.refusals:
        return
    if drawn:
        running = len(used_slots(lane, account)) + 1
    else:
        running = count_drawn(lane, account)
    _raise_further(read(account_lane, fresh=True), running)
    if not record.refusals:
        return
    full_at = record.full_at
    if drawn or full_at is None or running > full_at:
        change(account_lane, {"$unset": {**ROW, "not_before": ""}})
        _lanes.pop(account_lane, None)


def reset(lane: str, account: str) -> None:
    """
    Forget that the provider refused pictures of an account: as many as are configured
    are sent again, and at once.
    """
    account_lane = AccountLane(lane, account).record
    forgotten = {"$unset": {**LOWERED, **ROW, **RESTS}}
    Lane.collection().update_one({"_id": account_lane}, forgotten)
    _lanes.pop(account_lane, None)


def back_off_polling(lane: str) -> None:
    """Note that the provider does not want to be asked so often."""
    change(lane, {"$max": {"calm_until": utcnow() + POLLING_BACK_OFF}})


def is_polling_backed_off(lane: str) -> bool:
    until = read(lane).calm_until
    return until is not None and until > utcnow()
