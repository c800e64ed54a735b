"""
Ends: what is written when a generation is over, or starts over.

The task comes first, then the generation, which keeps its ``due_at`` until then:
a process that dies between the two has both written again, and harmlessly.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from jimeng import lanes
from jimeng.documents import (
    ApiKey,
    Batch,
    Generation,
    Image,
    QuotaUsage,
    Share,
    State,
    Task,
    utcnow,
)
from jimeng.documents.generation import SENDABLE, WAITING
from jimeng.documents.image import files_of
from jimeng.documents.task import THERE
from jimeng.errors import ProviderError
from jimeng.jobs import metric_counters
from jimeng.jobs.runtime import runtime

log = logging.getLogger(__name__)

LATE_POLLS = (timedelta(hours=1), timedelta(hours=11))  # the provider keeps 12 h
DEFAULT_SLOW_S = 60.0  # seconds, for a model that is no longer offered
UNKNOWN_TASK_RETRY_AFTER = timedelta(
    seconds=30
)  # between two looks at what we do not know
CANCELLED = {"code": "picture_cancelled", "charged": "no"}
RELEASED_FIELDS = {"slot": "", "owner": "", "due_at": ""}


@dataclass(frozen=True)
class SlotRelease:
    """
    A lane may send another picture.

    Attributes:
        slot: That has become free, if one has.
        then: What is left to do, once that has been said.
    """

    lane: str
    slot: lanes.Slot | None
    then: Callable[[], None] = lambda: None


def slot_release_of(
    generation: Generation, then: Callable[[], None] = lambda: None
) -> SlotRelease:
    """
    Args:
        generation: As it was while it held its slot.
    """
    return SlotRelease(generation.lane, generation.slot, then)


def error_record(error: ProviderError) -> dict:
    """What the task record keeps of a failure. The words follow from the code."""
    kept = {
        "code": error.code,
        "charged": error.charged,
        "provider_code": error.provider_code,
        "provider_request_id": error.request_id,
    }
    return {name: value for name, value in kept.items() if value is not None}


def record_failure(generation: Generation, error: dict) -> None:
    failed = {"state": "failed", "error": error}
    task = Task.record(generation.task_id, generation.index, failed)
    if task is not None and not task.is_open:
        log.info("task %s code=%s", task.status, error["code"])


def finish(generation: Generation, state: State, **changes: object) -> bool:
    """
    Write the end; nothing is left to be done, and the slot is free.

    Returns:
        Whether it was written: not if the claim has been lost.
    """
    # The words stay with the task only: it may have been deleted already, before
    # this was written.
    found = generation.update_owned(
        {
            "$set": {"state": state.value, "ended_at": utcnow(), **changes},
            "$unset": {**RELEASED_FIELDS, "waiting": "", "prompt": ""},
        }
    )
    return found is not None


def fail(generation: Generation, error: ProviderError) -> bool:
    """
    The picture will not come, and the provider has said why.

    Returns:
        As `finish`.
    """
    kept = error_record(error)
    log.warning("picture failed id=%s code=%s: %s", generation.id, error.code, error)
    record_failure(generation, kept)
    return finish(generation, State.FAILED, error=kept, charged=error.charged)


def fail_unsent(generation: Generation, code: str, why: str) -> None:
    """Nothing was sent, so nothing is charged, and it counts for no day."""
    if fail(generation, ProviderError(why, code=code)):
        release_quota(generation)


def mark_unknown(generation: Generation, error: ProviderError) -> None:
    """
    It may have been accepted, and nobody can ask: there is no name to ask by.

    The slot stays taken for as long as such a picture may be drawn.
    """
    kept = {**error_record(error), "code": "submit_unknown", "charged": "unknown"}
    record_failure(generation, kept)
    model = runtime().registry.by_lane(generation.lane)
    slow = model.slow if model else DEFAULT_SLOW_S
    hold = timedelta(seconds=lanes.slow_duration(generation.lane, slow))
    ended = {"state": State.UNKNOWN.value, "ended_at": utcnow()}
    failed = {"error": kept, "charged": "unknown"}
    generation.release(utcnow() + hold, {**ended, **failed})


def quarantine(generation: Generation, why: str) -> SlotRelease:
    """
    End what this release cannot act on, so that it holds up nothing.

    It may have been written by a later one, or by hand. An operator finds it among
    the failures.
    """
    at = generation.state
    log.error("picture set aside id=%s state=%s: %s", generation.id, at, why)
    if at in (State.FAILED.value, State.UNKNOWN.value):
        generation.update_owned({"$unset": RELEASED_FIELDS})
        return slot_release_of(generation)
    is_sent = at not in SENDABLE
    drawn = "yes" if at == State.SAVING.value else "unknown"
    kept = {"code": "not_understood", "charged": drawn if is_sent else "no"}
    # All that it takes to find the task is in the id.
    task_id, _, index = str(generation.id).rpartition("_")
    if index.isdecimal():
        Task.record(task_id, int(index), {"state": "failed", "error": kept})
    owner = {"user_id": generation.user_id, "lane": generation.lane}
    charged = kept["charged"]
    is_ended = finish(generation, State.FAILED, error=kept, charged=charged, **owner)
    if is_ended and not is_sent:
        release_quota(generation)
    return slot_release_of(generation)


def time_out(generation: Generation) -> None:
    """Past the deadline: the task fails, and two late looks may still save it."""
    served = runtime().registry.serves(generation.provider, generation.of_account)
    kept = {"code": "timed_out" if served else "account_removed", "charged": "unknown"}
    log.warning("picture timed out id=%s code=%s", generation.id, kept["code"])
    record_failure(generation, kept)
    ended = {"state": State.FAILED.value, "late": True, "ended_at": utcnow()}
    failed = {"error": kept, "charged": "unknown"}
    schedule_late_poll(generation, generation.late_looks, **ended, **failed)


def schedule_late_poll(generation: Generation, looks: int, **changes: object) -> None:
    """
    Have it looked at again, after so many late *looks*; after the last one, or without
    a name to ask by, not.
    """
    changes["late_looks"] = looks
    if looks >= len(LATE_POLLS) or generation.accepted_at is None:
        generation.update_owned({"$set": changes, "$unset": RELEASED_FIELDS})
    else:
        due_at = max(generation.accepted_at + LATE_POLLS[looks], utcnow())
        generation.release(due_at, changes, "slot")


def find_open_task(generation: Generation) -> Task | None:
    """Its task; None if that has ended or only another release knows how it goes on."""
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
    Nothing was sent, and only a later release knows what its task is about: it is
    left to that one, and looked at again in a while.
    """
    log.warning("task has an unknown status id=%s: waits", generation.id)
    is_waiting = generation.state in WAITING
    state = generation.state if is_waiting else State.DELAYED.value
    waits, gone = {"state": state, "waiting": True}, ("slot", "submit_token", "account")
    found = generation.release(utcnow() + UNKNOWN_TASK_RETRY_AFTER, waits, *gone)
    if found is not None and not is_waiting:
        lanes.release_tickets(found.lane, found.user_id, -1)


def drop(generation: Generation) -> None:
    """Nobody wants it any more, and nothing was sent."""
    log.info("picture dropped id=%s", generation.id)
    if finish(generation, State.DROPPED):
        release_quota(generation)


def cancel(generation: Generation) -> None:
    """Its owner does not want this picture of the task, and nothing was sent."""
    record_failure(generation, CANCELLED)
    drop(generation)


def release_quota(generation: Generation) -> None:
    """No provider has taken it: it counts for no day, its user's or its key's."""
    day = generation.created_at.date()
    QuotaUsage.give_back(generation.user_id, day, 1)
    if generation.key_id:
        ApiKey.give_back(generation.key_id, day, 1)


def enqueue(generation: Generation, **changes: object) -> SlotRelease:
    """It takes its turn, and waits in line from now on."""
    # It has counted as waiting since it was asked for, so it is not counted anew.
    lanes.release_tickets(generation.lane, generation.user_id, 1)
    turn, _ = lanes.reserve_tickets(generation.lane, generation.user_id, 1)
    queued = {"state": State.QUEUED.value, "turn": turn, **changes}
    gone = {"due_at": "", "owner": ""}
    generation.update_owned({"$set": queued, "$unset": gone})
    return slot_release_of(generation)


def requeue(generation: Generation, **changes: object) -> None:
    """
    Back into the line, in the same place; nothing was accepted. The progress it
    has shown stays, a long call's too.
    """
    found = generation.update_owned(
        {
            "$set": {
                "state": State.QUEUED.value,
                "waiting": True,
                "floor": generation.progress,
                **changes,
            },
            "$unset": {**RELEASED_FIELDS, "submit_token": "", "account": ""},
        }
    )
    if found is not None:
        lanes.release_tickets(found.lane, found.user_id, -1)


def complete(generation: Generation) -> None:
    """The picture is kept: say so, or forget it if nobody wants it any more."""
    task = Task.record(generation.task_id, generation.index, {"state": "done"})
    if task is None:
        task = Task.find_one({"_id": generation.task_id, **THERE})
        if task is None or generation.index not in task.done:
            delete_image(generation.id)
            log.info("picture not wanted any more id=%s", generation.id)
    else:
        metric_counters.count_completed(generation)
    if task is not None and not task.is_open:
        Batch.count_anew(task.batch)  # which may have ended without it
        log.info("task %s pictures=%d", task.status, len(task.done))
    generation.update_owned(
        {
            "$set": {"state": State.DONE.value, "ended_at": utcnow(), "charged": "yes"},
            "$unset": {**RELEASED_FIELDS, "urls": "", "error": ""},
        },
        durable=False,  # the picture and its task are; this would be done again
    )


def delete_image(image_id: str, where: dict | None = None) -> bool:
    """
    Remove a picture: the links end first, the bytes follow.

    Args:
        where: Only if this is true of its record.

    Returns:
        Whether it was there.
    """
    found = Image.collection().find_one_and_delete({**(where or {}), "_id": image_id})
    if found is not None:
        # Its page shows nothing any more, whether the record is there or not.
        Share.collection(durable=False).delete_one({"_id": image_id})
        store = runtime().store
        for file_id in files_of(found):
            store.delete(file_id)
    return found is not None
