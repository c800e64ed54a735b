"""Bring forward times that were written before the clock was set back."""

import logging
from datetime import timedelta

from jimeng import lanes
from jimeng.documents import Batch, BulkAction, Generation, State, Worker, utcnow
from jimeng.documents.kinds import KNOWN_KIND
from jimeng.errors import outages
from jimeng.process.runtime import runtime

log = logging.getLogger(__name__)

# Longer than any wait: a submission of the largest inputs, to a model with the timeout
# of ten minutes, has a lease of fourteen. A later `due_at` was written before the clock
# was set back. An extra poll or save is harmless, so the repeatable ones come due at
# once.
MAX_DUE_AHEAD = timedelta(minutes=20)
SAVED = [State.SAVING.value, State.FETCHING.value]
REPEATABLE = [State.SEEKING.value, State.GENERATING.value, *SAVED]
# A worker may be processing these, so they get as much time as any lease has.
LEASED = [State.PREPARING.value, State.STARTING.value, State.SUBMITTING.value]


def repair() -> None:
    """Let what lies far in the future come due; report slots that nobody here frees."""
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
    if held := lanes.count_unreadable_slots(runtime().registry.lanes):
        message = f"{held} held by pictures of another release, which has to end them"
        outages.failed("slots", RuntimeError(message))
