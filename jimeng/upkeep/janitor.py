"""The janitor: complete writes of processes that died, and delete orphans."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice, product

from bson import ObjectId

from jimeng import lanes
from jimeng.config import logs
from jimeng.documents import (
    Batch,
    Collection,
    Generation,
    Image,
    Input,
    State,
    Task,
    User,
    utcnow,
)
from jimeng.documents.base import Stored
from jimeng.documents.clock import RUN_S
from jimeng.documents.cursors import EPOCH
from jimeng.documents.image import FILES, files_of
from jimeng.documents.kinds import KNOWN_KIND, OTHER_KIND
from jimeng.documents.principal import begins_with
from jimeng.documents.task import DOOMED, KNOWN_TYPE
from jimeng.jobs import endings, insertion
from jimeng.pictures.stores import Store
from jimeng.process.runtime import runtime
from jimeng.process.state import Remembered
from jimeng.webhooks import outbox

log = logging.getLogger(__name__)

REQUEST_GRACE = timedelta(seconds=30)  # a request that writes is over by then
UNREFERENCED_AFTER = timedelta(days=1)
BATCH_DOCUMENTS = 500
MAX_FIRST_PASS = 10 * BATCH_DOCUMENTS  # tasks in one run
MAX_DAYS, MAX_HOURS = 7, 12  # in one run
OWNERS_NAMED_EVERY = timedelta(days=1)
# What owners list together with their customers': which, by what time, its index.
LISTED_FOR_OWNERS: tuple[tuple[type[Stored], dict, str, str], ...] = (
    (Task, {}, "created_at", "user_created"),
    (Batch, {}, "created_at", "user_created"),
    (Input, {"uploaded": True}, "created_at", "user_created"),
    (Collection, {}, "updated_at", "user_updated"),
)

# Cursors over open tasks by creation time: of the first check, `REQUEST_GRACE` after a
# task's creation, and of the recheck that passes over all open tasks again and again.


class _State(Remembered):
    first_pass: datetime | None = None
    recheck: datetime | None = None
    file_cursor: ObjectId | None = None


_state = _State()


def backfill_all_generations() -> bool:
    """
    Backfill the generations of open tasks whose request died before it wrote them.

    Each task is checked once when its request must be over, and rechecked periodically
    while it is open, one batch a run, in case of a wrong clock or of a write that
    MongoDB rolled back. The cost of a run does not grow with the queue.

    Returns:
        Whether there are more tasks whose first check is due.
    """
    until = utcnow() - REQUEST_GRACE
    reached, there_is_more = backfill_created(
        _state.first_pass, until, most=MAX_FIRST_PASS
    )
    _state.first_pass = reached or until
    if not there_is_more:
        _state.recheck, _ = backfill_created(
            _state.recheck, until, most=BATCH_DOCUMENTS
        )
    return there_is_more


def backfill_created(
    after: datetime | None, until: datetime, *, most: int
) -> tuple[datetime | None, bool]:
    """
    Backfill the tasks that were created from *after* to *until*.

    Args:
        most: About how many to check; those created at the same moment stay together.

    Returns:
        The moment to continue from, and whether any remain.
    """
    created = {"$lte": until, **({"$gte": after} if after else {})}
    where, fields = {"open": True, "created_at": created}, {"created_at": 1, "n": 1}
    where |= KNOWN_TYPE
    found = Task.collection().find(where, fields).hint("open")
    rows: list[dict] = []
    for row in found.sort("created_at", 1).batch_size(BATCH_DOCUMENTS):
        if len(rows) >= most and row["created_at"] > rows[-1]["created_at"]:
            backfill_rows(rows)
            return row["created_at"], True
        rows.append(row)
    backfill_rows(rows)
    return None, False


def backfill_rows(rows: list[dict]) -> None:
    """Write the missing generations of these open tasks, in batches."""
    for start in range(0, len(rows), BATCH_DOCUMENTS):
        wanted = {row["_id"]: row["n"] for row in rows[start : start + BATCH_DOCUMENTS]}
        ids = {"_id": {"$in": insertion.find_incomplete(wanted)}, "open": True}
        for row in Task.collection().find(ids):
            task = Task.read(row)
            with logs.bound(task=task.id, user=task.user_id):
                missing = insertion.backfill_generations(task)
                log.warning("generations backfilled missing=%d", missing)


def finish_deletions() -> bool:
    """Finish interrupted deletions of tasks; return whether there are more."""
    where = {**DOOMED, "deleted_at": {"$lte": utcnow() - REQUEST_GRACE}, **KNOWN_TYPE}
    rows = list(Task.collection().find(where, {"_id": 1}).limit(BATCH_DOCUMENTS))
    for row in rows:
        finish_deletion(row["_id"])
        log.warning("deletion completed task=%s", row["_id"])
    return len(rows) == BATCH_DOCUMENTS


def finish_deletion(task_id: str) -> None:
    """
    Delete the pictures, the prompts and, last, the record of a deleted task. A webhook
    event that is still pending is announced first.
    """
    row = Task.collection().find_one({"_id": task_id, **DOOMED}) or {}
    if "announce" in row:
        outbox.announce([Task.read(row)])
    for image in list(Image.collection().find({"task_id": task_id}, {"_id": 1})):
        endings.delete_image(image["_id"])
    # A submitted picture is charged all the same, so the generation stays for the
    # usage figures, without the prompt.
    Generation.collection().update_many(
        {"task_id": task_id}, {"$unset": {"prompt": ""}}
    )
    Task.collection().delete_one({"_id": task_id, **DOOMED})
    if row.get("inputs"):
        Input.release(row["inputs"])


def fail_unserved() -> bool:
    """
    Fail pictures that wait, beyond the deadline, in a lane that is no longer offered.

    Returns:
        Whether there are more.
    """
    served = list(runtime().registry.lanes)
    deadline = timedelta(seconds=runtime().config.TASK_DEADLINE)
    where = {
        "state": State.QUEUED.value,
        "lane": {"$nin": served},
        "created_at": {"$lte": utcnow() - deadline},
        **KNOWN_KIND,
    }
    rows = list(Generation.collection().find(where, {"_id": 1}).limit(BATCH_DOCUMENTS))
    for row in rows:
        fail_queued(row["_id"], "provider_not_configured", "not offered")
    return len(rows) == BATCH_DOCUMENTS


def fail_queued(generation_id: str, code: str, why: str) -> None:
    """Fail a picture, unless it is no longer queued."""
    claimed = Generation.claim(
        {"_id": generation_id, "state": State.QUEUED.value},
        lanes.STARTING_LEASE,
        {"$set": {"state": State.STARTING.value}, "$unset": {"waiting": ""}},
    )
    if claimed is not None:
        lanes.release_tickets(claimed.lane, claimed.user_id, 1)
        endings.fail_unsent(claimed, code, why)


def fail_refused() -> bool:
    """
    Fail pictures that wait, beyond the deadline, in a lane whose accounts have all been
    suspended for as long.

    Returns:
        Whether there may be more.
    """
    until = utcnow() - timedelta(seconds=runtime().config.TASK_DEADLINE)
    count = 0
    for lane, limits in runtime().registry.limits.items():
        found = lanes.refused_since(lane, limits)
        if found is None or found[0] > until:
            continue
        for generation_id in waiting_since(lane, until):
            fail_queued(generation_id, found[1], "refused since the deadline")
            count += 1
            if count == BATCH_DOCUMENTS:
                return True
    return False


def waiting_since(lane: str, until: datetime) -> Iterator[str]:
    """Yield the pictures that have been queued since *until* or longer."""
    where = {"lane": lane, "state": State.QUEUED.value, **KNOWN_KIND}
    where["created_at"] = {"$lte": until}
    rows = Generation.collection().find(where, {"task_id": 1}).hint("waiting")
    for row in rows:
        delayed = {"_id": row["task_id"], "not_before": {"$gt": until}}
        if Task.collection().find_one(delayed, {"_id": 1}) is None:
            yield row["_id"]


def sweep_files() -> None:
    """Delete files without a picture, remaining from an interrupted write."""
    _state.file_cursor = sweep_store(
        runtime().store, _state.file_cursor, Image, file_ids_of_images
    )


def file_ids_of_images(where: dict) -> Iterator[ObjectId]:
    """Yield the file ids of the pictures that match a query."""
    for image in Image.collection().find(where, dict.fromkeys(FILES, 1)):
        yield from files_of(image)


def sweep_store(
    store: Store,
    seen: ObjectId | None,
    kind: type[Stored],
    named: Callable[[dict], Iterable[ObjectId]],
) -> ObjectId | None:
    """
    Delete a batch of files that no record refers to.

    Args:
        seen: Cursor: the last file checked; None to start over.
        kind: The class of the records that own the files. Files of records of an
            unknown kind stay: only another release knows their fields.
        named: Yields the file ids of the records that match a query.

    Returns:
        The new cursor; None at the end.
    """
    until = utcnow() - UNREFERENCED_AFTER
    files = store.saved_before(until, after=seen, limit=BATCH_DOCUMENTS)
    seen = max(files) if len(files) == BATCH_DOCUMENTS else None
    if seen is None:
        store.add_up()  # files that a killed process did not count
    owners = {"_id": {"$in": list(set(files.values()))}}
    unnamed = set(files) - set(named(owners))
    if unnamed:
        others = kind.collection().distinct("_id", {**owners, **OTHER_KIND})
        unnamed = {each for each in unnamed if files[each] not in others}
    for file_id in unnamed:
        store.delete(file_id)
    if unnamed:
        log.info("files swept count=%d", len(unnamed))
    return seen


def name_owners() -> bool:
    """
    Name the owner in tasks, batches, uploads and collections of customers that an
    earlier release has created, for at most `RUN_S`: for each owner in all of them, and
    once a day in those that are new since.

    Returns:
        Whether there may be more.
    """
    began, end = utcnow(), time.monotonic() + RUN_S
    due = {"user_prefixes": {"$gt": ""}}  # any
    for owner in User.find_all(due, hint="user_prefixes"):
        named_at = owner.named_at if owner.tasks_named_at is not None else None
        if named_at is not None and named_at > began - OWNERS_NAMED_EVERY:
            continue
        since = EPOCH if named_at is None else named_at - OWNERS_NAMED_EVERY
        whose = (owner.id, *map(begins_with, owner.user_prefixes))
        for (kind, which, field, index), user_id in product(LISTED_FOR_OWNERS, whose):
            where = {"user_id": user_id, field: {"$gte": since}, "owner_id": None}
            where |= which
            rows = kind.collection().find(where, {"_id": 1}, hint=index)
            while some := [row["_id"] for row in islice(rows, BATCH_DOCUMENTS)]:
                kind.collection().update_many(
                    {"_id": {"$in": some}}, {"$set": {"owner_id": owner.id}}
                )
                if time.monotonic() > end:
                    return True
        User.collection().update_one(
            {"_id": owner.id, "user_prefixes": owner.user_prefixes},
            {"$set": {"named_at": began, "tasks_named_at": began}},
        )
    return False
