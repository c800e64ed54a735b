"""Filling: a batch's tasks are made, a few at a time, as there is room for them."""

import logging
import time
from datetime import timedelta
from typing import Any

from jimeng import jobs
from jimeng.batches import capacity, reruns
from jimeng.batches.capacity import Stopped, Waits
from jimeng.batches.progress import progress
from jimeng.documents import Batch, Generation, Task, utcnow
from jimeng.documents.base import KNOWN_KIND
from jimeng.documents.leases import TURN_S, WRITING_LEASE
from jimeng.documents.principal import Principal
from jimeng.documents.task import THERE
from jimeng.documents.webhook import TASK_EVENTS
from jimeng.errors import Invalid, JimengError
from jimeng.errors.collections import WebhooksOff
from jimeng.inputs import Named
from jimeng.jobs import webhook_outbox
from jimeng.jobs.purge import TRASH_KEPT_FOR
from jimeng.tasks import NewTask, create
from jimeng.tasks.cancellation import cancel_where

log = logging.getLogger(__name__)

IN_REQUEST_S = 0.3
# Seconds until it is somebody's again. What found no room comes before what did, so
# that the batches of one user take turns.
MADE, HUNGRY, LOOK = 1.5, 0.8, 3.0


def go_on() -> bool:
    """Work on the batches that are due, for a while; whether there may be more."""
    deadline = time.monotonic() + TURN_S
    while time.monotonic() < deadline:
        batch = Batch.claim_due(KNOWN_KIND, WRITING_LEASE)
        if batch is None:
            return False
        work(batch, deadline)
    return True


def begin(batch: Batch) -> None:
    """Make the first tasks, as many as a request has time for."""
    claimed = Batch.claim_due({"_id": batch.id, **KNOWN_KIND}, WRITING_LEASE)
    if claimed is not None:
        work(claimed, time.monotonic() + IN_REQUEST_S)


def work(batch: Batch, deadline: float) -> None:
    """One claim's work; at its end it is written down when to go on, and why then."""
    if capacity.is_being_restored():
        return rest(batch, 10)
    try:
        advance(batch, deadline)
    except Waits as waits:
        wait(batch, waits)
    except capacity.LATER as error:
        wait(batch, capacity.waits_for(error))
    except capacity.GONE as error:
        patience = timedelta(seconds=jobs.runtime().config.TASK_DEADLINE)
        if capacity.since(batch, error.code) < patience:
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
        Waits: nothing more can be made for now; and the errors of `tasks.create`.
        Stopped: nothing more will be made.
    """
    held: Batch | None = batch
    if batch.sweeps:
        # Whoever was at it when it was cancelled may have made one more since.
        cancel_where({"batch": batch.id, "user_id": batch.user_id})
        held = batch.update_owned({"$unset": {"sweeps": ""}})
    if held is not None and held.is_filling:
        capacity.check_sending()
        return fill(held, deadline)
    if held is not None and held.again:
        capacity.check_sending()
        key_id = held.again.get("key_id", held.key_id)
        principal, places = capacity.principal_of(held, key_id), capacity.places(held)
        held, is_done = reruns.run_again(held, principal, places, deadline)
        if held is not None and not is_done:
            return rest(held, MADE)
    if held is not None:
        settle(held)
    return None


def fill(batch: Batch, deadline: float) -> None:
    principal, places = (
        capacity.principal_of(batch, batch.key_id),
        capacity.places(batch),
    )
    most = max(places // batch.n, 0)
    if not most:
        if not has_open(batch):
            raise Waits(capacity.OTHERS_FIRST)
        return rest(batch, HUNGRY)
    held: Batch | None = batch
    again = capacity.pictures_of(batch)
    for at, prompt in enumerate(prompts_of(batch, most)):
        if held is None or time.monotonic() > deadline:
            break
        task_id = batch.task_id(held.made)
        if at or not was_made(task_id):
            make(held, principal, prompt, again)
        held = made_one(held, task_id)
    return None if held is None else rest(held, MADE)


def prompts_of(batch: Batch, most: int) -> list[str]:
    """The next ones."""
    part = {"prompts": {"$slice": [batch.made, most]}, "user_id": 1}
    row = Batch.collection().find_one({"_id": batch.id}, part) or {}
    return row.get("prompts", [])


def was_made(task_id: str) -> bool:
    """Whether its pictures are there, whatever has become of the task since."""
    return Generation.find_one({"task_id": task_id}) is not None


def make(
    batch: Batch, principal: Principal, prompt: str, again: tuple[Named, ...]
) -> None:
    new = NewTask(
        **batch.asked,
        again=again,
        user_id=batch.user_id,
        prompt=prompt,
        id=batch.task_id(batch.made),
        batch=batch.id,
        batch_index=batch.made,
        metadata=batch.metadata,
        **webhook_of(batch),
        given={"prompt": prompt, **batch.given},
    )
    create(principal, new)


def webhook_of(batch: Batch) -> dict[str, Any]:
    """
    Where the ends of its tasks are sent. Pictures do not wait for an address that is
    not allowed any more.
    """
    webhook = batch.webhook or {}
    wanted = webhook.get("events") or TASK_EVENTS
    events = [event for event in wanted if event in TASK_EVENTS]
    if not webhook or not events:
        return {}
    try:
        webhook_outbox.check_address("webhook_url", webhook["url"])
        webhook_outbox.secret_key()
    except (Invalid, WebhooksOff) as error:
        log.warning("webhook of a batch left out id=%s: %s", batch.id, error)
        return {}
    return {"webhook_url": webhook["url"], "webhook_events": events}


def made_one(batch: Batch, task_id: str) -> Batch | None:
    """Note that the next task is there; None where the batch is another's by now."""
    changes = {"made": batch.made + 1, "updated_at": utcnow()}
    update = {"$set": changes, "$unset": {"waits": ""}}
    held = batch.extend_lease(WRITING_LEASE, update, {"made": batch.made})
    if held is None:
        on = {"_id": batch.id, "stopped": {"$exists": False}}
        if Batch.find_one({**on, "deleted_at": {"$exists": False}}) is None:
            cancel_where({"_id": task_id})  # nobody wants it any more
    return held


def has_open(batch: Batch) -> bool:
    mine = {"batch": batch.id, "open": True, **THERE}
    return bool(Task.collection().count_documents(mine, limit=1))


def settle(batch: Batch) -> None:
    """All is made: once all has ended, so has the batch."""
    if has_open(batch):
        return rest(batch, LOOK)
    found = progress(batch)
    now = utcnow()
    gone = dict.fromkeys(("open", "due_at", "owner", "waits"), "")
    counts = {"counts": found.kept, "ended_at": now, "updated_at": now}
    counts |= {"announce": True}
    if batch.update_owned({"$set": counts, "$unset": gone}) is not None:
        log.info(
            "batch ended id=%s done=%d failed=%d", batch.id, found.done, found.failed
        )
    return None


def rest(batch: Batch, seconds: float) -> None:
    batch.release(utcnow() + timedelta(seconds=seconds))


def wait(batch: Batch, waits: Waits) -> None:
    """Say what it waits for, and since when it is the same."""
    now = utcnow()
    until = now + timedelta(seconds=waits.seconds)
    said = {"code": waits.code, "since": now - capacity.since(batch, waits.code)}
    batch.release(until, {"waits": {**said, "until": until}})


def stop(batch: Batch, code: str) -> None:
    log.warning("batch stopped id=%s code=%s left=%d", batch.id, code, batch.left)
    now = utcnow()
    batch.release(now, {"stopped": code, "updated_at": now}, "waits", "again")


def forget_deleted() -> None:
    """Remove what was deleted so long ago that its tasks do not come back."""
    old = {"deleted_at": {"$lte": utcnow() - TRASH_KEPT_FOR}, **KNOWN_KIND}
    Batch.collection().delete_many(old)
