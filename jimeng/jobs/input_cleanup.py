"""
The end of what was given: nobody but this deletes it, and only when nothing names it.

What a task in the trash names stays, since that can come back. What a batch names is
for tasks that are still to be made, until it is deleted.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta

from bson import ObjectId

from jimeng.documents import Batch, Input, Task, utcnow
from jimeng.documents.base import KNOWN_KIND
from jimeng.jobs import janitor
from jimeng.jobs.runtime import runtime

log = logging.getLogger(__name__)

BATCH_DOCUMENTS = 200
RECHECK_AFTER = timedelta(days=1)  # what is named is looked at again after that
# What is named now was promised to be kept before it was seen to be named by none:
# its task is written, or never will be.
MARK_GRACE = timedelta(minutes=1)

_file_cursor: ObjectId | None = None


def sweep_inputs() -> bool:
    """Doom what is kept no longer, and remove what was doomed; is there more?"""
    return any([mark_expired(), delete_marked()])


def mark_expired() -> bool:
    """What is past its time and named by nothing cannot be named from now on."""
    now = utcnow()
    due = {"keep_until": {"$lte": now}, "doomed_at": {"$exists": False}, **KNOWN_KIND}
    rows = list(Input.collection().find(due, {"_id": 1}).limit(BATCH_DOCUMENTS))
    ids = {row["_id"] for row in rows}
    named = referenced_ids(ids)
    update_many(named, due, {"$set": {"keep_until": now + RECHECK_AFTER}})
    update_many(ids - named, due, {"$set": {"doomed_at": now}})
    return len(rows) == BATCH_DOCUMENTS


def delete_marked() -> bool:
    """Look once more, then remove the bytes, and the record last."""
    now = utcnow()
    due = {"doomed_at": {"$lte": now - MARK_GRACE}, **KNOWN_KIND}
    rows = list(Input.collection().find(due).limit(BATCH_DOCUMENTS))
    found = {row["_id"]: Input.read(row) for row in rows}
    named = referenced_ids(found)
    again = {"$set": {"keep_until": now + RECHECK_AFTER}, "$unset": {"doomed_at": ""}}
    update_many(named, due, again)
    gone = [each for each in found.values() if each.id not in named]
    for each in gone:
        for file_id in files_of(each):
            runtime().inputs.delete(file_id)
        Input.collection().delete_one({"_id": each.id, **due})
    if gone:
        log.info("inputs swept count=%d", len(gone))
    return len(rows) == BATCH_DOCUMENTS


def update_many(ids: Iterable[str], where: dict, update: dict) -> None:
    if wanted := list(ids):
        Input.collection().update_many({"_id": {"$in": wanted}, **where}, update)


def referenced_ids(ids: Iterable[str]) -> set[str]:
    """Those that a task names, the trash included, or a batch."""
    wanted = set(ids)
    if not wanted:
        return set()
    where = {"inputs": {"$in": list(wanted), "$exists": True}}
    there = {**where, "deleted_at": {"$exists": False}}
    rows = [
        *Task.collection().find(where, {"inputs": 1}).hint("inputs"),
        *Batch.collection().find(there, {"inputs": 1}).hint("inputs"),
    ]
    return {each for row in rows for each in row["inputs"]} & wanted


def files_of(each: Input) -> list[ObjectId]:
    """All its bytes: plain, as they came, and made to fit."""
    fitted = [made.get("file_id") for made in each.fitted.values()]
    return [found for found in (each.file_id, each.raw_id, *fitted) if found]


def sweep_files() -> None:
    """Delete bytes that no input names: what was cut off in between left them."""
    global _file_cursor
    _file_cursor = janitor.sweep_store(
        runtime().inputs, _file_cursor, Input, file_ids_of_inputs
    )


def file_ids_of_inputs(where: dict) -> Iterator[ObjectId]:
    """The files of the inputs that a query finds."""
    for row in Input.collection().find(where):
        yield from files_of(Input.read(row))
