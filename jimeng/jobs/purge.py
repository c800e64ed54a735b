"""The trash: what was deleted stays for a week, and then goes for good."""

import logging
from datetime import timedelta

from jimeng.documents import Image, Task, utcnow
from jimeng.jobs import outcomes
from jimeng.pictures.labels import labels

log = logging.getLogger(__name__)

KEPT = timedelta(days=7)  # in the trash
BATCH = 500

_labelled_to = ""  # the id up to which all pictures have what they are found by


def empty_trash() -> bool:
    """Give up what has been in the trash for `KEPT`; return whether there is more."""
    now = utcnow()
    # A task that is due is claimed first: from then on it cannot be brought back,
    # and goes as all do that were deleted for good.
    due = {"deleted_at": {"$exists": True}, "purge_at": {"$lte": now}}
    tasks = list(Task.collection().find(due, {"_id": 1}).limit(BATCH))
    for row in tasks:
        claimed = {**due, "_id": row["_id"]}
        Task.collection().update_one(claimed, {"$unset": {"purge_at": ""}})
    old = {"trashed_at": {"$lte": now - KEPT}, "with_task": {"$ne": True}}
    found = Image.collection().find(old, {"_id": 1, "task_id": 1, "index": 1})
    pictures = list(found.limit(BATCH))
    purged = sum(purge_picture(row, old) for row in pictures)
    if purged:
        log.info("trash emptied pictures=%d", purged)
    return BATCH in {len(tasks), len(pictures)}


def purge_picture(row: dict, where: dict) -> bool:
    """
    Remove one picture for good, if *where* is still true of it.

    Args:
        row: Its ``_id``, ``task_id`` and ``index``.
    """
    # The task says first that it was its owner's wish: a picture that is gone
    # without it was lost.
    removed = f"outcomes.{row['index']}.removed"
    task = {"_id": row["task_id"], f"outcomes.{row['index']}": {"$exists": True}}
    Task.collection().update_one(task, {"$set": {removed: True}})
    return outcomes.forget_image(row["_id"], where)


def label_pictures() -> bool:
    """
    Give pictures that an earlier version has kept what they are found by.

    Returns:
        Whether there are pictures that were not looked at yet.
    """
    global _labelled_to
    behind = {"_id": {"$gt": _labelled_to}}
    ids = Image.collection().find(behind, {"_id": 1}).sort("_id", 1).limit(BATCH)
    last = max((row["_id"] for row in ids), default=None)
    if last is None:
        return False
    fields = {"task_id": 1, "width": 1, "height": 1}
    bare = {"_id": {"$gt": _labelled_to, "$lte": last}, "text": {"$exists": False}}
    rows = list(Image.collection().find(bare, fields))
    where = {"_id": {"$in": list({row["task_id"] for row in rows})}}
    found = {row["_id"]: Task._from_son(row) for row in Task.collection().find(where)}
    for row in rows:
        task = found.get(row["task_id"]) or Task(prompt="", model="")
        given = labels(task, row["width"], row["height"])
        # A prompt may begin with $, which MongoDB would take for a field.
        literal = {name: {"$literal": value} for name, value in given.items()}
        Image.change({"_id": row["_id"]}, literal)
    if rows:
        log.info("pictures labelled count=%d", len(rows))
    _labelled_to = last
    return True
