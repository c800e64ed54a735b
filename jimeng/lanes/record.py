"""A lane's record: its limit, and its patience."""

import logging
import random
import time
from collections.abc import Collection
from datetime import timedelta

from jimeng.documents import Lane, utcnow
from jimeng.lanes.slots import count_drawn, slots_taken

log = logging.getLogger(__name__)

LIMIT_REST = timedelta(minutes=30)  # then a lowered limit is tried one higher
REFUSALS_TO_LOWER = 3  # a single stray one once pinned a lane to 1
REFUSALS_KEPT = timedelta(minutes=5)  # from one to the next, to be in a row
ROW = {"refusals": "", "full_at": ""}
BACK_OFF, BACK_OFF_MOST = 0.5, 16.0  # seconds
CALM_FOR = timedelta(minutes=10)
LANE_CACHE = 0.25  # seconds

TAKEN_CACHE = 1.0  # seconds

_lanes: dict[str, tuple[float, Lane]] = {}
_taken: dict[str, tuple[int, float]] = {}  # highest turn, and when it was noted


def read(lane: str, *, fresh: bool = False) -> Lane:
    """The lane's record, at most a quarter of a second old unless *fresh*."""
    kept = _lanes.get(lane)
    if not fresh and kept and time.monotonic() - kept[0] < LANE_CACHE:
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


def change(lane: str, update: dict) -> None:
    """Hints and measurements: what a crash forgets of these is found again."""
    Lane.collection(durable=False).update_one({"_id": lane}, update, upsert=True)


def note_taken(lane: str, turn: int) -> None:
    """
    Note that a picture of this turn has been taken from the line: where a newcomer's
    turns begin, and that the lane goes on.
    """
    known, now = _taken.get(lane, (-1, 0.0)), time.monotonic()
    if turn > known[0] or now > known[1] + TAKEN_CACHE:
        change(lane, {"$max": {"turn": turn, "taken_at": utcnow()}})
        _taken[lane] = (max(turn, known[0]), now)


def limit_of(record: Lane, most: int) -> int:
    """The pictures that may be under way at a time, *most* at the most."""
    if record.limit is None:
        return most
    if record.limit_until and record.limit_until <= utcnow():
        return min(record.limit + 1, most)
    return min(record.limit, most)


def raise_limit(record: Lane, most: int) -> None:
    """Keep the higher limit that `limit_of` has begun to try."""
    now = utcnow()
    if record.limit is None or record.limit_until is None or record.limit_until > now:
        return
    where = {"_id": record.id, "limit_until": record.limit_until}
    if record.limit + 1 >= most:
        update: dict = {"$unset": {"limit": "", "limit_until": ""}}
    else:
        update = {"$inc": {"limit": 1}, "$set": {"limit_until": now + LIMIT_REST}}
    Lane.collection(durable=False).update_one(where, update)


def back_off(lane: str, *, full: bool) -> None:
    """
    Note that the provider refused to take another picture, and wait a little.

    Args:
        full: It said that too many are running: after three of these the limit
            becomes what was running.
    """
    read(lane)  # which mends what the updates would stumble over
    now, lanes = utcnow(), Lane.collection(durable=False)
    forgotten = {"_id": lane, "not_before": {"$lt": now - REFUSALS_KEPT}}
    lanes.update_one(forgotten, {"$unset": ROW})
    noted: dict = {"$inc": {"refusals": 1}}
    if full:
        # Whoever was refused still holds its slot.
        noted["$min"] = {"full_at": max(1, len(slots_taken(lane)) - 1)}
    found = Lane.swap({"_id": lane}, noted, durable=False, upsert=True)
    assert found is not None  # an upsert returns what it made  # noqa: S101
    wait = min(BACK_OFF * 2.0 ** (found.refusals - 1), BACK_OFF_MOST)
    wait *= random.uniform(0.75, 1.25)  # noqa: S311 - spreads retries, no secret
    changes: dict = {"$max": {"not_before": now + timedelta(seconds=wait)}}
    if full and found.refusals >= REFUSALS_TO_LOWER and found.full_at:
        limit = min(found.limit or found.full_at, found.full_at)
        changes["$set"] = {"limit": limit, "limit_until": now + LIMIT_REST}
        changes["$unset"] = ROW
    change(lane, changes)
    _lanes.pop(lane, None)  # the next claim is to know


def accepted(lane: str, *, drawn: bool) -> None:
    """
    End a row of refusals, unless no more are running than when it began.

    That one is taken when another has ended says nothing of the limit: with this
    as the end, a full lane went on being refused once for each picture.

    Args:
        drawn: It came with the answer; then nobody knows how many are running.
    """
    record = read(lane)
    if not record.refusals:
        return
    if drawn or record.full_at is None or count_drawn(lane) > record.full_at:
        change(lane, {"$unset": {**ROW, "not_before": ""}})
        _lanes.pop(lane, None)


def calm(lane: str) -> None:
    """Note that the provider does not want to be asked so often."""
    change(lane, {"$max": {"calm_until": utcnow() + CALM_FOR}})


def is_calm(lane: str) -> bool:
    until = read(lane).calm_until
    return until is not None and until > utcnow()


def forget() -> None:
    _lanes.clear()
    _taken.clear()
