"""
What may have been sent after the copy was made is not sent again.

A copy knows nothing of what happened after it: a picture that waits in it may have
been submitted and paid for long since. So everything that was not yet accepted ends
as *unknown*, and nothing is sent until an operator says so. What had been accepted is
asked for as ever.
"""

import logging
from datetime import timedelta

from mongoengine import get_db

from jimeng import bulk
from jimeng.documents import Batch, BulkAction, Generation, State, Task, utcnow
from jimeng.documents.generation import SENDABLE
from jimeng.jobs import plan
from jimeng.lanes import switches

log = logging.getLogger(__name__)

RESTORED = {"code": "restored", "charged": "unknown"}
BATCH = 500
UNSENT = [*SENDABLE, State.SUBMITTING.value]


def park() -> int:
    """
    Pause sending, and end all that may have been submitted meanwhile. Repeating it
    changes nothing.

    Returns:
        How many pictures were ended.
    """
    switches.pause(switches.SENDING, switches.BY_RESTORE)
    # Running everything again that failed creates tasks, as the original has by now.
    # A deletion that has begun must end: what it has left would be seen nowhere.
    others = {"kind": {"$nin": bulk.harmless()}}
    BulkAction.collection().delete_many({"open": {"$exists": True}, **others})
    # So does a batch that is not all made, or is being run again.
    more = [{"again": {"$exists": True}}, {"$expr": {"$lt": ["$made", "$total"]}}]
    Batch.collection().update_many(
        {"open": True, "stopped": {"$exists": False}, "$or": more},
        {"$set": {"stopped": RESTORED["code"]}, "$unset": {"again": "", "waits": ""}},
    )
    # A picture that the provider refuses is drawn anew once; there too.
    drawing = {"state": {"$in": [State.GENERATING.value, State.SAVING.value]}}
    Generation.collection().update_many(drawing, {"$set": {"resent": True}})
    complete_plans()
    count = 0
    generations = Generation.collection()
    while rows := list(generations.find({"state": {"$in": UNSENT}}).limit(BATCH)):
        for row in rows:
            end(row)
        count += len(rows)
    if count:
        log.warning("pictures parked count=%d: sent or not, nobody knows", count)
    return count


def recognise(place: str) -> bool:
    """
    Park everything if this database lies elsewhere than it did: it is a copy, and the
    original may go on.

    Args:
        place: What tells the directory of its files from all others.

    Returns:
        Whether it was parked.

    Raises:
        PyMongoError: MongoDB went away; to be called again.
    """
    places, mine = get_db().installations, {"_id": "place"}
    known = places.find_one(mine)
    is_copy = known is not None and known.get("place") != place
    if is_copy:
        log.warning("this is a copy of another installation's data, or was moved")
        park()
    places.replace_one(mine, {"place": place}, upsert=True)
    return is_copy


def complete_plans() -> None:
    """
    Write the pictures that tasks lack, whatever the clock says, so that they are parked
    with the others, and not written by the janitor and sent.
    """
    for row in Task.collection().find({"open": True}).hint("open").batch_size(BATCH):
        plan.complete_plan(Task.read(row))


def end(row: dict) -> None:
    """The task first, then the picture: whoever dies between does both again."""
    failed = {"state": "failed", "error": RESTORED}
    Task.record(row["task_id"], row["index"], failed)
    now = utcnow()
    Generation.collection().update_one(
        {"_id": row["_id"], "state": {"$in": UNSENT}},
        {
            "$set": {
                "state": State.UNKNOWN.value,
                "error": RESTORED,
                "charged": "unknown",
                "ended_at": now,
                # A submitter of the original may still be on its way.
                "due_at": now + timedelta(seconds=1),
            },
            "$unset": {"slot": "", "owner": "", "waiting": "", "submit_token": ""},
        },
    )
