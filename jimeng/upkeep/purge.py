"""Empty the trash: deleted tasks and pictures are purged after a week."""

import logging
from datetime import timedelta

from jimeng.documents import Image, Task, utcnow
from jimeng.documents.kinds import KNOWN_KIND
from jimeng.documents.task import KNOWN_TYPE
from jimeng.jobs import endings

log = logging.getLogger(__name__)

TRASH_RETENTION = timedelta(days=7)
BATCH_DOCUMENTS = 500


def empty_trash() -> bool:
    """Purge what was trashed `TRASH_RETENTION` ago; return whether there is more."""
    now = utcnow()
    # A due task is claimed first: from then on it cannot be restored, and the janitor
    # deletes it as if it had been deleted permanently.
    due = {"deleted_at": {"$exists": True}, "purge_at": {"$lte": now}, **KNOWN_TYPE}
    tasks = list(Task.collection().find(due, {"_id": 1}).limit(BATCH_DOCUMENTS))
    for row in tasks:
        claimed = {**due, "_id": row["_id"]}
        Task.collection().update_one(claimed, {"$unset": {"purge_at": ""}})
    old = {"trashed_at": {"$lte": now - TRASH_RETENTION}, "with_task": {"$ne": True}}
    old |= KNOWN_KIND
    found = Image.collection().find(old, {"_id": 1, "task_id": 1, "index": 1})
    pictures = list(found.limit(BATCH_DOCUMENTS))
    purged = sum(purge_picture(row, old) for row in pictures)
    if purged:
        log.info("trash emptied pictures=%d", purged)
    return BATCH_DOCUMENTS in {len(tasks), len(pictures)}


def purge_picture(row: dict, where: dict) -> bool:
    """
    Delete one picture permanently, if it still matches *where*.

    Args:
        row: Its ``_id``, ``task_id`` and ``index``.
    """
    # The task is marked first: a picture that is missing without the mark was lost.
    removed = f"outcomes.{row['index']}.removed"
    task = {"_id": row["task_id"], f"outcomes.{row['index']}": {"$exists": True}}
    Task.collection().update_one(task, {"$set": {removed: True}})
    return endings.delete_image(row["_id"], where)
