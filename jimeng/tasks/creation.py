"""Creating: everything that can refuse is asked first, then the task is written."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pymongo.errors import PyMongoError

from jimeng import inputs, jobs, lanes, limits
from jimeng.config import logs
from jimeng.documents import Batch, Input, Task, best_effort, indexes
from jimeng.documents.principal import Principal, noted
from jimeng.errors import (
    IntakePaused,
    JimengError,
    QueueUnavailable,
    QuotaExceeded,
    StartsTooLate,
    TooManyPending,
    TooManySubmissions,
)
from jimeng.jobs import webhook_outbox
from jimeng.lanes import switches
from jimeng.limits import Reservation
from jimeng.providers import Model
from jimeng.tasks.requests import NewTask, build, earlier, fingerprint, judged

log = logging.getLogger(__name__)

AMPLE = 20  # jobs
BEYOND = (TooManySubmissions, QuotaExceeded, TooManyPending)


def create(
    principal: Principal,
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
            picture that is not there for the principal, or is none.
        UploadsFull: as `inputs.take_in`.
        IntakePaused: the operator takes nothing new for a while.
        TooManySubmissions: as `limits.reserve`, and so is QuotaExceeded.
        TooManyPending: the user has ``USER_MAX_PENDING`` pictures waiting.
        StartsTooLate: too many wait ahead of it for *within*.
        QueueUnavailable: Redis is away; nothing has been written.
        IdempotencyKeyReused: the key came before with another request.
        IndexMissing: there is a key, and nothing that keeps it to one task.
        WebhooksOff: there is a webhook, and no ``SECRET_KEY`` to sign it with.
    """
    principal.require_owner(new.user_id, "task")
    with noted(principal, new.user_id, "tasks.create", n=new.n) as outcome:
        task, is_replay = create_as(principal, new, idem_key, join_key, within)
        outcome["task"] = task.id
    return task, is_replay


def create_as(
    principal: Principal,
    new: NewTask,
    idem_key: str | None,
    join_key: str | None,
    within: float | None,
) -> tuple[Task, bool]:
    """`create`, where the principal may act for the user."""
    model, prompt, named = judged(principal, new)
    mark = None
    if idem_key is not None:
        indexes.require(indexes.IDEMPOTENCY)
        mark = fingerprint(new, named)
    made: list[Input] = []
    if named:
        kept = earlier(new, idem_key, mark)  # before bytes are looked at, and kept
        if kept is not None:
            return replay(principal, kept), True
        switches.check_intake()
        made = inputs.take_in(new.user_id, named)
    try:
        if new.webhook_url is not None:
            webhook_outbox.ensure_default(new.user_id)
        known_by = {"idem_key": idem_key, "idem_hash": mark, "join_key": join_key}
        row = build(new, model, prompt, named, made, **known_by)
        if new.webhook_url is not None or webhook_outbox.has_endpoint(new.user_id):
            row["announce"] = True
        task = Task.read(row)
        switches.check_intake()
        held = limits.reserve(principal, task, is_counted=new.id is None)
        with released_unless_written(task, held):
            row["first_answer"] = first_answer(task, model, held.turn, within)
            if held.key_id:  # to which those are given back that are never sent
                row["key_id"] = held.key_id
            if not task.reserves_ticket_later:
                row["turn"] = held.turn
            if made:
                inputs.name(new.user_id, made, named)
            kept = None
            # Claim and task are one insert, so that a refusal leaves no claim. What
            # has the key may have lost it in between: then this one gets it.
            while kept is None and not Task.insert(row):
                kept = earlier(new, idem_key, mark)
    except JimengError as error:
        inputs.discard(made, named)
        kept = None
        if isinstance(error, (IntakePaused, StartsTooLate, *BEYOND)):
            # What asks for nothing new is answered all the same.
            kept = earlier(new, idem_key, mark)
        if kept is not None:
            return replay(principal, kept), True
        if isinstance(error, BEYOND):
            error.rate_limits = limits.rate_limits(principal, new.user_id)
        raise
    if kept is not None:
        held.release()
        inputs.discard(made, named)
        return replay(principal, kept), True
    task = Task.read(row)
    task.rate_limits = held.rate_limits
    # It is taken: from here on nothing changes the answer.
    with logs.bound(task=task.id, user=task.user_id):
        if task.batch is not None and task.retried_from is not None:
            with best_effort("batch"):
                Batch.reopen(task.batch)  # one that has ended goes on
        log.info("task created model=%s n=%d", task.model, task.n)
        # With many jobs queued already one of these is soon enough.
        jobs.send_on(task, wakes=held.queued < AMPLE)
    return task, False


@contextmanager
def released_unless_written(task: Task, held: Reservation) -> Iterator[None]:
    """
    Give back what was taken of the limits where the task is refused; where MongoDB
    fails, once it knows of no such task.
    """
    try:
        yield
    except JimengError:
        held.release()
        raise
    except PyMongoError:
        limits.release_unless_written(task.id, held.release)
        raise


def replay(principal: Principal, kept: Task) -> Task:
    """Answer with a task that is there, and write what its own request could not."""
    with best_effort("generations"):
        jobs.backfill_generations(kept)
    with best_effort("rate_limits"), suppress(QueueUnavailable):
        kept.rate_limits = limits.rate_limits(principal, kept.user_id)
    log.info("request replayed first_task=%s", kept.id)
    return kept


def first_answer(task: Task, model: Model, turn: int, within: float | None) -> dict:
    """
    Place and time as they are now; a replayed request is told the same.

    Raises:
        StartsTooLate: there could be no picture *within* so many seconds.
    """
    line = lanes.queue(task.lane)
    position, pictures = line.ahead(turn, task.generation_ids[0])
    if task.inputs:
        position, pictures = line.end  # until what goes in is ready
    wait = eta(model, pictures, task.delay)
    usual = lanes.expected_duration(model.lane, model.typical)
    if within is not None and wait is not None and wait > max(within - usual, 0):
        raise StartsTooLate(
            f"starts in {wait} s",
            retry_after=max(round(wait - within + usual), 1),
            seconds=wait,
        )
    return {"position": position, "eta_seconds": wait}


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
