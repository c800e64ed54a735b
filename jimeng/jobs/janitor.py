"""The janitor: completes what a death between two writes left undone."""

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from bson import ObjectId

from jimeng import lanes, logs
from jimeng.documents import Generation, Image, State, Task, new_token, utcnow
from jimeng.documents.task import DOOMED
from jimeng.errors import ProviderError
from jimeng.jobs import days, mend, outcomes, plan, purge
from jimeng.jobs.runtime import runtime

log = logging.getLogger(__name__)

SETTLED = timedelta(seconds=30)  # a request that writes is over by then
OVERLAP = timedelta(minutes=10)  # looked at again: clocks differ
UNREFERENCED = timedelta(days=1)
BATCH = 500

_next_run: dict[str, float] = {}
_open_seen: datetime | None = None
_file_seen: ObjectId | None = None


def tick() -> None:
    """Run whatever has its turn; called often, by each consumer."""
    for name, (interval, run) in RUNS.items():
        if time.monotonic() >= _next_run.get(name, 0.0):
            _next_run[name] = time.monotonic() + interval
            run()


def complete_plans() -> None:
    """Write the generations of open tasks whose request died before it did."""
    global _open_seen
    until = utcnow() - SETTLED
    created = {"$lte": until}
    if _open_seen is not None:
        created["$gt"] = _open_seen - OVERLAP
    where = {"open": True, "created_at": created}
    for row in Task.collection().find(where).hint("open"):
        task = Task._from_son(row)
        with logs.bound(task=task.id, user=task.user_id):
            missing = plan.complete_plan(task)
            if missing:
                log.warning("plan completed missing=%d", missing)
    _open_seen = until


def finish_deletions() -> None:
    """Remove the rest of tasks whose deletion was cut off."""
    where = {**DOOMED, "deleted_at": {"$lte": utcnow() - SETTLED}}
    for row in Task.collection().find(where, {"_id": 1}).limit(BATCH):
        finish_deletion(row["_id"])
        log.warning("deletion completed task=%s", row["_id"])


def finish_deletion(task_id: str) -> None:
    """Remove pictures, words and, last, the record of a deleted task."""
    for image in list(Image.collection().find({"task_id": task_id}, {"_id": 1})):
        outcomes.forget_image(image["_id"])
    # What was sent is charged all the same, so the generation stays: without
    # what the user wrote.
    Generation.collection().update_many(
        {"task_id": task_id}, {"$unset": {"prompt": ""}}
    )
    Task.collection().delete_one({"_id": task_id, **DOOMED})


def fail_unserved() -> None:
    """End what waits in a lane that this installation does not serve any more."""
    served = list(runtime().registry.lanes)
    patience = timedelta(seconds=runtime().config.TASK_DEADLINE)
    where = {
        "state": State.QUEUED.value,
        "lane": {"$nin": served},
        "created_at": {"$lte": utcnow() - patience},
    }
    for row in list(Generation.collection().find(where, {"_id": 1}).limit(BATCH)):
        claimed = Generation.swap(
            {"_id": row["_id"], "state": State.QUEUED.value},
            {
                "$set": {
                    "state": State.STARTING.value,
                    "owner": new_token(),
                    "due_at": utcnow() + timedelta(seconds=8),
                },
                "$unset": {"waiting": ""},
            },
        )
        if claimed is not None:
            lanes.leave(claimed.lane, claimed.user_id, 1)
            gone = ProviderError("not offered", code="provider_not_configured")
            outcomes.fail(claimed, gone)
            outcomes.give_back(claimed)


def sweep_files() -> None:
    """Delete files that no picture names: what a cut-off saving left behind."""
    global _file_seen
    until = utcnow() - UNREFERENCED
    store = runtime().store
    files = store.saved_before(until, after=_file_seen, limit=BATCH)
    _file_seen = max(files) if len(files) == BATCH else None
    where = {"_id": {"$in": list(set(files.values()))}}
    kept: set[ObjectId] = set()
    for image in Image.collection().find(where, {"file_id": 1, "thumbnail_id": 1}):
        kept |= {image["file_id"], image["thumbnail_id"]}
    unreferenced = set(files) - kept
    for file_id in unreferenced:
        store.delete(file_id)
    if unreferenced:
        log.info("files swept count=%d", len(unreferenced))


def close_days() -> None:
    """Count and keep the days that are over."""
    days.close_days()


RUNS: dict[str, tuple[float, Callable[[], None]]] = {  # seconds between two runs
    "plans": (5.0, complete_plans),
    "mending": (15.0, mend.mend),
    "deletions": (15.0, finish_deletions),
    "trash": (30.0, purge.empty_trash),
    "labels": (60.0, purge.label_pictures),
    "unserved": (60.0, fail_unserved),
    "files": (60.0, sweep_files),
    "days": (3600.0, close_days),
}


def forget() -> None:
    """Begin anew: all open tasks and all files are looked at again."""
    global _open_seen, _file_seen
    _open_seen = _file_seen = None
    _next_run.clear()
