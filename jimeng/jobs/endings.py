"""
End a generation, or return it to the queue.

The task is written first, then the generation, which keeps its ``due_at`` until then:
if a process dies between the two, both writes are repeated, which is harmless.
"""

import logging
from collections import Counter
from datetime import timedelta

from jimeng import lanes
from jimeng.billing import costs
from jimeng.documents import (
    ApiKey,
    Batch,
    Generation,
    Image,
    QuotaUsage,
    Share,
    State,
    Task,
    new_token,
    utcnow,
)
from jimeng.documents.generation import SENDABLE, WAITING
from jimeng.documents.image import files_of
from jimeng.documents.task import THERE
from jimeng.errors import ProviderError
from jimeng.jobs import metric_counters
from jimeng.lanes import TicketHolder
from jimeng.process.broker import enqueue_dispatch
from jimeng.process.runtime import runtime
from jimeng.providers import Model

log = logging.getLogger(__name__)

DEFAULT_SLOW_S = 60.0  # seconds, for a model that is no longer offered
UNKNOWN_TASK_RETRY_AFTER = timedelta(seconds=30)
# Exceptions that unexpected stored values cause.
UNEXPECTED_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
MAX_UNEXPECTED_RETRIES = 3
UNEXPECTED_RETRY_AFTER = timedelta(seconds=20)
CANCELLED = {"code": "picture_cancelled", "charged": "no"}
CURSOR_BATCH = 1000  # rows of one MongoDB reply
RELEASED_FIELDS = {"slot": "", "owner": "", "due_at": ""}


def free_slot(generation: Generation) -> None:
    """
    Let its lane send the next picture: the slot is released, or it is in the queue.

    Args:
        generation: As it was before.
    """
    lanes.release_slot(generation.lane, generation.slot)
    enqueue_dispatch(generation.lane)


def error_record(error: ProviderError) -> dict:
    """The stored form of a failure; messages follow from the code."""
    fields = {
        "code": error.code,
        "charged": error.charged,
        "provider_code": error.provider_code,
        "provider_request_id": error.request_id,
    }
    return {name: value for name, value in fields.items() if value is not None}


def record_failure(generation: Generation, error: dict) -> None:
    failed = {"state": "failed", "error": error}
    micros = costs.cost_of(generation, error["charged"])
    task = Task.record(generation.task_id, generation.index, failed, micros)
    if task is not None and not task.is_open:
        log.info("task %s code=%s", task.status, error["code"])


def finish(
    generation: Generation, state: State, charged: str, **changes: object
) -> bool:
    """
    Store the final state and the charge, and release the slot.

    Returns:
        Whether it was stored; False if the claim was lost.
    """
    # Only the task keeps the prompt: it may have been deleted before this write.
    updated = generation.update_owned(
        {
            "$set": {**costs.end(state, charged), **changes},
            "$unset": {**RELEASED_FIELDS, "waiting": "", "prompt": ""},
        }
    )
    return updated is not None


def fail(generation: Generation, error: ProviderError) -> bool:
    """
    Fail the picture with an error of the provider.

    Returns:
        As `finish`.
    """
    record = error_record(error)
    log.warning("picture failed id=%s code=%s: %s", generation.id, error.code, error)
    record_failure(generation, record)
    return finish(generation, State.FAILED, error.charged, error=record)


def fail_unsent(generation: Generation, code: str, why: str) -> None:
    """Fail a picture that was not sent: not charged, and returned to the quotas."""
    if fail(generation, ProviderError(why, code=code)):
        release_quota(generation)


def mark_unknown(generation: Generation, error: ProviderError) -> None:
    """
    Mark a picture that may have been accepted but cannot be polled, without a task id
    of the provider.

    It keeps its slot for as long as the provider may be generating it.
    """
    record = {**error_record(error), "code": "submit_unknown", "charged": "unknown"}
    record_failure(generation, record)
    model = runtime().registry.by_lane(generation.lane)
    slow = model.slow if model else DEFAULT_SLOW_S
    slot_time = timedelta(seconds=lanes.slow_duration(generation.lane, slow))
    ended = costs.end(State.UNKNOWN, "unknown")
    generation.release(utcnow() + slot_time, {**ended, "error": record})


def quarantine(generation: Generation, why: str) -> None:
    """
    Fail a record that this release cannot process, so that it does not block its lane.

    It may have been written by a later release, or by hand. An operator finds it among
    the failures.
    """
    at = generation.state
    log.error("picture quarantined id=%s state=%s: %s", generation.id, at, why)
    if at in (State.FAILED.value, State.UNKNOWN.value):
        generation.update_owned({"$unset": RELEASED_FIELDS})
        free_slot(generation)
        return
    is_sent = at not in SENDABLE
    is_generated = at in (State.SAVING.value, State.FETCHING.value)
    charge_if_sent = "yes" if is_generated else "unknown"
    charged = charge_if_sent if is_sent else "no"
    record = {"code": "not_understood", "charged": charged}
    # The id alone is enough to find the task.
    task_id, _, index = str(generation.id).rpartition("_")
    if index.isdecimal():
        micros = costs.cost_of(generation, charged)
        Task.record(task_id, int(index), {"state": "failed", "error": record}, micros)
    owner = {"user_id": generation.user_id, "lane": generation.lane}
    is_ended = finish(generation, State.FAILED, charged, error=record, **owner)
    if is_ended and not is_sent:
        release_quota(generation)
    free_slot(generation)


def retry_unexpected(generation: Generation, error: Exception) -> None:
    """
    Retry a step that raised an unexpected error; quarantine the generation after
    `MAX_UNEXPECTED_RETRIES`.
    """
    log.error("step broke id=%s", generation.id, exc_info=error)
    if generation.faults >= MAX_UNEXPECTED_RETRIES:
        quarantine(generation, type(error).__name__)
        return
    due_at = utcnow() + UNEXPECTED_RETRY_AFTER
    generation.release(due_at, {"faults": generation.faults + 1})


def time_out(generation: Generation) -> None:
    """Fail a task that is past its deadline; late polls may still complete it."""
    served = runtime().registry.serves(generation.provider, generation.of_account)
    record = {
        "code": "timed_out" if served else "account_removed",
        "charged": "unknown",
    }
    log.warning("picture timed out id=%s code=%s", generation.id, record["code"])
    record_failure(generation, record)
    ended = {**costs.end(State.FAILED, "unknown"), "late": True, "error": record}
    schedule_late_poll(generation, generation.late_looks, **ended)


def schedule_late_poll(generation: Generation, polls: int, **changes: object) -> None:
    """
    Schedule the next late poll after *polls* of them; none after the last one, or if
    the provider's task id is unknown.
    """
    changes["late_looks"] = polls
    model = runtime().registry.by_lane(generation.lane)
    delays_s = model.late_polls_s if model else Model.late_polls_s
    if polls >= len(delays_s) or generation.accepted_at is None:
        generation.update_owned({"$set": changes, "$unset": RELEASED_FIELDS})
    else:
        later = timedelta(seconds=delays_s[polls])
        due_at = max(generation.accepted_at + later, utcnow())
        generation.release(due_at, changes, "slot")


def find_open_task(generation: Generation) -> Task | None:
    """The open task of a generation; None if it has ended or is unreadable here."""
    task = Task.find_one({"_id": generation.task_id, "open": True})
    if task is None:
        drop(generation)
    elif task.is_known:
        return task
    else:
        defer_to_newer_release(generation)
    return None


def defer_to_newer_release(generation: Generation) -> None:
    """
    Delay an unsent picture whose task only a later release can read, and leave it to
    that one.
    """
    log.warning("task has an unknown status id=%s: waits", generation.id)
    is_waiting = generation.state in WAITING
    state = generation.state if is_waiting else State.DELAYED.value
    delayed = {"state": state, "waiting": True}
    unset = ("slot", "submit_token", "account")
    due_at = utcnow() + UNKNOWN_TASK_RETRY_AFTER
    updated = generation.release(due_at, delayed, *unset)
    if updated is not None and not is_waiting:
        lanes.release_tickets(updated.lane, updated.user_id, -1)


def drop(generation: Generation) -> None:
    """End an unsent picture whose task was cancelled or deleted."""
    log.info("picture dropped id=%s", generation.id)
    if finish(generation, State.DROPPED, "no"):
        release_quota(generation)


def drop_all(where: dict, token: str | None = None) -> Counter[TicketHolder]:
    """
    `drop` those of these generations that wait, in one update, and release their
    tickets.

    The tickets of those that remain keep their gaps: call `lanes.renumber`.

    Args:
        token: Makes this repeatable: with the same token it releases them once.

    Returns:
        How many were dropped, by ticket holder.
    """
    generations = Generation.collection()
    owner = token or new_token()  # marks the rows of this update
    dropped = {**costs.end(State.DROPPED, "no"), "owner": owner}
    changed = generations.update_many(
        {**where, "state": {"$in": WAITING}},
        {"$set": dropped, "$unset": {"due_at": "", "waiting": ""}},
    )
    if not changed.modified_count and token is None:
        return Counter()
    day = {"$ifNull": ["$budget_day", ""]}  # absent in records of earlier releases
    holder = {"lane": "$lane", "user_id": "$user_id", "day": day}
    holder["owner_id"] = "$owner_id"
    groups: list[dict] = [
        {"$match": {**where, "owner": owner}},
        {"$group": {"_id": {**holder, "key": "$key_id"}, "n": {"$sum": 1}}},
    ]
    released: Counter[TicketHolder] = Counter()
    by_key: Counter[tuple[str, str]] = Counter()
    for row in generations.aggregate(groups, batchSize=CURSOR_BATCH):
        key_id = row["_id"].pop("key", None)
        released[TicketHolder(**row["_id"])] += row["n"]
        if key_id:
            by_key[key_id, row["_id"]["day"]] += row["n"]
    lanes.release_all_tickets(released, token)
    if changed.modified_count:  # once, even if repeated with a token
        for (key_id, of_day), n in by_key.items():
            ApiKey.release_quota(key_id, of_day, n)
    return released


def cancel(generation: Generation) -> None:
    """Cancel one unsent picture of a task, at its owner's request."""
    record_failure(generation, CANCELLED)
    drop(generation)


def release_quota(generation: Generation) -> None:
    """Return a picture that was not accepted to the quotas of its user and key."""
    day = generation.budget_day or costs.billing_day(generation.created_at)
    QuotaUsage.release_quota(generation.user_id, day, 1)
    if generation.key_id:
        ApiKey.release_quota(generation.key_id, day, 1)


def enqueue(generation: Generation, **changes: object) -> None:
    """Reserve a ticket for a delayed or prepared picture, and put it in the queue."""
    # It has counted as waiting since it was submitted, so the count stays the same.
    lanes.release_tickets(generation.lane, generation.user_id, 1)
    ticket, _ = lanes.reserve_tickets(
        generation.lane, generation.user_id, 1, owner_id=generation.owner_id
    )
    tickets = {"turn": ticket}
    if generation.owner_id:
        of_owner = lanes.reserve_owner_tickets(
            *(generation.lane, generation.owner_id, 1),
            day=generation.budget_day or costs.billing_day(utcnow()),
        )
        tickets = {"turn": of_owner, "user_turn": ticket}
    queued = {"state": State.QUEUED.value, **tickets, **changes}
    unset = {"due_at": "", "owner": ""}
    generation.update_owned({"$set": queued, "$unset": unset})
    free_slot(generation)


def requeue(generation: Generation, **changes: object) -> None:
    """
    Put a picture that was not accepted back into the queue under its ticket. The
    progress that it has shown, during a long call too, does not go back.
    """
    updated = generation.update_owned(
        {
            "$set": {
                "state": State.QUEUED.value,
                "waiting": True,
                "charged": "no",
                "floor": generation.progress,
                **changes,
            },
            "$unset": {**RELEASED_FIELDS, "submit_token": "", "account": ""},
        }
    )
    if updated is not None:
        lanes.release_tickets(updated.lane, updated.user_id, -1)


def complete(generation: Generation) -> None:
    """Complete a stored picture, or delete it if its task was cancelled or deleted."""
    done, micros = {"state": "done"}, costs.cost_of(generation, "yes")
    task = Task.record(generation.task_id, generation.index, done, micros)
    if task is None:
        task = Task.find_one({"_id": generation.task_id, **THERE})
        if task is None or generation.index not in task.done:
            delete_image(generation.id)
            log.info("unwanted picture deleted id=%s", generation.id)
    else:
        metric_counters.count_completed(generation)
    if task is not None and not task.is_open:
        if task.batch is not None:
            Batch.count_anew(task.batch)  # the batch may have ended before this
        log.info("task %s pictures=%d", task.status, len(task.done))
    generation.update_owned(
        {
            "$set": costs.end(State.DONE, "yes"),
            "$unset": {
                **RELEASED_FIELDS,
                **{"urls": "", "last_frame_url": "", "error": ""},
            },
        },
        durable=False,  # picture and task are durable; this would be repeated
    )


def delete_image(image_id: str, where: dict | None = None) -> bool:
    """
    Delete a picture: first its record, so that its links end, then the bytes.

    Args:
        where: Delete it only if its record matches this query.

    Returns:
        Whether it existed.
    """
    row = Image.collection().find_one_and_delete({**(where or {}), "_id": image_id})
    if row is not None:
        # Without the picture a share shows nothing, so this write need not be durable.
        Share.collection(durable=False).delete_one({"_id": image_id})
        store = runtime().store
        for file_id in files_of(row):
            store.delete(file_id)
    return row is not None
