"""Creating: everything that can refuse is asked first, then the task is written."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial

from pymongo.errors import PyMongoError

from jimeng import inputs, jobs, lanes, limits, logs
from jimeng.documents import Batch, Task, indexes, left_over
from jimeng.errors import (
    IdempotencyKeyReused,
    IndexMissing,
    IntakePaused,
    Invalid,
    JimengError,
    QueueUnavailable,
    QuotaExceeded,
    StartsTooLate,
    TooManyPending,
    TooManySubmissions,
)
from jimeng.lanes import switches
from jimeng.limits import Taken
from jimeng.providers import Model
from jimeng.tasks.building import Key, NewTask, build, check, earlier, named_by
from jimeng.viewers import Viewer, noted

log = logging.getLogger(__name__)

AMPLE = 20  # jobs
BEYOND = (TooManySubmissions, QuotaExceeded, TooManyPending)


@dataclass(frozen=True)
class Terms:
    """On which a task is created, as `create` has them."""

    idem_key: str | None = None
    join_key: str | None = None
    within: float | None = None


def create(
    viewer: Viewer,
    new: NewTask,
    *,
    idem_key: str | None = None,
    join_key: str | None = None,
    within: float | None = None,
) -> tuple[Task, bool]:
    """
    Store a task with its generations, and queue it. One for another user stands in
    the audit trail.

    Args:
        idem_key: The same key with the same request, within a day, answers with
            the task that it made before.
        join_key: As `joining` has it.
        within: Seconds in which a picture should be there, or nothing is created.

    Returns:
        The task, and whether it is one that an earlier request had made.

    Raises:
        UserIdNotYours: only an operator asks for others.
        ModelNotAllowed: the key that asks is limited to others.
        Invalid: a field, which the model or the providers here do not take, or a
            picture that is not there for the viewer, or is none.
        UploadsFull: as `inputs.take_in`.
        IntakePaused: the operator takes nothing new for a while.
        TooManySubmissions: as `limits.take`, and so is QuotaExceeded.
        TooManyPending: the user has ``USER_MAX_PENDING`` pictures waiting.
        StartsTooLate: too many wait ahead of it for *within*.
        QueueUnavailable: Redis is away; nothing has been written.
        IdempotencyKeyReused: the key came before with another request.
        IndexMissing: there is a key, and nothing that keeps it to one task.
    """
    viewer.require_owner(new.user_id, "task")
    with noted(viewer, new.user_id, "tasks.create", n=new.n) as outcome:
        terms = Terms(idem_key, join_key, within)
        task, is_replay = create_as(viewer, new, terms)
        outcome["task"] = task.id
    return task, is_replay


def create_as(viewer: Viewer, new: NewTask, terms: Terms) -> tuple[Task, bool]:
    """`create`, where the viewer may act for the user."""
    model = model_for(viewer, new)
    check(new, model)
    named = named_by(viewer, new)
    key = Key.of(new, terms.idem_key, named)
    if key is not None and key.text is not None:
        indexes.require(indexes.IDEMPOTENCY)
    if not named:
        return write(viewer, build(new, model), model, key, terms)
    kept = earlier(key)  # before bytes are looked at, and kept, once more
    if kept is not None:
        return replay(viewer, kept), True
    switches.check_intake()
    made = inputs.take_in(new.user_id, named)
    try:
        row = build(new, model, named, made)
        name = partial(inputs.name, new.user_id, made, named)
        task, replayed = write(viewer, row, model, key, terms, name)
    except JimengError:
        inputs.discard(made, named)
        raise
    if replayed:
        inputs.discard(made, named)
    return task, replayed


def model_for(viewer: Viewer, new: NewTask) -> Model:
    """
    The model that is asked for.

    Raises:
        Invalid: there is none of that name.
        ModelNotAllowed: as in `create`.
    """
    model = jobs.runtime().registry.model(new.model, new.provider)
    viewer.require_model(model.id)
    return model


def write(
    viewer: Viewer,
    row: dict,
    model: Model,
    key: Key | None,
    terms: Terms,
    name: Callable[[], None] = lambda: None,
) -> tuple[Task, bool]:
    """
    Take what the limits allow, write the task, and queue it.

    Args:
        name: Has what goes in be kept, or raises Invalid.

    Returns:
        As `create`.
    """
    if key is not None and key.text is not None:
        row.update(idem_key=key.text, idem_hash=key.hash)
    if terms.join_key is not None:
        row.update(join_key=terms.join_key)
    task = Task.read(row)
    try:
        switches.check_intake()
        is_derived = key is not None and key.task_id is not None
        held = limits.take(viewer, task, is_counted=not is_derived)
        with released_unless_written(task, held):
            first = timely(task, model, held, terms.within)
    except (IntakePaused, StartsTooLate, *BEYOND) as error:
        kept = earlier(key)  # what asks for nothing new is answered all the same
        if kept is None:
            if isinstance(error, BEYOND):
                error.rate_limits = limits.rate_limits(viewer, task.user_id)
            raise
        return replay(viewer, kept), True
    task.first_answer = row["first_answer"] = first
    if held.of_key.pictures:  # which are given back if they are never sent
        task.key_id = row["key_id"] = held.of_key.key_id
    if not task.takes_turn_later:
        task.turn = row["turn"] = held.turn
    with logs.bound(task=task.id, user=task.user_id):
        with released_unless_written(task, held):
            kept = insert(task, row, held, key, name)
        if kept is not task:
            return replay(viewer, kept), True
        # It is taken: from here on nothing changes the answer.
        if task.batch is not None and task.retried_from is not None:
            with left_over("batch"):
                Batch.reopen(task.batch)  # one that has ended goes on
        task.rate_limits = held.rate_limits
        log.info("task created model=%s n=%d", task.model, task.n)
        # With many jobs queued already one of these is soon enough.
        jobs.send_on(task, wakes=held.queued < AMPLE)
    return task, False


@contextmanager
def released_unless_written(task: Task, held: Taken) -> Iterator[None]:
    """Where MongoDB fails, release what was taken once it knows of no such task."""
    try:
        yield
    except PyMongoError:
        limits.release_unless_written(task.id, held.give_back)
        raise


def replay(viewer: Viewer, kept: Task) -> Task:
    """Answer with a task that is there, and write what its own request could not."""
    with left_over("generations"):
        jobs.complete_plan(kept)
    with left_over("rate_limits"), suppress(QueueUnavailable):
        kept.rate_limits = limits.rate_limits(viewer, kept.user_id)
    log.info("request replayed first_task=%s", kept.id)
    return kept


def first_answer(task: Task, model: Model, turn: int) -> dict:
    """Place and time as they are now; a replayed request is told the same."""
    line = lanes.queue(task.lane)
    position, pictures = line.ahead(turn, task.generation_ids[0])
    if task.inputs:
        position, pictures = line.end  # until what goes in is ready
    return {"position": position, "eta_seconds": eta(model, pictures, task.delay)}


def timely(task: Task, model: Model, held: Taken, within: float | None) -> dict:
    """
    The `first_answer`, where that is soon enough.

    Raises:
        StartsTooLate: there could be no picture *within* so many seconds; what was
            taken is given back.
    """
    first = first_answer(task, model, held.turn)
    wait = first["eta_seconds"]
    usual = lanes.expected_duration(model.lane, model.typical)
    if within is not None and wait is not None and wait > max(within - usual, 0):
        held.give_back()
        raise StartsTooLate(
            f"starts in {wait} s",
            retry_after=max(round(wait - within + usual), 1),
            seconds=wait,
        )
    return first


def eta(model: Model, pictures_ahead: int, delay: float | None = None) -> int | None:
    """
    Seconds until it starts: those ahead, by the slots, each its usual time. None while
    nothing is sent, since nobody knows for how long.
    """
    if lanes.why_held() is not None:
        return None
    runtime = jobs.runtime()
    limit = lanes.limit_in(model.lane, runtime.registry.limits_of(model))
    each = lanes.expected_duration(model.lane, model.typical)
    return round(max(delay or 0, pictures_ahead / limit * each))


def insert(
    task: Task, row: dict, held: Taken, key: Key | None, name: Callable[[], None]
) -> Task:
    """
    Write the task; claim and task are one insert, so a refusal leaves no claim.

    What it took of the limits is given back where it is not written.

    Returns:
        The task itself, or the one that has its idempotency key already.

    Raises:
        IdempotencyKeyReused: that one was asked for in other words.
        IndexMissing: as in `create`, and so is Invalid.
    """
    while True:
        try:
            name()
            if Task.insert(row):
                return task
            kept = earlier(key)
        except (IdempotencyKeyReused, IndexMissing, Invalid):
            held.give_back()
            raise
        if kept is not None:
            held.give_back()
            return kept
