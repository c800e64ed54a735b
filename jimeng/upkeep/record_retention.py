"""
Retention of records: tasks without pictures, what they leave behind, and the audit log.

Once a day all records are passed over, oldest first, in order of their ids: batches,
then tasks, then the generations of tasks that are gone. What a generation has cost and
how it has ended is in the ledger, which stays; so a generation goes only once the
ledger says so and nothing more can follow: its charge is known, nothing is held for
it, and its month is over, with nothing held in it. Its task goes no sooner.
"""

import logging
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from jimeng.billing import costs
from jimeng.documents import (
    AuditEntry,
    Batch,
    Generation,
    Image,
    LedgerEntry,
    Settler,
    Task,
    utcnow,
)
from jimeng.documents.base import Stored
from jimeng.documents.clock import RUN_S
from jimeng.documents.ids import task_id_of
from jimeng.documents.kinds import KNOWN_KIND
from jimeng.documents.task import ENDED, KNOWN_TYPE, THERE
from jimeng.process.runtime import runtime
from jimeng.process.state import Remembered, remembered
from jimeng.upkeep import janitor

log = logging.getLogger(__name__)

ROUND_S = 86_400.0  # from one pass over all records to the next
BATCH_DOCUMENTS = 500
MAX_BATCHES = 20  # in one run; each may have thousands of tasks
ABSENT = {"$exists": False}

# Cursors: up to which id the records have been checked in this round.
_passed: dict[type[Stored], str] = remembered({})


class _State(Remembered):
    round_ends = 0.0  # by `time.monotonic`


_state = _State()


@dataclass(frozen=True)
class Surplus:
    """How many records the retention limits would remove."""

    tasks: int = 0
    generations: int = 0
    audit_entries: int = 0


def apply_limits() -> bool:
    """
    Remove some of what is older than ``KEEP_TASK_DAYS`` and ``KEEP_AUDIT_DAYS``, for
    about `RUN_S`.

    Returns:
        Whether there may be more.
    """
    config, end = runtime().config, time.monotonic() + RUN_S
    has_more = [remove_audit_entries(config.KEEP_AUDIT_DAYS)]
    if config.KEEP_TASK_DAYS:
        has_more.append(remove_tasks(config.KEEP_TASK_DAYS, end))
    return any(has_more)


def count_surplus(task_days: int, audit_days: int) -> Surplus:
    """
    Count what these limits would remove now; nothing is changed.

    Args:
        task_days: 0 for no limit; *audit_days* likewise.
    """
    tasks = generations = 0
    if task_days and has_all_ends():
        limit = Limit.of(task_days)
        for ids in _all_ids(Task, limit):
            tasks += len(limit.removable_tasks(ids))
        for ids in _all_ids(Generation, limit):
            generations += len(limit.removable_generations(ids))
    old = {"at": {"$lt": _cutoff(audit_days)}}
    entries = AuditEntry.collection().count_documents(old) if audit_days else 0
    return Surplus(tasks, generations, entries)


def remove_audit_entries(days: int) -> bool:
    """Remove some of the entries that are older; return whether there may be more."""
    if not days:
        return False
    oldest_first, old = [("at", 1), ("_id", 1)], {"at": {"$lt": _cutoff(days)}}
    ids = AuditEntry.find_ids(
        old, sort=oldest_first, hint="newest", limit=BATCH_DOCUMENTS
    )
    if ids:
        AuditEntry.collection().delete_many({"_id": {"$in": ids}})
        log.info("removed by retention kind=audit count=%d", len(ids))
    return len(ids) == BATCH_DOCUMENTS


def remove_tasks(days: int, end: float) -> bool:
    """
    Remove some of the batches, tasks and generations that are older.

    Args:
        end: When to stop, by `time.monotonic`.

    Returns:
        Whether there may be more in this round.
    """
    if not has_all_ends():
        return False
    if time.monotonic() >= _state.round_ends:
        _passed.clear()
        _state.round_ends = time.monotonic() + ROUND_S
    limit = Limit.of(days)
    # One kind after the other: tasks follow their batch, and generations their task.
    return (
        _remove_batches(limit)
        or _remove_tasks(limit, end)
        or _remove_generations(limit)
    )


def has_all_ends() -> bool:
    """Whether the ledger says of all generations how they have ended."""
    settler = Settler.find_one({})
    return settler is not None and settler.has_all_ends


def _cutoff(days: int) -> datetime:
    return utcnow() - timedelta(days=days)


@dataclass(frozen=True)
class Limit:
    """
    What is old enough to be removed.

    Attributes:
        cutoff: What ended before it.
        final: A query condition for generations: nothing can follow.
    """

    cutoff: datetime
    final: Mapping[str, object]

    @classmethod
    def of(cls, days: int) -> "Limit":
        cutoff, first = _cutoff(days), costs.today().replace(day=1)
        earlier = {"$lt": first.isoformat()}
        held = {"held_micros": {"$exists": True}, "budget_day": earlier}
        days_held = Generation.collection().distinct("budget_day", held)
        open_months = sorted({day[:7] for day in days_held})
        final = {
            "ended_at": {"$lt": cutoff},
            "created_at": {"$lt": costs.day_begin(first)},
            "charged": {"$in": [costs.NOT_CHARGED, costs.CHARGED]},
            **dict.fromkeys(("held_micros", "unsettled", "due_at", "slot"), ABSENT),
            "$nor": [
                {"budget_day": {"$gte": first.isoformat()}},
                *({"budget_day": {"$regex": f"^{month}-"}} for month in open_months),
            ],
            **KNOWN_KIND,
        }
        return cls(cutoff, final)

    @property
    def ended_tasks(self) -> dict[str, object]:
        return {
            "status": {"$in": ENDED},
            "completed_at": {"$lt": self.cutoff},
            **dict.fromkeys(("open", "announce"), ABSENT),
            **THERE,
            **KNOWN_TYPE,
        }

    def is_removable_batch(self, batch_id: str) -> bool:
        """Whether none of its pictures is left, and all of its tasks may go."""
        of_batch = {"batch": batch_id}
        others = {**of_batch, "$nor": [self.ended_tasks]}
        if Task.collection().find_one(others, {"_id": 1}, hint="batch") is not None:
            return False
        return not self.staying(Task.find_ids(of_batch, hint="batch"))

    def removable_tasks(self, ids: Collection[str]) -> list[str]:
        """Those of these tasks that may go, in their order."""
        rows = Task.collection().find(
            {"_id": {"$in": [*ids]}, **self.ended_tasks}, {"batch": 1}
        )
        batches = {row["_id"]: row.get("batch") for row in rows}
        wanted = [each for each in {*batches.values()} if each is not None]
        # Those of a batch go once it has gone: until then all of them count in it.
        there = {*Batch.find_ids({"_id": {"$in": wanted}})} if wanted else set()
        found = [each for each in ids if each in batches and batches[each] not in there]
        staying = self.staying(found)
        return [each for each in found if each not in staying]

    def removable_generations(self, ids: Collection[str]) -> list[str]:
        """Those of these generations that may go."""
        rows = Generation.collection().find(
            {"_id": {"$in": [*ids]}, **self.final}, {"task_id": 1}
        )
        tasks = {row["_id"]: row["task_id"] for row in rows}
        there = {*Task.find_ids({"_id": {"$in": [*{*tasks.values()}]}})}
        found = [each for each, task_id in tasks.items() if task_id not in there]
        entered = {"generation": {"$in": found}, "ended": {"$exists": True}}
        return LedgerEntry.collection().distinct("generation", entered)

    def staying(self, task_ids: Collection[str]) -> set[str]:
        """Those of these tasks with pictures, or generations that are not final."""
        mine = {"task_id": {"$in": [*task_ids]}}
        pictures = Image.collection().distinct("task_id", mine)
        unfinished = {**mine, "$nor": [self.final]}
        pending = Generation.collection().distinct("task_id", unfinished)
        return {*pictures, *pending}


def _remove_batches(limit: Limit) -> bool:
    ended = {
        "ended_at": {"$lt": limit.cutoff},
        **dict.fromkeys(("open", "announce", "deleted_at"), ABSENT),
        **KNOWN_KIND,
    }
    ids, has_more = _next_ids(Batch, limit, MAX_BATCHES)
    for batch_id in Batch.find_ids({"_id": {"$in": ids}, **ended}):
        if limit.is_removable_batch(batch_id):
            Batch.collection().delete_one({"_id": batch_id, **ended})
            log.info("removed by retention kind=batch batch=%s", batch_id)
    _passed[Batch] = ids[-1] if ids else _passed.get(Batch, "")
    return has_more


def _remove_tasks(limit: Limit, end: float) -> bool:
    ids, has_more = _next_ids(Task, limit, BATCH_DOCUMENTS)
    count = 0
    for task_id in limit.removable_tasks(ids):
        if time.monotonic() > end and count:
            has_more = True
            break
        count += _remove_task(task_id, limit)
        _passed[Task] = task_id
    else:
        _passed[Task] = ids[-1] if ids else _passed.get(Task, "")
    if count:
        log.info("removed by retention kind=task count=%d", count)
    return has_more


def _remove_task(task_id: str, limit: Limit) -> bool:
    """Remove a task as its owner would; the janitor goes on if this is interrupted."""
    now = utcnow()
    doomed = {
        "$set": {"deleted_at": now, "updated_at": now},
        "$unset": {"purge_at": "", "idem_key": ""},
    }
    where = {"_id": task_id, **limit.ended_tasks}
    if not Task.collection().update_one(where, doomed).modified_count:
        return False
    janitor.finish_deletion(task_id)
    return True


def _remove_generations(limit: Limit) -> bool:
    ids, has_more = _next_ids(Generation, limit, BATCH_DOCUMENTS)
    if removable := limit.removable_generations(ids):
        Generation.collection().delete_many({"_id": {"$in": removable}, **limit.final})
        log.info("removed by retention kind=generation count=%d", len(removable))
    _passed[Generation] = ids[-1] if ids else _passed.get(Generation, "")
    return has_more


def _next_ids(kind: type[Stored], limit: Limit, most: int) -> tuple[list[str], bool]:
    """The next records to check in this round, and whether there may be more."""
    ids = [*islice(_ids(kind, limit, after=_passed.get(kind, "")), most)]
    return ids, len(ids) == most


def _all_ids(kind: type[Stored], limit: Limit) -> Iterator[list[str]]:
    ids = _ids(kind, limit)
    while some := [*islice(ids, BATCH_DOCUMENTS)]:
        yield some


def _ids(kind: type[Stored], limit: Limit, after: str = "") -> Iterator[str]:
    """The ids of records that may be old enough, in order."""
    span = {"$gt": after}
    if kind is not Batch:  # whose ids say nothing of their age
        span["$lt"] = task_id_of(round(limit.cutoff.timestamp() * 1000), 0)
    rows = kind.collection().find({"_id": span}, {"_id": 1}, hint="_id_")
    return (row["_id"] for row in rows.sort("_id", 1).batch_size(BATCH_DOCUMENTS))
