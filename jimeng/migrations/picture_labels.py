"""Pictures that releases without a gallery have kept, and what they are found by."""

import logging

from jimeng.documents import Image, Task
from jimeng.migrations.step import Step

log = logging.getLogger(__name__)

BATCH = 500


def label(after: str) -> str | None:
    """
    Give pictures behind *after* what they are found by, where they lack it.

    Returns:
        The id of the last one that was looked at; None if there are none.
    """
    # Whoever starts looks which steps there are, and needs nothing of what they do.
    from jimeng.pictures.labels import labels

    behind = {"_id": {"$gt": after}}
    ids = Image.collection().find(behind, {"_id": 1}).sort("_id", 1).limit(BATCH)
    last = max((row["_id"] for row in ids), default=None)
    if last is None:
        return None
    fields = {"task_id": 1, "width": 1, "height": 1}
    bare = {"_id": {"$gt": after, "$lte": last}, "text": {"$exists": False}}
    rows = list(Image.collection().find(bare, fields))
    where = {"_id": {"$in": list({row["task_id"] for row in rows})}}
    found = {row["_id"]: Task.read(row) for row in Task.collection().find(where)}
    for row in rows:
        task = found.get(row["task_id"]) or Task(prompt="", model="")
        given = labels(task, row["width"], row["height"])
        # A prompt may begin with $, which MongoDB would take for a field.
        literal = {name: {"$literal": value} for name, value in given.items()}
        Image.change({"_id": row["_id"]}, literal)
    if rows:
        log.info("pictures labelled count=%d", len(rows))
    return last


STEP = Step(
    number=1,
    sentence="pictures kept before there was a gallery are found in it",
    needs=0,
    batch=label,
)
