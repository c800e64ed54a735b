"""
The two jobs, how they are queued, and the steps of a generation that `advance` runs:
one at a time, by its state, under one claim.

Consumers of two releases may share one Redis, and the module path of these functions is
part of their jobs' names: do not move or rename them.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from redis.exceptions import RedisError

from jimeng import lanes
from jimeng.config import logs
from jimeng.documents import Generation, State, utcnow
from jimeng.documents.generation import CANNOT_STOP, DUE_HERE
from jimeng.errors import ProviderError
from jimeng.jobs import endings
from jimeng.jobs.endings import SlotRelease, slot_release_of
from jimeng.jobs.input_preparation import prepare
from jimeng.jobs.poll_schedule import age, next_poll_after, record_poll_duration
from jimeng.jobs.saving import (
    SAVING_LEASE,
    poll_provider,
    provider_of,
    request_of,
    resume_saving,
    start_saving,
)
from jimeng.jobs.submission import (
    may_retry_with_new_seed,
    no_answer,
    retry_with_new_seed,
    seek,
    seek_or_mark_unknown,
    send_next,
)
from jimeng.process.broker import huey
from jimeng.process.runtime import runtime

log = logging.getLogger(__name__)

POLL_LEASE = timedelta(seconds=20)  # longer than a poll's timeouts
POLL_AFTER_CANCEL = timedelta(seconds=3)


@huey.task()
def dispatch(lane: str) -> None:
    """Send the next picture of the lane, if a slot is free."""
    continue_after(send_next(lane))


@huey.task()
def advance(generation_id: str, token: str) -> None:
    """Run the step that is due for a generation reserved under *token*."""
    continue_after(run_step(generation_id, token))


def continue_after(freed: SlotRelease | None) -> None:
    """Queue a dispatch for a lane with a released slot, then finish the job."""
    if freed is not None:
        lanes.release_slot(freed.lane, freed.slot)
        enqueue_dispatch(freed.lane)
        freed.then()


def enqueue_dispatch(lane: str, n: int = 1) -> None:
    """Queue *n* dispatches of a lane; if Redis is down, the pump does it later."""
    dispatches = [huey.serialize_task(dispatch.s(lane)) for _ in range(n)]
    try:
        huey.storage.conn.lpush(huey.storage.queue_key, *dispatches)
    except RedisError as error:
        log.warning("dispatch not queued lane=%s", lane, exc_info=error)


def run_step(generation_id: str, token: str) -> SlotRelease | None:
    """
    Claim a generation that the pump reserved under *token*, and run its step.

    Do nothing if another worker has claimed it meanwhile.
    """
    mine = {"_id": generation_id, "owner": token, "due_at": {"$exists": True}}
    claimed = Generation.claim({**mine, **DUE_HERE}, POLL_LEASE, durable=False)
    if claimed is None:
        return None
    with logs.bound(task=claimed.task_id, user=claimed.user_id):
        if not claimed.is_readable:
            return endings.quarantine(claimed, f"unread {sorted(claimed.unread)}")
        try:
            return STEPS[claimed.state](claimed)
        except endings.UNEXPECTED_ERRORS as error:
            return endings.retry_unexpected(claimed, error)


def enqueue_delayed(generation: Generation) -> SlotRelease | None:
    """Queue a delayed picture whose delay is over."""
    task = endings.find_open_task(generation)
    return None if task is None else endings.enqueue(generation)


def requeue_unsent(generation: Generation) -> SlotRelease:
    """Requeue a picture whose worker died before anything was sent."""
    log.info("claim lost id=%s: waits again", generation.id)
    endings.requeue(generation)
    return slot_release_of(generation)


def give_up_submission(generation: Generation) -> None:
    """The submitter died or stalled, perhaps after the provider had accepted it."""
    log.warning("submission interrupted id=%s", generation.id)
    seek_or_mark_unknown(generation, no_answer("interrupted while submitting"))


def free_unknown(generation: Generation) -> SlotRelease:
    """Release the slot of an unknown picture: the provider must be done with it."""
    generation.update_owned({"$unset": endings.RELEASED_FIELDS})
    return slot_release_of(generation)


def poll(generation: Generation) -> SlotRelease | None:
    """Poll the provider once; save the output, or schedule the next poll."""
    if generation.unwanted and generation.state == State.GENERATING.value:
        return cancel_at_provider(generation)
    asked_at = utcnow()
    try:
        progress = poll_provider(generation)
    except ProviderError as error:
        return poll_failed(generation, error)
    if not progress.done:
        return schedule_poll(generation)
    record_poll_duration(generation, asked_at)
    return start_saving(generation, progress)


def cancel_at_provider(generation: Generation) -> SlotRelease | None:
    """
    Cancel what the provider has accepted, if it has not begun. Otherwise it goes on,
    and its output is stored: it is charged in any case. While that is not known, it is
    tried again instead of a poll.
    """
    try:
        is_cancelled = provider_of(generation).cancel(
            generation.remote_id or "", request_of(generation)
        )
    except ProviderError as error:
        log.warning("not cancelled id=%s code=%s: %s", generation.id, error.code, error)
        if error.transient:
            return schedule_poll(generation, fault=True)
        is_cancelled = False
    if is_cancelled:
        endings.cancel(generation)
        return slot_release_of(generation)
    log.info("cannot be cancelled any more id=%s", generation.id)
    going_on = {"unwanted": False, "trouble": CANNOT_STOP}
    generation.release(utcnow() + POLL_AFTER_CANCEL, going_on)
    return None


def poll_failed(generation: Generation, error: ProviderError) -> SlotRelease | None:
    if error.transient:
        log.warning("poll failed id=%s code=%s: %s", generation.id, error.code, error)
        if error.code == "rate_limited":
            lanes.back_off_polling(generation.lane)
        return schedule_poll(generation, fault=True)
    if may_retry_with_new_seed(generation, error):
        return retry_with_new_seed(generation)
    endings.fail(generation, error)
    return slot_release_of(generation)


def schedule_poll(generation: Generation, *, fault: bool = False) -> SlotRelease | None:
    """Schedule the next poll, or time out at the deadline."""
    if generation.state == State.FAILED.value:
        endings.schedule_late_poll(generation, generation.late_looks + 1)
        return None
    if age(generation) > deadline_s(generation):
        endings.time_out(generation)
        return slot_release_of(generation)
    faults = generation.faults + 1 if fault else 0
    now = utcnow()
    due_at = now + timedelta(seconds=next_poll_after(generation, faults))
    planned = {"planned_at": due_at, "faults": faults}
    seen = {"looked_at": now, "polls": generation.polls + 1}
    generation.release(due_at, {**planned, **seen}, durable=False)
    return None


def deadline_s(generation: Generation) -> float:
    """Seconds from the acceptance to the last regular poll."""
    model = runtime().registry.by_lane(generation.lane)
    return model and model.deadline_s or runtime().config.TASK_DEADLINE


def resave(generation: Generation) -> None:
    """Resume saving that was interrupted, or whose next attempt is due."""
    claimed = generation.extend_lease(SAVING_LEASE)
    if claimed is not None:
        resume_saving(claimed)


STEPS: dict[str, Callable[[Generation], SlotRelease | None]] = {
    State.PREPARING: prepare,
    State.DELAYED: enqueue_delayed,
    State.STARTING: requeue_unsent,
    State.SUBMITTING: give_up_submission,
    State.SEEKING: seek,
    State.GENERATING: poll,
    State.SAVING: resave,
    State.FAILED: poll,
    State.UNKNOWN: free_unknown,
}
