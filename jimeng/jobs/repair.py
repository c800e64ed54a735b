"""Repair stored values with which no query would ever find a record."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from jimeng import lanes
from jimeng.documents import Batch, BulkAction, Generation, State, Worker, utcnow
from jimeng.documents.base import KNOWN_KIND
from jimeng.documents.generation import DUE
from jimeng.errors import outages
from jimeng.process.runtime import runtime

log = logging.getLogger(__name__)

# MongoDB compares values of the same type only: a time stored as a string is never due,
# and a `turn` stored as a string sorts after all numbers.
OTHER_TYPES = ("string", "object", "binData", "objectId", "bool", "null", "regex")
NOT_A_DATE = {"$type": [*OTHER_TYPES, "double", "int", "long", "decimal", "timestamp"]}
NOT_A_NUMBER = {"$type": [*OTHER_TYPES, "date", "timestamp"]}
# These have no slot, by whose index they would be found.
SAVED = [State.SAVING.value, State.FETCHING.value]
SLOTLESS = [State.PREPARING.value, State.DELAYED.value, *SAVED]
# Longer than any wait: a submission of the largest inputs, to a model with the timeout
# of ten minutes, has a lease of fourteen. A later `due_at` was written before the clock
# was set back. An extra poll or save is harmless, so the repeatable ones come due at
# once.
MAX_DUE_AHEAD = timedelta(minutes=20)
REPEATABLE = [State.SEEKING.value, State.GENERATING.value, *SAVED]
# A worker may be processing these, so they get as much time as any lease has.
LEASED = [State.PREPARING.value, State.STARTING.value, State.SUBMITTING.value]


def repair() -> None:
    """
    Let generations with an invalid time come due, and give a ticket to those with an
    invalid one.

    Other unreadable fields are handled by the worker that claims them.
    """
    generations = Generation.collection()
    known = {"state": {"$in": [*DUE, State.FETCHING.value]}, **KNOWN_KIND}
    now = {"$set": {"due_at": utcnow()}}
    repaired = generations.update_many({"due_at": NOT_A_DATE, **known}, now, hint="due")
    _log_repaired("due_at", repaired.modified_count)
    # These have a slot that would never be released.
    lost = {"slot": {"$exists": True}, "due_at": {"$exists": False}, **known}
    _log_repaired(
        "no due_at", generations.update_many(lost, now, hint="slot").modified_count
    )
    reschedule_far_future()
    waiting = {"state": State.QUEUED.value, "turn": NOT_A_NUMBER, **KNOWN_KIND}
    every_lane = {"lane": {"$in": list(runtime().registry.lanes)}, **waiting}
    rows = generations.find(every_lane, {"lane": 1}, hint="waiting")
    for lane in {row["lane"] for row in rows}:
        where = {**waiting, "lane": lane}
        first = {"$set": {"turn": lanes.read_lane(lane).turn}}
        found = generations.update_many(where, first, hint="waiting")
        _log_repaired("turn", found.modified_count)
    if count := lanes.count_unreadable_slots(runtime().registry.lanes):
        message = f"{count} held by pictures of another release, which has to end them"
        outages.failed("slots", RuntimeError(message))


def reschedule_far_future() -> None:
    """Bring forward times in the far future, written before the clock was set back."""
    now, count = utcnow(), 0
    ahead, at_once = {"due_at": {"$gt": now + MAX_DUE_AHEAD}}, {"$set": {"due_at": now}}
    later = {"$set": {"due_at": now + MAX_DUE_AHEAD}}
    for states, change in ((REPEATABLE, at_once), (LEASED, later)):
        pictures = {**ahead, "state": {"$in": states}, **KNOWN_KIND}
        found = Generation.collection().update_many(pictures, change, hint="due")
        count += found.modified_count
    for kind, known in ((Batch, KNOWN_KIND), (BulkAction, {})):
        some = {**ahead, "open": True, **known}
        count += kind.collection().update_many(some, at_once).modified_count
    # Workers that are alive insert their heartbeat again within seconds.
    Worker.collection().delete_many({"seen_at": {"$gt": now + MAX_DUE_AHEAD}})
    if count:
        log.warning("brought forward count=%d: the clock was set back", count)


def repair_tasks(task_ids: Sequence[str]) -> None:
    """Let pictures of these tasks that lack a ``due_at`` come due."""
    where = {"state": {"$in": SLOTLESS}, "due_at": {"$exists": False}, **KNOWN_KIND}
    where["task_id"] = {"$in": list(task_ids)}
    now = {"$set": {"due_at": utcnow()}}
    found = Generation.collection().update_many(where, now, hint="task")
    _log_repaired("no due_at", found.modified_count)


def _log_repaired(what: str, count: int) -> None:
    if count:
        log.error("generations repaired count=%d: invalid %s", count, what)
