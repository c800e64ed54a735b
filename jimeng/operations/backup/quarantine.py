"""
Quarantine of restored work: what may have been submitted since is not sent again.

A backup knows nothing of what happened after it: a picture that waits in it may have
been submitted and paid for since. So every generation that was not yet accepted ends as
*unknown*, and nothing is sent until an operator resumes sending. Accepted generations
are polled as usual.
"""

import logging
import time
from datetime import timedelta

from mongoengine import get_db
from pymongo.errors import PyMongoError

from jimeng import lanes
from jimeng.billing import costs
from jimeng.documents import Batch, BulkAction, Generation, State, Task, utcnow
from jimeng.documents.batch import CREATING
from jimeng.documents.generation import SENDABLE
from jimeng.jobs import bulk, insertion

log = logging.getLogger(__name__)

RESTORED = {"code": "restored", "charged": "unknown"}
BATCH = 500
UNSENT = [*SENDABLE, State.SUBMITTING.value]


def quarantine() -> int:
    """
    Pause sending and webhooks, and end all generations that may have been submitted
    since. Idempotent.

    Returns:
        How many pictures were ended.
    """
    for name in lanes.PAUSED_AFTER_RESTORE:
        lanes.pause(name, lanes.BY_RESTORE)
    # A bulk retry creates tasks, which the original has created by now. A deletion must
    # continue: its remaining documents would never be cleaned up.
    others = {"kind": {"$nin": bulk.restorable_kinds()}}
    BulkAction.collection().delete_many({"open": {"$exists": True}, **others})
    stop_batches()
    # A refused picture is resubmitted once; the original may have done so.
    sent = (State.SEEKING, State.GENERATING, State.SAVING, State.FETCHING)
    drawing = {"state": {"$in": [each.value for each in sent]}}
    Generation.collection().update_many(drawing, {"$set": {"resent": True}})
    backfill_all_generations()
    count = 0
    generations = Generation.collection()
    while rows := list(generations.find({"state": {"$in": UNSENT}}).limit(BATCH)):
        for row in rows:
            end(row)
        count += len(rows)
    if count:
        log.warning(
            "quarantined pictures ended count=%d: whether they were sent is unknown",
            count,
        )
    return count


def stop_batches() -> None:
    """
    Stop batches that are not complete, or are being retried: they create tasks.

    Without snapshot reads a batch was read before its tasks: there may be more of them
    than it counts, or the batch may be missing.
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
            update = {"$max": {"made": (row["last"] or 0) + 1}}
            batches.update_one({**known, "open": True, **stopped}, update)
    for batch in Batch.read_all(batches.find({"open": True, **stopped})):
        # Generations without a task: a task created later under the same id would adopt
        # them, and never end.
        ids = [batch.task_id(index) for index in range(batch.made, batch.total)]
        Generation.collection().delete_many({"task_id": {"$in": ids}})


def recognise(directory_id: str) -> bool:
    """
    Quarantine everything if the database's files were moved or copied: the original
    may still be running.

    Args:
        directory_id: The identity of the directory of its files.

    Returns:
        Whether it was quarantined.

    Raises:
        PyMongoError: MongoDB became unavailable; call again.
    """
    installations, mine = get_db().installations, {"_id": "place"}
    known = installations.find_one(mine)
    is_copy = known is not None and known.get("place") != directory_id
    if is_copy:
        log.warning("this is a copy of another installation's data, or was moved")
        quarantine()
    installations.replace_one(mine, {"place": directory_id}, upsert=True)
    return is_copy


def await_recognition(directory_id: str) -> None:
    """`recognise`, however long MongoDB is unavailable."""
    while True:
        try:
            recognise(directory_id)
            return
        except PyMongoError as error:
            log.warning("not known yet whether the data are a copy: %s", error)
            time.sleep(1)


def backfill_all_generations() -> None:
    """
    Backfill the generations that tasks lack, regardless of their age, so that they are
    quarantined with the others instead of being sent.
    """
    for row in Task.collection().find({"open": True}).hint("open").batch_size(BATCH):
        insertion.backfill_generations(Task.read(row))


def end(row: dict) -> None:
    """End the task first, then the generation: after a crash both are repeated."""
    failed = {"state": "failed", "error": RESTORED}
    Task.record(row["task_id"], row["index"], failed, None)
    now = utcnow()
    Generation.collection().update_one(
        {"_id": row["_id"], "state": {"$in": UNSENT}},
        {
            "$set": {
                **costs.end(State.UNKNOWN, "unknown"),
                "error": RESTORED,
                # A submission of the original may still be in progress.
                "due_at": now + timedelta(seconds=1),
            },
            "$unset": {"slot": "", "owner": "", "waiting": "", "submit_token": ""},
        },
    )
