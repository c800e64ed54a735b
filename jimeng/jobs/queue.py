"""
The two jobs, and the steps of a generation that `advance` runs: one at a time, by its
state, under one claim.

Consumers of two releases may share one Redis, and the module path of these functions is
part of their jobs' names: do not move or rename them.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from jimeng.config import logs
from jimeng.documents import Generation, State
from jimeng.documents.generation import DUE_HERE
from jimeng.jobs import endings, picture, videos
from jimeng.jobs.input_preparation import prepare
from jimeng.process.broker import huey

log = logging.getLogger(__name__)

POLL_LEASE = timedelta(seconds=20)  # longer than a poll's timeouts


@huey.task()
def dispatch(lane: str) -> None:
    """Send the next picture of the lane, if a slot is free."""
    picture.send_next(lane)


@huey.task()
def advance(generation_id: str, token: str) -> None:
    """
    Claim a generation that the pump reserved under *token*, and run the step that is
    due.

    Do nothing if another worker has claimed it meanwhile.
    """
    mine = {"_id": generation_id, "owner": token, "due_at": {"$exists": True}}
    claimed = Generation.claim({**mine, **DUE_HERE}, POLL_LEASE, durable=False)
    if claimed is None:
        return
    with logs.bound(task=claimed.task_id, user=claimed.user_id):
        if not claimed.is_readable:
            endings.quarantine(claimed, f"unread {sorted(claimed.unread)}")
            return
        try:
            STEPS[claimed.state](claimed)
        except endings.UNEXPECTED_ERRORS as error:
            endings.retry_unexpected(claimed, error)


def enqueue_delayed(generation: Generation) -> None:
    """Queue a delayed picture whose delay is over."""
    if endings.find_open_task(generation) is not None:
        endings.enqueue(generation)


def requeue_unsent(generation: Generation) -> None:
    """Requeue a picture whose worker died before anything was sent."""
    log.info("claim lost id=%s: waits again", generation.id)
    endings.requeue(generation)
    endings.free_slot(generation)


def give_up_submission(generation: Generation) -> None:
    """The submitter died or stalled, perhaps after the provider had accepted it."""
    log.warning("submission interrupted id=%s", generation.id)
    error = picture.no_answer("interrupted while submitting")
    picture.seek_or_mark_unknown(generation, error)


def free_unknown(generation: Generation) -> None:
    """Release the slot of an unknown picture: the provider must be done with it."""
    generation.update_owned({"$unset": endings.RELEASED_FIELDS})
    endings.free_slot(generation)


def poll_or_cancel(generation: Generation) -> None:
    if generation.unwanted:
        videos.cancel_at_provider(generation)
    else:
        picture.poll(generation)


def resave(generation: Generation) -> None:
    """Resume saving that was interrupted, or whose next attempt is due."""
    claimed = generation.extend_lease(picture.SAVING_LEASE)
    if claimed is not None:
        picture.resume_saving(claimed)


STEPS: dict[str, Callable[[Generation], None]] = {
    State.PREPARING: prepare,
    State.DELAYED: enqueue_delayed,
    State.STARTING: requeue_unsent,
    State.SUBMITTING: give_up_submission,
    State.SEEKING: videos.seek,
    State.GENERATING: poll_or_cancel,
    State.SAVING: resave,
    State.FAILED: picture.poll,
    State.UNKNOWN: free_unknown,
}
