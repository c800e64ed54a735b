"""Actions on a batch: cancel, retry, delete."""

import logging
from dataclasses import dataclass

from jimeng.batches import capacity, filling
from jimeng.batches.progress import Progress, goes_on, progress
from jimeng.batches.queries import find
from jimeng.documents import Batch, BulkAction, Image, Input, Task, best_effort, utcnow
from jimeng.documents.batch import CREATING
from jimeng.documents.connection import WRITING_LEASE
from jimeng.documents.image import SHOWN
from jimeng.documents.principal import Principal, recorded_on_behalf
from jimeng.documents.task import THERE
from jimeng.errors import MayBeChargedTwice
from jimeng.errors.batches import BatchFinished, BatchNotFound, BatchNotRetryable
from jimeng.jobs import bulk
from jimeng.jobs.bulk import Counts, Kind
from jimeng.tasks import Estimate
from jimeng.tasks.cancellation import cancel_where, deletion_update, drop_generations_of
from jimeng.tasks.clear_queue import CLEARED
from jimeng.upkeep.purge import TRASH_RETENTION

log = logging.getLogger(__name__)

CANCELLED, RESTORED = "cancelled", "restored"
DELETE = "batches.delete"


@dataclass(frozen=True)
class Missing:
    """
    The pictures that retrying a batch would request.

    Attributes:
        ready: Failed, and worth a retry.
        rest: Cancelled, or never created.
        paid: Possibly charged already.
        hopeless: Would fail the same way.
    """

    ready: int
    rest: int
    paid: int
    hopeless: int


def missing(batch: Batch, found: Progress) -> Missing:
    unmade = 0 if batch.is_filling else found.unmade
    rest, paid = found.withdrawn, found.paid
    # The original of a restored batch may have generated and paid for them.
    if batch.stopped == RESTORED:
        paid += unmade
    else:
        rest += unmade
    return Missing(found.ready, rest, paid, found.hopeless)


def cancel(principal: Principal, batch_id: str) -> Batch:
    """
    Create no more tasks of a batch, and cancel its open ones, as `tasks.cancel` does.

    Raises:
        BatchNotFound: as in `find`.
        BatchFinished: it has ended, or is already cancelled.
    """
    batch = find(principal, batch_id)
    if not goes_on(batch, progress(batch)):
        raise BatchFinished(f"batch {batch.id}")
    with recorded_on_behalf(principal, batch.user_id, "batches.cancel", batch=batch.id):
        now = utcnow()
        found = Batch.take_over(
            {"_id": batch.id, "open": True, "stopped": {"$ne": CANCELLED}},
            {
                "$set": {"stopped": CANCELLED, "sweeps": True, "updated_at": now},
                "$unset": {"again": "", "waits": ""},
            },
            # A worker that has claimed the batch by now has ended by then.
            due_at=now + WRITING_LEASE,
            after=WRITING_LEASE,
        )
        if found is None:
            raise BatchFinished(f"batch {batch.id}")
        log.info(
            "batch cancelled id=%s made=%d of=%d", batch.id, found.made, found.total
        )
        with best_effort("open tasks"):
            cancel_where({"batch": batch.id, "user_id": batch.user_id})
    return found


def stop_all() -> None:
    """
    Create no more tasks of any batch, since the queue is being cleared. Existing tasks
    are not changed.
    """
    now = utcnow()
    changes: dict = {"stopped": CLEARED, "updated_at": now}
    # A worker that has claimed a batch by now has ended by then.
    changes["due_at"] = now + WRITING_LEASE
    gone = dict.fromkeys(("again", "waits", "owner"), "")
    batches = Batch.collection()
    done = batches.update_many(CREATING, {"$set": changes, "$unset": gone})
    # Batches that had stopped before may be in a retry.
    del changes["stopped"]
    again = {"open": True, "again": {"$exists": True}}
    batches.update_many(again, {"$set": changes, "$unset": gone})
    log.info("batches stopped n=%d", done.modified_count)


def retry(
    principal: Principal,
    batch_id: str,
    *,
    rest: bool = False,
    accept_double_charge: bool = False,
) -> Batch:
    """
    Retry the missing pictures of a batch, each of its tasks as by `tasks.retry`, where
    that may help.

    Args:
        rest: Include cancelled pictures, and those never created.
        accept_double_charge: Include pictures that were or may have been charged.

    Raises:
        BatchNotFound: as in `find`.
        BatchNotRetryable: none of the requested pictures is missing.
        MayBeChargedTwice: all missing pictures were or may have been charged.
        ModelNotAllowed: the request's key is limited to other models.
        Invalid: its model or its size is no longer offered.
    """
    batch = find(principal, batch_id)
    wanted = count(principal, batch, rest=rest, agreed=accept_double_charge)
    capacity.estimate_more(principal, batch, wanted)
    with recorded_on_behalf(
        principal, batch.user_id, "batches.retry", batch=batch.id, n=wanted
    ):
        now = utcnow()
        # The limits of the retry's key apply.
        key = {"key_id": principal.key.id if principal.key else None}
        wants = {"rest": rest, "agreed": accept_double_charge, **key}
        if is_already_retrying(batch, wants):
            return batch
        again = {"at": now, **wants}
        goes_on = accept_double_charge if batch.stopped == RESTORED else rest
        gone = dict.fromkeys(("ended_at", "counts", "waits"), "")
        if goes_on:
            gone |= dict.fromkeys(("stopped", "sweeps"), "")
        elif not batch.remaining and batch.stopped not in (CANCELLED, RESTORED):
            gone |= {"stopped": ""}  # only a retry had been stopped
        found = Batch.take_over(
            {"_id": batch.id, "deleted_at": {"$exists": False}},
            {
                "$set": {
                    **{"again": again, "open": True, "updated_at": now},
                    **(key if goes_on else {}),
                },
                "$unset": gone,
            },
            due_at=now,
            # Two concurrent retries would retry the same task twice.
            after=WRITING_LEASE,
        )
        if found is None:
            raise BatchNotFound(f"batch {batch.id}")
        log.info("batch run again id=%s pictures=%d", batch.id, wanted)
        with best_effort("first tasks"):
            filling.begin(found)
    return find(principal, batch_id)


def is_already_retrying(batch: Batch, wants: dict) -> bool:
    """Whether a worker is just performing the same retry."""
    again, due_at = batch.again or {}, batch.due_at
    is_claimed = batch.owner is not None and due_at is not None and due_at > utcnow()
    return is_claimed and {name: again.get(name) for name in wants} == wants


def count(principal: Principal, batch: Batch, *, rest: bool, agreed: bool) -> int:
    """
    Count the pictures that a retry would request.

    Raises:
        BatchNotRetryable: as `retry`; so are MayBeChargedTwice and ModelNotAllowed.
    """
    principal.require_model(str(batch.asked.get("model")))
    there = missing(batch, progress(batch))
    wanted = there.ready + (there.rest if rest else 0) + (there.paid if agreed else 0)
    if not wanted:
        kind = MayBeChargedTwice if there.paid else BatchNotRetryable
        raise kind(f"batch {batch.id}")
    return wanted


def estimate_retry(
    principal: Principal,
    batch_id: str,
    *,
    rest: bool = False,
    accept_double_charge: bool = False,
) -> Estimate:
    """
    Estimate what `retry` would request; nothing is changed.

    Raises:
        BatchNotFound: as `retry`; so are all other errors.
    """
    batch = find(principal, batch_id)
    wanted = count(principal, batch, rest=rest, agreed=accept_double_charge)
    return capacity.estimate_more(principal, batch, wanted)


def delete(principal: Principal, batch_id: str) -> None:
    """
    Delete a batch, and move its tasks to the trash; unfinished ones are cancelled.

    Raises:
        BatchNotFound: as in `find`.
    """
    batch = find(principal, batch_id)
    with recorded_on_behalf(principal, batch.user_id, DELETE, batch=batch.id):
        now = utcnow()
        gone = dict.fromkeys(("open", "due_at", "owner", "again", "waits"), "")
        Batch.find_and_modify(
            {"_id": batch.id}, {"$set": {"deleted_at": now}, "$unset": gone}
        )
        if batch.inputs:
            with best_effort("inputs"):
                Input.release(batch.inputs)  # from now on only its tasks refer to them
        total = Task.collection().count_documents({"batch": batch.id, **THERE})
        details = {"batch": batch.id, "user": batch.user_id}
        action = bulk.start(
            principal, DELETE, scope=batch.id, total=total, details=details
        )
        bulk.work_briefly(action)


def _select(action: BulkAction, size: int) -> tuple[list[str], None]:
    where = {"batch": action.details["batch"], **THERE}
    rows = Task.collection().find(where, {"_id": 1}).limit(size)
    return [row["_id"] for row in rows], None


def _hide(action: BulkAction, batch: bulk.DocumentBatch) -> Counts:
    """Move tasks to the trash, pictures first, as in `tasks.trash`."""
    shown = {"task_id": {"$in": list(batch.ids)}, **SHOWN}
    gone = {"trashed_at": batch.at, "with_task": True}
    Image.change(shown, gone)
    ids = {"_id": {"$in": list(batch.ids)}, **THERE}
    # Restored, they are single tasks.
    alone = {"$unset": ["batch", "batch_index"]}
    gone_with = [*deletion_update(batch.at, purge_at=batch.at + TRASH_RETENTION), alone]
    Task.collection().update_many(ids, gone_with)
    drop_generations_of(batch.ids, batch.token)
    Image.change(shown, gone)  # one may have been stored meanwhile
    return Counts(len(batch.ids))


def _finish(action: BulkAction) -> None:
    """Detach tasks that were in the trash before: restored, they are single tasks."""
    of_it = {"batch": action.details["batch"]}
    Task.collection().update_many(of_it, {"$unset": {"batch": "", "batch_index": ""}})


bulk.register(DELETE, Kind(select=_select, apply=_hide, finish=_finish))
