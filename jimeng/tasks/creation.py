"""Create tasks: validate, reserve limits, insert the task, then queue its jobs."""

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
from jimeng.tasks.requests import (
    NewTask,
    build_row,
    find_earlier,
    fingerprint,
    validate,
)

log = logging.getLogger(__name__)

WAKE_BELOW_JOBS = 20  # with more jobs queued, creating a task wakes no consumer
LIMIT_ERRORS = (TooManySubmissions, QuotaExceeded, TooManyPending)


def create(
    principal: Principal,
    new: NewTask,
    *,
    idem_key: str | None = None,
    join_key: str | None = None,
    within: float | None = None,
) -> tuple[Task, bool]:
    """
    Store a task with its generations, and queue it. One for another user is recorded
    in the audit log.

    Args:
        idem_key: Within a day the same key with the same request replays: it returns
            the task that was created first.
        join_key: As `deduplication.join_key`.
        within: Seconds in which a picture should be ready, or nothing is created.

    Returns:
        The task, and whether an earlier request had created it.

    Raises:
        UserIdNotYours: the principal may not act for that user.
        ModelNotAllowed: the principal's key is limited to other models.
        Invalid: a field is not accepted by the model or the providers, or an input
            picture is unreadable or not the principal's.
        UploadsFull: as `inputs.store_all`.
        IntakePaused: the operator has paused new tasks.
        TooManySubmissions: as `limits.reserve`, and so is QuotaExceeded.
        TooManyPending: the user has ``USER_MAX_PENDING`` pictures waiting.
        StartsTooLate: the queue ahead of it is too long for *within*.
        QueueUnavailable: Redis is unavailable; nothing was written.
        IdempotencyKeyReused: the key was used before with another request.
        IndexMissing: a key is given, and its unique index does not exist.
        WebhooksOff: a webhook is given, and no ``SECRET_KEY`` to sign it with.
    """
    principal.require_owner(new.user_id, "task")
    with noted(principal, new.user_id, "tasks.create", n=new.n) as outcome:
        task, is_replay = create_for_user(principal, new, idem_key, join_key, within)
        outcome["task"] = task.id
    return task, is_replay


def create_for_user(
    principal: Principal,
    new: NewTask,
    idem_key: str | None,
    join_key: str | None,
    within: float | None,
) -> tuple[Task, bool]:
    """`create`, once it is checked that the principal may act for the user."""
    model, prompt, named = validate(principal, new)
    mark = None
    if idem_key is not None:
        indexes.require(indexes.IDEMPOTENCY)
        mark = fingerprint(new, named)
    stored: list[Input] = []
    if named:
        first = find_earlier(new, idem_key, mark)  # before pictures are decoded, stored
        if first is not None:
            return replay(principal, first), True
        switches.check_intake()
        stored = inputs.store_all(new.user_id, named)
    try:
        if new.webhook_url is not None:
            new = new.signed_for(principal)
            webhook_outbox.ensure_default(new.webhook_signer or new.user_id)
        known_by = {"idem_key": idem_key, "idem_hash": mark, "join_key": join_key}
        row = build_row(new, model, prompt, named, stored, **known_by)
        if new.webhook_url is not None or webhook_outbox.has_endpoint(new.user_id):
            row["announce"] = True
        task = Task.read(row)
        switches.check_intake()
        held = limits.reserve(principal, task, is_counted=new.id is None)
        with release_unless_stored(task, held):
            row["first_answer"] = first_answer(task, model, held.turn, within)
            if held.key_id:  # its daily quota gets back pictures that are never sent
                row["key_id"] = held.key_id
            if not task.reserves_ticket_later:
                row["turn"] = held.turn
            if stored:
                inputs.mark_used(new.user_id, stored, named)
            first = None
            # Key and task are one insert, so that a refusal leaves no claimed key. The
            # task that has the key may lose it meanwhile: then this one gets it.
            while first is None and not Task.insert(row):
                first = find_earlier(new, idem_key, mark)
    except JimengError as error:
        inputs.discard(stored, named)
        first = None
        if isinstance(error, (IntakePaused, StartsTooLate, *LIMIT_ERRORS)):
            # A replay creates nothing, so that no limit applies to it.
            first = find_earlier(new, idem_key, mark)
        if first is not None:
            return replay(principal, first), True
        if isinstance(error, LIMIT_ERRORS):
            error.rate_limits = limits.rate_limits(principal, new.user_id)
        raise
    if first is not None:
        held.release()
        inputs.discard(stored, named)
        return replay(principal, first), True
    task = Task.read(row)
    task.rate_limits = held.rate_limits
    # The task is stored: no error may change the answer from here on.
    with logs.bound(task=task.id, user=task.user_id):
        if task.batch is not None and task.retried_from is not None:
            with best_effort("batch"):
                Batch.reopen(task.batch)  # in case it has ended
        log.info("task created model=%s n=%d", task.model, task.n)
        # With many jobs queued a consumer is awake and will find it soon enough.
        jobs.insert_and_dispatch(task, wakes=held.queued < WAKE_BELOW_JOBS)
    return task, False


@contextmanager
def release_unless_stored(task: Task, held: Reservation) -> Iterator[None]:
    """
    Release the reservation if the block refuses the task; if MongoDB fails, only once
    it is known that the task was not stored.
    """
    try:
        yield
    except JimengError:
        held.release()
        raise
    except PyMongoError:
        limits.release_unless_written(task.id, held.release)
        raise


def replay(principal: Principal, first: Task) -> Task:
    """Answer with the first request's task, and backfill what that did not write."""
    with best_effort("generations"):
        jobs.backfill_generations(first)
    with best_effort("rate_limits"), suppress(QueueUnavailable):
        first.rate_limits = limits.rate_limits(principal, first.user_id)
    log.info("request replayed first_task=%s", first.id)
    return first


def first_answer(task: Task, model: Model, turn: int, within: float | None) -> dict:
    """
    The queue position and the start time at creation; a replay answers with the same.

    Raises:
        StartsTooLate: no picture could be ready *within* so many seconds.
    """
    queue = lanes.read_queue(task.lane)
    position, pictures = queue.count_ahead(turn, task.generation_ids[0])
    if task.inputs:
        position, pictures = queue.totals  # until the inputs are prepared
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
    Seconds until a picture starts: those ahead of it, divided by the slots, times the
    usual duration. None while submission is held, for an unknown time.
    """
    if lanes.hold_reason() is not None:
        return None
    runtime = jobs.runtime()
    limit = lanes.total_limit(model.lane, runtime.registry.limits_of(model))
    usual = lanes.expected_duration(model.lane, model.typical)
    return round(max(delay or 0, pictures_ahead / limit * usual))
