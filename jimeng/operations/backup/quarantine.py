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

from jimeng.documents import Batch, BulkAction, Generation, State, Task, utcnow
from jimeng.documents.batch import CREATING
from jimeng.documents.generation import SENDABLE
from jimeng.jobs import backfill, bulk
from jimeng.lanes import switches

log = logging.getLogger(__name__)

RESTORED = {"code": "restored", "charged": "unknown"}
BATCH = 500
UNSENT = [*SENDABLE, State.SUBMITTING.value]


def park() -> int:
    """
    Pause sending and webhooks, and end all that may have been submitted meanwhile.
    Repeating it changes nothing.

    Returns:
        How many pictures were ended.
    """
    for name in switches.PAUSED_AFTER_RESTORE:
        switches.pause(name, switches.BY_RESTORE)
    # Running everything again that failed creates tasks, as the original has by now.
    # A deletion that has begun must end: what it has left would be seen nowhere.
    others = {"kind": {"$nin": bulk.restorable_kinds()}}
    BulkAction.collection().delete_many({"open": {"$exists": True}, **others})
    stop_batches()
    # A picture that the provider refuses is drawn anew once; there too.
    drawing = {"state": {"$in": [State.GENERATING.value, State.SAVING.value]}}
    Generation.collection().update_many(drawing, {"$set": {"resent": True}})
    backfill_all_generations()
    count = 0
    generations = Generation.collection()
    while rows := list(generations.find({"state": {"$in": UNSENT}}).limit(BATCH)):
        for row in rows:
            end(row)
        count += len(rows)
    if count:
        log.warning("pictures parked count=%d: sent or not, nobody knows", count)
    return count


def stop_batches() -> None:
    """
    A batch that is not all made, or is being run again, creates tasks, too: it stops.

    It was read before its tasks, where these were not read at one moment: more of them
    may be there than it knows of, or it may not be there itself.
    """
    batches, tasks, again = Batch.collection(), Task.collection(), {"$exists": True}
    stopped = {"stopped": RESTORED["code"]}
    batches.update_many(CREATING, {"$set": stopped})
    gone = {"$unset": {"again": "", "waits": ""}}
    batches.update_many({"open": True, "again": again}, gone)  # also of a cancelled one
    batches.update_many({"open": True, **stopped}, gone)
    last = {"$group": {"_id": "$batch", "last": {"$max": "$batch_index"}}}
    for row in tasks.aggregate([{"$match": {"batch": {"$gt": ""}}}, last]):
        known = {"_id": row["_id"]}
        if batches.find_one(known, {"_id": 1}) is None:
            alone = {"$unset": {"batch": "", "batch_index": ""}}
            tasks.update_many({"batch": row["_id"]}, alone)
        else:
            made = {"$max": {"made": (row["last"] or 0) + 1}}
            batches.update_one({**known, "open": True, **stopped}, made)
    for batch in Batch.read_all(batches.find({"open": True, **stopped})):
        # Pictures without a task: made anew, this would have them, and never end.
        ids = [batch.task_id(index) for index in range(batch.made, batch.total)]
        Generation.collection().delete_many({"task_id": {"$in": ids}})


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


def backfill_all_generations() -> None:
    """
    Write the pictures that tasks lack, whatever the clock says, so that they are parked
    with the others, and not written by the janitor and sent.
    """
    for row in Task.collection().find({"open": True}).hint("open").batch_size(BATCH):
        backfill.backfill_generations(Task.read(row))


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
