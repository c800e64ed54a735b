"""
Delete expired inputs that no task and no batch refers to.

This is the only place that deletes inputs. Tasks in the trash count, since they can be
restored; a batch counts until it is deleted, since it may still create tasks.
"""

import logging
from collections.abc import Iterable, Iterator
from datetime import timedelta

from bson import ObjectId

from jimeng.documents import Batch, Input, Task, utcnow
from jimeng.documents.kinds import KNOWN_KIND
from jimeng.process.runtime import runtime
from jimeng.process.state import Remembered
from jimeng.upkeep import janitor

log = logging.getLogger(__name__)

BATCH_DOCUMENTS = 200
RECHECK_AFTER = timedelta(days=1)  # for inputs that are still referred to
# A request that was using the input before it was marked has stored its task by then,
# or never will.
MARK_GRACE = timedelta(minutes=1)


class _State(Remembered):
    file_cursor: ObjectId | None = None


_state = _State()


def sweep_inputs() -> bool:
    """Mark expired inputs, and delete marked ones; return whether there are more."""
    return any([mark_expired(), delete_marked()])


def mark_expired() -> bool:
    """Mark expired inputs without references: marked ones get no new references."""
    now = utcnow()
    due = {"keep_until": {"$lte": now}, "doomed_at": {"$exists": False}, **KNOWN_KIND}
    rows = list(Input.collection().find(due, {"_id": 1}).limit(BATCH_DOCUMENTS))
    ids = {row["_id"] for row in rows}
    named = referenced_ids(ids)
    update_many(named, due, {"$set": {"keep_until": now + RECHECK_AFTER}})
    update_many(ids - named, due, {"$set": {"doomed_at": now}})
    return len(rows) == BATCH_DOCUMENTS


def delete_marked() -> bool:
    """Check marked inputs for references again, then delete files and record."""
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
    """The ids that a task, also one in the trash, or a batch refers to."""
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
    """All files of an input: normalised, as uploaded, and resized for models."""
    fitted = [file.get("file_id") for file in each.fitted.values()]
    return [found for found in (each.file_id, each.raw_id, *fitted) if found]


def sweep_files() -> None:
    """Delete files without an input, remaining from an interrupted write."""
    _state.file_cursor = janitor.sweep_store(
        runtime().inputs, _state.file_cursor, Input, file_ids_of_inputs
    )


def file_ids_of_inputs(where: dict) -> Iterator[ObjectId]:
    """Yield the file ids of the inputs that match a query."""
    for row in Input.collection().find(where):
        yield from files_of(Input.read(row))
