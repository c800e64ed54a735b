"""What is done to a batch: cancelled, run again, deleted."""

import logging
from dataclasses import dataclass

from jimeng import jobs
from jimeng.batches import filling
from jimeng.batches.progress import Progress, goes_on, progress
from jimeng.batches.queries import find
from jimeng.documents import Batch, BulkAction, Image, Input, Task, best_effort, utcnow
from jimeng.documents.batch import CREATING
from jimeng.documents.image import SHOWN
from jimeng.documents.leases import WRITING_LEASE
from jimeng.documents.principal import Principal, noted
from jimeng.documents.task import THERE
from jimeng.errors import MayBeChargedTwice
from jimeng.errors.batches import BatchFinished, BatchNotFound, BatchNotRetryable
from jimeng.jobs import bulk
from jimeng.jobs.bulk import Counts, Kind
from jimeng.jobs.purge import TRASH_KEPT_FOR
from jimeng.providers import Model
from jimeng.tasks import Estimate
from jimeng.tasks.cancellation import cancel_where, deletion_update, drop_generations_of
from jimeng.tasks.clear_queue import CLEARED

log = logging.getLogger(__name__)

CANCELLED, RESTORED = "cancelled", "restored"
DELETE = "batches.delete"


@dataclass(frozen=True)
class Lacking:
    """
    What running a batch again would ask for, in pictures.

    Attributes:
        ready: Failed, and worth another try.
        rest: Cancelled, or never made.
        paid: Perhaps paid for already.
        hopeless: They would fail the same way.
    """

    ready: int
    rest: int
    paid: int
    hopeless: int


def lacking(batch: Batch, found: Progress) -> Lacking:
    unmade = 0 if batch.is_filling else found.unmade
    rest, paid = found.withdrawn, found.paid
    # The original of what was restored may have had them made and paid for.
    if batch.stopped == RESTORED:
        paid += unmade
    else:
        rest += unmade
    return Lacking(found.ready, rest, paid, found.hopeless)


def cancel(principal: Principal, batch_id: str) -> Batch:
    """
    Make no more tasks of a batch, and cancel those that go on, as `tasks.cancel` does.

    Raises:
        BatchNotFound: as in `find`.
        BatchFinished: it has ended, or is cancelled already.
    """
    batch = find(principal, batch_id)
    if not goes_on(batch, progress(batch)):
        raise BatchFinished(f"batch {batch.id}")
    with noted(principal, batch.user_id, "batches.cancel", batch=batch.id):
        now = utcnow()
        found = Batch.take_over(
            {"_id": batch.id, "open": True, "stopped": {"$ne": CANCELLED}},
            {
                "$set": {"stopped": CANCELLED, "sweeps": True, "updated_at": now},
                "$unset": {"again": "", "waits": ""},
            },
            # Whoever is at it in this moment has ended by then.
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
    Make no more tasks of any batch, since the queue is being cleared. What is made
    already is not touched.
    """
    now = utcnow()
    changes: dict = {"stopped": CLEARED, "updated_at": now}
    # Whoever is at it in this moment has ended by then.
    changes["due_at"] = now + WRITING_LEASE
    gone = dict.fromkeys(("again", "waits", "owner"), "")
    batches = Batch.collection()
    done = batches.update_many(CREATING, {"$set": changes, "$unset": gone})
    # What had stopped before may be run again all the same.
    del changes["stopped"]
    again = {"open": True, "again": {"$exists": True}}
    batches.update_many(again, {"$set": changes, "$unset": gone})
    log.info("batches stopped n=%d", done.modified_count)


def run_again(
    principal: Principal,
    batch_id: str,
    *,
    rest: bool = False,
    accept_double_charge: bool = False,
) -> Batch:
    """
    Ask once more for what a batch lacks, each of its tasks by the rule of
    `tasks.retry`, where the same again may help.

    Args:
        rest: What was cancelled, too, and what was never made.
        accept_double_charge: What was, or may have been, charged, too.

    Raises:
        BatchNotFound: as in `find`.
        BatchNotRetryable: nothing of it is lacking that is asked for.
        MayBeChargedTwice: all that is lacking was, or may have been, charged.
        ModelNotAllowed: the key that asks is limited to others.
        Invalid: its model, or its size, is not offered any more.
    """
    batch = find(principal, batch_id)
    wanted = count(principal, batch, rest=rest, agreed=accept_double_charge)
    offered(batch)
    with noted(principal, batch.user_id, "batches.retry", batch=batch.id, n=wanted):
        now = utcnow()
        # Within the bounds of whoever wants that.
        key = {"key_id": principal.key.id if principal.key else None}
        wants = {"rest": rest, "agreed": accept_double_charge, **key}
        if is_at_it(batch, wants):
            return batch
        again = {"at": now, **wants}
        goes_on = accept_double_charge if batch.stopped == RESTORED else rest
        gone = dict.fromkeys(("ended_at", "counts", "waits"), "")
        if goes_on:
            gone |= dict.fromkeys(("stopped", "sweeps"), "")
        elif not batch.left and batch.stopped not in (CANCELLED, RESTORED):
            gone |= {"stopped": ""}  # which only running it again had been
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
            # Two at once would ask for the same task twice.
            after=WRITING_LEASE,
        )
        if found is None:
            raise BatchNotFound(f"batch {batch.id}")
        log.info("batch run again id=%s pictures=%d", batch.id, wanted)
        with best_effort("first tasks"):
            filling.begin(found)
    return find(principal, batch_id)


def is_at_it(batch: Batch, wants: dict) -> bool:
    """Whether somebody runs it again in this very moment, as is asked for once more."""
    again, due_at = batch.again or {}, batch.due_at
    is_held = batch.owner is not None and due_at is not None and due_at > utcnow()
    return is_held and {name: again.get(name) for name in wants} == wants


def count(principal: Principal, batch: Batch, *, rest: bool, agreed: bool) -> int:
    """
    How many pictures running it again would ask for.

    Raises:
        BatchNotRetryable: as `run_again`, and so are MayBeChargedTwice and
            ModelNotAllowed.
    """
    principal.require_model(str(batch.asked.get("model")))
    there = lacking(batch, progress(batch))
    wanted = there.ready + (there.rest if rest else 0) + (there.paid if agreed else 0)
    if not wanted:
        kind = MayBeChargedTwice if there.paid else BatchNotRetryable
        raise kind(f"batch {batch.id}")
    return wanted


def estimate_again(
    principal: Principal,
    batch_id: str,
    *,
    rest: bool = False,
    accept_double_charge: bool = False,
) -> Estimate:
    """
    What `run_again` would ask for, in all; nothing is asked for.

    Raises:
        BatchNotFound: as `run_again`, and so is all else.
    """
    batch = find(principal, batch_id)
    wanted = count(principal, batch, rest=rest, agreed=accept_double_charge)
    model, size = offered(batch)
    return Estimate(model, wanted, size)


def offered(batch: Batch) -> tuple[Model, tuple[int, int] | None]:
    """
    The model that draws it, and its size, unless that follows from what goes in.

    Raises:
        Invalid: either is not offered any more.
    """
    asked = batch.asked
    model = jobs.runtime().registry.model(asked.get("model"), asked.get("provider"))
    if batch.inputs:
        return model, None
    quality = asked.get("quality") or "standard"
    return model, model.resolve_size(asked.get("size"), quality)


def delete(principal: Principal, batch_id: str) -> None:
    """
    Put a batch's tasks into the trash, cancelled if they have not ended; the batch
    itself is gone.

    Raises:
        BatchNotFound: as in `find`.
    """
    batch = find(principal, batch_id)
    with noted(principal, batch.user_id, DELETE, batch=batch.id):
        now = utcnow()
        gone = dict.fromkeys(("open", "due_at", "owner", "again", "waits"), "")
        Batch.find_and_modify(
            {"_id": batch.id}, {"$set": {"deleted_at": now}, "$unset": gone}
        )
        if batch.inputs:
            with best_effort("inputs"):
                Input.release(batch.inputs)  # for its tasks alone from now on
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
    """As `tasks.trash` does: the pictures go first."""
    shown = {"task_id": {"$in": list(batch.ids)}, **SHOWN}
    gone = {"trashed_at": batch.at, "with_task": True}
    Image.change(shown, gone)
    ids = {"_id": {"$in": list(batch.ids)}, **THERE}
    # Brought back they are tasks of their own.
    alone = {"$unset": ["batch", "batch_index"]}
    gone_with = [*deletion_update(batch.at, purge_at=batch.at + TRASH_KEPT_FOR), alone]
    Task.collection().update_many(ids, gone_with)
    drop_generations_of(batch.ids, batch.token)
    Image.change(shown, gone)  # one may have come in between
    return Counts(len(batch.ids))


def _finish(action: BulkAction) -> None:
    """What was in the trash before comes back by itself, too."""
    of_it = {"batch": action.details["batch"]}
    Task.collection().update_many(of_it, {"$unset": {"batch": "", "batch_index": ""}})


bulk.register(DELETE, Kind(select=_select, apply=_hide, finish=_finish))
