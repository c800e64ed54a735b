"""Steps: what is due for a generation, by its state, under one claim."""

import logging
from collections.abc import Callable
from datetime import timedelta

from jimeng import lanes
from jimeng.config import logs
from jimeng.documents import Generation, State, utcnow
from jimeng.documents.generation import DUE_HERE
from jimeng.errors import ProviderError
from jimeng.jobs import endings, tallies
from jimeng.jobs.endings import Freed, freed_by
from jimeng.jobs.input_preparation import prepare
from jimeng.jobs.poll_schedule import age, measure, next_poll_after
from jimeng.jobs.runtime import runtime
from jimeng.jobs.saving import SAVING_LEASE, ask, save_again, take
from jimeng.jobs.submission import draw_anew, may_draw_anew

log = logging.getLogger(__name__)

POLL_LEASE = timedelta(seconds=20)  # longer than a poll's own limits
# What Python raises where a value is not what the code took it for.
UNEXPECTED_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
MAX_UNEXPECTED_RETRIES = 3


def take_step(generation_id: str, token: str) -> Freed | None:
    """
    Claim a generation that the pump reserved under *token*, and do what is due.

    Nothing happens if somebody else has claimed it meanwhile.
    """
    mine = {"_id": generation_id, "owner": token, "due_at": {"$exists": True}}
    held = Generation.claim({**mine, **DUE_HERE}, POLL_LEASE, durable=False)
    if held is None:
        return None
    with logs.bound(task=held.task_id, user=held.user_id):
        if not held.is_readable:
            return endings.quarantine(held, f"unread {sorted(held.unread)}")
        try:
            if held.ended_at:
                tallies.announce_change(held)
            return STEPS[held.state](held)
        except UNEXPECTED_ERRORS as error:
            return retry_unexpected(held, error)


def retry_unexpected(generation: Generation, error: Exception) -> Freed | None:
    """Try a step again that broke on what nobody thought of; then hold up nothing."""
    log.error("step broke id=%s", generation.id, exc_info=error)
    if generation.faults >= MAX_UNEXPECTED_RETRIES:
        return endings.quarantine(generation, type(error).__name__)
    generation.release(utcnow() + POLL_LEASE, {"faults": generation.faults + 1})
    return None


def queue(generation: Generation) -> Freed | None:
    """A delayed picture's time has come: it takes its turn."""
    task = endings.open_task(generation)
    return None if task is None else endings.requeue(generation)


def start_over(generation: Generation) -> Freed:
    """Its claim died before anything was sent: it waits again."""
    log.info("claim lost id=%s: waits again", generation.id)
    endings.wait_again(generation)
    return freed_by(generation)


def give_up_submission(generation: Generation) -> None:
    """Its submitter died or stalled, perhaps after the provider had accepted it."""
    log.warning("submission interrupted id=%s", generation.id)
    lost = ProviderError(
        "interrupted while submitting", code="submit_unknown", charged="unknown"
    )
    endings.unknown(generation, lost)


def free_unknown(generation: Generation) -> Freed:
    """By now the provider has drawn it, if ever it was accepted."""
    generation.update_owned({"$unset": endings.FREED})
    return freed_by(generation)


def poll(generation: Generation) -> Freed | None:
    """Ask the provider once; keep the picture, or plan the next look."""
    asked_at = utcnow()
    try:
        progress = ask(generation)
    except ProviderError as error:
        return poll_failed(generation, error)
    if not progress.done:
        return not_yet(generation)
    measure(generation, asked_at)
    return take(generation, progress)


def poll_failed(generation: Generation, error: ProviderError) -> Freed | None:
    if error.transient:
        log.warning("poll failed id=%s code=%s: %s", generation.id, error.code, error)
        if error.code == "rate_limited":
            lanes.back_off_polling(generation.lane)
        return not_yet(generation, fault=True)
    if may_draw_anew(generation, error):
        return draw_anew(generation)
    endings.fail(generation, error)
    return freed_by(generation)


def not_yet(generation: Generation, *, fault: bool = False) -> Freed | None:
    """Plan the next look, or give up at the deadline."""
    if generation.state == State.FAILED.value:
        endings.schedule_late_poll(generation, generation.late_looks + 1)
        return None
    if age(generation) > runtime().config.TASK_DEADLINE:
        endings.time_out(generation)
        return freed_by(generation)
    faults = generation.faults + 1 if fault else 0
    now = utcnow()
    due_at = now + timedelta(seconds=next_poll_after(generation, faults))
    planned = {"planned_at": due_at, "faults": faults}
    seen = {"looked_at": now, "polls": generation.polls + 1}
    generation.release(due_at, {**planned, **seen}, durable=False)
    return None


def resave(generation: Generation) -> None:
    """Its saving was cut off, or its next try is due."""
    held = generation.extend_lease(SAVING_LEASE)
    if held is not None:
        save_again(held)


STEPS: dict[str, Callable[[Generation], Freed | None]] = {
    State.PREPARING: prepare,
    State.DELAYED: queue,
    State.STARTING: start_over,
    State.SUBMITTING: give_up_submission,
    State.GENERATING: poll,
    State.SAVING: resave,
    State.FAILED: poll,
    State.UNKNOWN: free_unknown,
}
