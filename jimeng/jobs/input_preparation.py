"""
Prepare the inputs of a generation: fetch, normalise, and resize them for the model.

One step prepares one input, and then the generation comes due again. Meanwhile the
picture counts as waiting, but has neither a ticket nor a slot.
"""

import logging
import random
import threading
from datetime import timedelta

from jimeng import lanes
from jimeng.documents import Generation, Input, InputState, State, Task, utcnow
from jimeng.documents.kinds import KNOWN_KIND
from jimeng.errors import Invalid, PictureInvalid, StorageUnavailable
from jimeng.jobs import endings
from jimeng.jobs import inputs as job_inputs
from jimeng.process.runtime import runtime, try_acquire
from jimeng.providers import Model
from jimeng.providers.download import FetchFailed, LinkGone

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=90)  # a download, and waiting for the shared decoder
MAX_FETCHES, RETRY_AFTER = 3, timedelta(seconds=15)  # 90 s with the downloads
# How long a picture waits for a permit, or for a picture with the same input, until it
# tries again by itself; a finished preparation wakes the next one.
PREPARATION_TIMEOUT_S = 10.0
INVALID, UNREACHABLE = "input_invalid", "input_unreachable"
MAX_PREPARATIONS = 1  # of the eight workers of a consumer

_permits = threading.BoundedSemaphore(MAX_PREPARATIONS)


def prepare(generation: Generation) -> None:
    """Prepare one of the inputs; when all are ready, put the picture in the queue."""
    task = endings.find_open_task(generation)
    if task is None:
        return
    model = runtime().registry.by_lane(generation.lane)
    if model is None:
        wait_for_model(generation)
        return
    inputs = job_inputs.inputs_of(generation)
    if inputs is None:
        fail_unprepared(generation, INVALID)
        return
    gone = next((each for each in inputs if each.state == InputState.GONE.value), None)
    if gone is not None:
        fail_unprepared(generation, gone.error or INVALID)
        return
    order = range(len(inputs))
    todo = next(
        (n for n in order if not job_inputs.is_prepared(n, inputs, generation)), None
    )
    if todo is not None:
        prepare_input(generation, todo, inputs)
        return
    enqueue_prepared(generation, task, inputs, model)


def wait_for_model(generation: Generation) -> None:
    """Wait, until the deadline, for a model that is not offered here (any more)."""
    age = (utcnow() - generation.created_at).total_seconds()
    if age > runtime().config.TASK_DEADLINE:
        fail_unprepared(generation, "provider_not_configured")
    else:
        wait(generation)


def fail_unprepared(generation: Generation, code: str) -> None:
    """Fail a picture whose inputs cannot be prepared; nothing is charged."""
    lanes.release_tickets(generation.lane, generation.user_id, 1)
    endings.fail_unsent(generation, code, "inputs not available")


def wait(generation: Generation, seconds: float = PREPARATION_TIMEOUT_S) -> None:
    """Come due again in a while; `wake_others` may bring that forward."""
    pause = seconds * random.uniform(0.8, 1.2)  # noqa: S311 - no secret
    generation.release(utcnow() + timedelta(seconds=pause), durable=False)


def prepare_input(generation: Generation, todo: int, inputs: list[Input]) -> None:
    """Normalise or resize one input, if a permit and the input's lease are free."""
    with try_acquire(_permits) as is_free:
        claimed = generation.extend_lease(LEASE) if is_free else None
        if claimed is None:
            wait(generation)
            return
        mine = Input.claim(inputs[todo].id, generation.user_id, utcnow() + LEASE)
        if mine is None:
            wait(generation)
            return
        try:
            pause = (
                resize_for_model(mine, todo, inputs, claimed)
                if mine.is_ready
                else fetch_and_normalise(mine)
            )
        except StorageUnavailable as error:
            log.warning("input waits for the store id=%s: %s", mine.id, error)
            pause = schedule_retry(mine, mine.tries)  # which is no fault of its own
    if pause is None:
        fail_unprepared(claimed, INVALID)
    else:
        wait(claimed, pause)
    wake_others(claimed)


def fetch_and_normalise(mine: Input) -> float:
    """Fetch and normalise an input; return the seconds until the next step."""
    try:
        job_inputs.normalise_input(mine)
    except (FetchFailed, LinkGone) as error:
        return retry_fetch(mine, error)
    except PictureInvalid as error:
        log.warning("input refused id=%s: %s", mine.id, error)
        fail_preparation(mine, INVALID)
    return 0.0


def resize_for_model(
    mine: Input, todo: int, inputs: list[Input], generation: Generation
) -> float | None:
    """
    Resize an input for the model; return the seconds until the next step, None if it
    cannot be resized for this one.
    """
    try:
        job_inputs.resize_input(mine, todo, inputs, generation)
    except PictureInvalid as error:
        log.warning("input does not fit id=%s: %s", mine.id, error)
        mine.finish_preparation({"tries": mine.tries})  # it is not its fault
        return None
    return 0.0


def retry_fetch(mine: Input, error: Exception) -> float:
    """Schedule another fetch; fail after `MAX_FETCHES`."""
    log.warning("input not fetched id=%s tries=%d: %s", mine.id, mine.tries + 1, error)
    if mine.tries + 1 >= MAX_FETCHES:
        fail_preparation(mine, UNREACHABLE)
        return 0.0
    return schedule_retry(mine, mine.tries + 1)


def schedule_retry(mine: Input, tries: int) -> float:
    """Release the input with a delay; return its seconds."""
    mine.finish_preparation({"tries": tries, "not_before": utcnow() + RETRY_AFTER})
    return RETRY_AFTER.total_seconds()


def fail_preparation(mine: Input, code: str) -> None:
    """Mark the input as failed, for all tasks that use it."""
    mine.finish_preparation({"state": InputState.GONE.value, "error": code})


def wake_others(generation: Generation) -> None:
    """
    Let the other pictures of the task come due at once, and the one that has waited
    longest: preferably another user's.
    """
    generations = Generation.collection(durable=False)
    waiting: dict = {"state": State.PREPARING.value, "owner": {"$exists": False}}
    waiting |= KNOWN_KIND
    now = {"$set": {"due_at": utcnow()}}
    generations.update_many({"task_id": generation.task_id, **waiting}, now)
    later = {**waiting, "due_at": {"$gt": utcnow()}}
    for whose in ({"$ne": generation.user_id}, generation.user_id):
        where = {**later, "user_id": whose}
        row = generations.find_one(where, {"_id": 1}, sort=[("due_at", 1)])
        if row is not None:
            generations.update_one({"_id": row["_id"], **waiting}, now)
            return


def store_output_size(task: Task, size: tuple[int, int]) -> dict:
    """Store the output size, now that it is known, and return its fields."""
    sides = dict(zip(("width", "height"), size, strict=True))
    where = {"_id": task.id, "open": True}
    Task.collection().update_one(where, {"$set": sides, "$unset": {"unsized": ""}})
    return sides


def enqueue_prepared(
    generation: Generation, task: Task, inputs: list[Input], model: Model
) -> None:
    """Put a picture whose inputs are ready in the queue, or delay it until its time."""
    try:
        size = job_inputs.output_size_of(task, inputs, model)
    except Invalid as error:
        log.warning("input does not go with its model id=%s: %s", generation.id, error)
        fail_unprepared(generation, INVALID)
        return
    changes = store_output_size(task, size) if size else {}
    if task.not_before is not None and task.not_before > utcnow():
        delayed = {"state": State.DELAYED.value, **changes}
        generation.release(task.not_before, delayed)
        return
    endings.enqueue(generation, **changes)
