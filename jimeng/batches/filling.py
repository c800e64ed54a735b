"""Filling: create a batch's tasks, a few at a time, as capacity allows."""

import logging
import time
from datetime import timedelta
from typing import Any

from jimeng import jobs
from jimeng.batches import capacity, reruns
from jimeng.batches.capacity import Stopped, Waits
from jimeng.batches.progress import progress
from jimeng.documents import Batch, Generation, Task, utcnow
from jimeng.documents.clock import RUN_S
from jimeng.documents.connection import WRITING_LEASE
from jimeng.documents.kinds import KNOWN_KIND
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.documents.webhook import TASK_EVENTS
from jimeng.errors import Invalid, JimengError
from jimeng.errors.collections import WebhooksOff
from jimeng.inputs import Named
from jimeng.tasks import Request, create
from jimeng.tasks.cancellation import cancel_where
from jimeng.tasks.creation import Origin
from jimeng.upkeep.purge import TRASH_RETENTION
from jimeng.webhooks import outbox

log = logging.getLogger(__name__)

IN_REQUEST_S = 0.3
# Delay of the next round. A batch without capacity is due earlier than one that got
# some, so that the batches of one user alternate.
FILLED_DELAY_S, NO_CAPACITY_DELAY_S, WATCH_DELAY_S = 1.5, 0.8, 3.0


def fill_due() -> bool:
    """Work on due batches for at most `RUN_S`; return whether there may be more."""
    deadline = time.monotonic() + RUN_S
    while time.monotonic() < deadline:
        batch = Batch.claim_due(KNOWN_KIND, WRITING_LEASE)
        if batch is None:
            return False
        work(batch, deadline)
    return True


def begin(batch: Batch) -> None:
    """Create the first tasks, for at most `IN_REQUEST_S`."""
    claimed = Batch.claim_due({"_id": batch.id, **KNOWN_KIND}, WRITING_LEASE)
    if claimed is not None:
        work(claimed, time.monotonic() + IN_REQUEST_S)


def work(batch: Batch, deadline: float) -> None:
    """Work on a claimed batch; at the end, schedule its next round."""
    if capacity.is_being_restored():
        return schedule_next(batch, 10)
    try:
        advance(batch, deadline)
    except Waits as waits:
        wait(batch, waits)
    except capacity.TRANSIENT as error:
        wait(batch, capacity.waits_for(error))
    except capacity.NOT_OFFERED as error:
        timeout = timedelta(seconds=jobs.runtime().config.TASK_DEADLINE)
        if utcnow() - capacity.waiting_since(batch, error.code) < timeout:
            wait(batch, Waits(error.code, 30))
        else:
            stop(batch, "not_offered")
    except Stopped as stopped:
        stop(batch, stopped.code)
    except JimengError:
        log.exception("batch could not be gone on with id=%s", batch.id)
        wait(batch, Waits("internal", 30))


def advance(batch: Batch, deadline: float) -> None:
    """
    Raises:
        Waits: no tasks can be created for now; and the errors of `tasks.create`.
        Stopped: no more tasks will be created.
    """
    owned: Batch | None = batch
    if batch.sweeps:
        # A worker that had claimed it before it was cancelled may have created one
        # more.
        cancel_where({"batch": batch.id, "user_id": batch.user_id})
        owned = batch.update_owned({"$unset": {"sweeps": ""}})
    if owned is not None and owned.is_filling:
        capacity.check_sending()
        return fill(owned, deadline)
    if owned is not None and owned.again:
        capacity.check_sending()
        key_id = owned.again.get("key_id", owned.key_id)
        principal, capacity_pictures = (
            capacity.principal_of(owned, key_id),
            capacity.free_pictures(owned),
        )
        owned, is_done = reruns.retry_some(
            owned, principal, capacity_pictures, deadline
        )
        if owned is not None and not is_done:
            return schedule_next(owned, FILLED_DELAY_S)
    if owned is not None:
        end_if_done(owned)
    return None


def fill(batch: Batch, deadline: float) -> None:
    principal, capacity_pictures = (
        capacity.principal_of(batch, batch.key_id),
        capacity.free_pictures(batch),
    )
    most = max(capacity_pictures // batch.n, 0)
    if not most:
        if not has_open(batch):
            raise Waits(capacity.OTHERS_FIRST)
        return schedule_next(batch, NO_CAPACITY_DELAY_S)
    owned: Batch | None = batch
    again = capacity.inputs_of(batch)
    for at, prompt in enumerate(prompts_of(batch, most)):
        if owned is None or time.monotonic() > deadline:
            break
        task_id = batch.task_id(owned.made)
        if at or not was_created(task_id):
            make(owned, principal, prompt, again)
        owned = record_created(owned, task_id)
    return None if owned is None else schedule_next(owned, FILLED_DELAY_S)


def prompts_of(batch: Batch, most: int) -> list[str]:
    """The next prompts."""
    part = {"prompts": {"$slice": [batch.made, most]}, "user_id": 1}
    row = Batch.collection().find_one({"_id": batch.id}, part) or {}
    return row.get("prompts", [])


def was_created(task_id: str) -> bool:
    """Whether the task was created, even if it was deleted since."""
    return Generation.find_one({"task_id": task_id}) is not None


def make(
    batch: Batch, principal: Principal, prompt: str, again: tuple[Named, ...]
) -> None:
    request = Request(
        **capacity.request_of(batch),
        user_id=batch.user_id,
        prompt=prompt,
        metadata=batch.metadata,
        **webhook_of(batch),
        received={"prompt": prompt, **batch.given},
        origin=Origin(
            id=batch.task_id(batch.made),
            inputs=again,
            batch=batch.id,
            batch_index=batch.made,
            signer=(batch.webhook or {}).get("signer"),
        ),
    )
    create(principal, request)


def webhook_of(batch: Batch) -> dict[str, Any]:
    """
    The webhook of its tasks. If the URL is no longer allowed, tasks are created without
    a webhook.
    """
    webhook = batch.webhook or {}
    url, wanted = webhook.get("url"), webhook.get("events") or TASK_EVENTS
    events = [event for event in wanted if event in TASK_EVENTS]
    if not url or not events:
        return {}
    try:
        outbox.check_address("webhook_url", url)
        outbox.secret_key()
    except (Invalid, WebhooksOff) as error:
        log.warning("webhook of a batch omitted id=%s: %s", batch.id, error)
        return {}
    return {"webhook_url": url, "webhook_events": events}


def record_created(batch: Batch, task_id: str) -> Batch | None:
    """Record the created task; None if the lease was lost."""
    changes = {"made": batch.made + 1, "updated_at": utcnow()}
    update = {"$set": changes, "$unset": {"waits": ""}}
    owned = batch.extend_lease(WRITING_LEASE, update, {"made": batch.made})
    if owned is None:
        on = {"_id": batch.id, "stopped": {"$exists": False}}
        if Batch.find_one({**on, "deleted_at": {"$exists": False}}) is None:
            cancel_where({"_id": task_id})  # the batch was stopped or deleted meanwhile
    return owned


def has_open(batch: Batch) -> bool:
    mine = {"batch": batch.id, "open": True, **THERE}
    return bool(Task.collection().count_documents(mine, limit=1))


def end_if_done(batch: Batch) -> None:
    """End the batch once all its tasks have ended."""
    if has_open(batch):
        return schedule_next(batch, WATCH_DELAY_S)
    found = progress(batch)
    now = utcnow()
    gone = dict.fromkeys(("open", "due_at", "owner", "waits"), "")
    counts = {"counts": found.stored_counts, "ended_at": now, "updated_at": now}
    counts |= {"announce": True}
    if batch.update_owned({"$set": counts, "$unset": gone}) is not None:
        log.info(
            "batch ended id=%s done=%d failed=%d", batch.id, found.done, found.failed
        )
    return None


def schedule_next(batch: Batch, seconds: float) -> None:
    batch.release(utcnow() + timedelta(seconds=seconds))


def wait(batch: Batch, waits: Waits) -> None:
    """Store the reason for waiting, and the time since which it applies."""
    now = utcnow()
    until = now + timedelta(seconds=waits.seconds)
    said = {"code": waits.code, "since": capacity.waiting_since(batch, waits.code)}
    said |= {"until": until, "reopens_at": waits.reopens_at}
    batch.release(until, {"waits": said})


def stop(batch: Batch, code: str) -> None:
    log.warning(
        "batch stopped id=%s code=%s remaining=%d", batch.id, code, batch.remaining
    )
    now = utcnow()
    batch.release(now, {"stopped": code, "updated_at": now}, "waits", "again")


def forget_deleted() -> None:
    """Remove batches deleted so long ago that their tasks cannot be restored."""
    old = {"deleted_at": {"$lte": utcnow() - TRASH_RETENTION}, **KNOWN_KIND}
    Batch.collection().delete_many(old)
