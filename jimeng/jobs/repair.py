"""Mending: what is stored in such a way that nothing would ever find it."""

import logging
from collections.abc import Sequence
from datetime import timedelta

from jimeng import lanes
from jimeng.documents import Batch, BulkAction, Generation, State, Worker, utcnow
from jimeng.documents.base import KNOWN_KIND
from jimeng.documents.generation import DUE_HERE
from jimeng.errors import outages
from jimeng.jobs.runtime import runtime

log = logging.getLogger(__name__)

# MongoDB compares values of one type only: a time that is a text is never past, and
# a turn that is one comes after all numbers.
OTHER_TYPES = ("string", "object", "binData", "objectId", "bool", "null", "regex")
NOT_A_DATE = {"$type": [*OTHER_TYPES, "double", "int", "long", "decimal", "timestamp"]}
NOT_A_NUMBER = {"$type": [*OTHER_TYPES, "date", "timestamp"]}
# These hold no slot by which they would be found.
SLOTLESS = [State.PREPARING.value, State.DELAYED.value, State.SAVING.value]
# Longer than any of these waits: a submission of the largest pictures, to a model that
# answers after the ten minutes that it may take, has fourteen. What lies further ahead
# was written before the clock was set back; a look too many at these costs nothing, so
# they come due at once.
MAX_DUE_AHEAD = timedelta(minutes=20)
REPEATABLE = [State.GENERATING.value, State.SAVING.value]
# Somebody may be at these, who is given no less time than any lease of theirs has.
LEASED = [State.PREPARING.value, State.STARTING.value, State.SUBMITTING.value]


def repair() -> None:
    """
    Let what has no time come due, and let what has no turn take one.

    Whether it is understood otherwise is for the one who claims it to say.
    """
    generations, known = Generation.collection(), DUE_HERE
    now = {"$set": {"due_at": utcnow()}}
    mended = generations.update_many({"due_at": NOT_A_DATE, **known}, now, hint="due")
    _log_repaired("due_at", mended.modified_count)
    # It holds a slot, and nothing would look after it.
    lost = {"slot": {"$exists": True}, "due_at": {"$exists": False}, **known}
    _log_repaired(
        "no due_at", generations.update_many(lost, now, hint="slot").modified_count
    )
    reschedule_far_future()
    for lane in runtime().registry.lanes:
        waiting = {"state": State.QUEUED.value, **KNOWN_KIND}
        where = {"lane": lane, "turn": NOT_A_NUMBER, **waiting}
        first = {"$set": {"turn": lanes.read_lane(lane).turn}}
        found = generations.update_many(where, first, hint="waiting")
        _log_repaired("turn", found.modified_count)
    if held := lanes.count_unreadable_slots(runtime().registry.lanes):
        words = f"{held} held by pictures of another release, which has to end them"
        outages.failed("slots", RuntimeError(words))


def reschedule_far_future() -> None:
    """Let come due what nobody would look at until the clock is there once more."""
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
    # Who lives says so again in a moment.
    Worker.collection().delete_many({"seen_at": {"$gt": now + MAX_DUE_AHEAD}})
    if count:
        log.warning("brought forward count=%d: the clock was set back", count)


def repair_tasks(task_ids: Sequence[str]) -> None:
    """Let those pictures of these tasks come due that have no time at all."""
    where = {"state": {"$in": SLOTLESS}, "due_at": {"$exists": False}, **KNOWN_KIND}
    where["task_id"] = {"$in": list(task_ids)}
    now = {"$set": {"due_at": utcnow()}}
    found = Generation.collection().update_many(where, now, hint="task")
    _log_repaired("no due_at", found.modified_count)


def _log_repaired(what: str, count: int) -> None:
    if count:
        log.error("generations mended count=%d: %s was not readable", count, what)
