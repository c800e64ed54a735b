"""Creating: everything that can refuse is asked first, then the task is written."""

import hashlib
import json
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from jimeng import documents, jobs, lanes, limits, logs, styles
from jimeng.documents import Task, indexes, left_over, utcnow
from jimeng.errors import (
    IdempotencyKeyReused,
    IndexMissing,
    IntakePaused,
    Invalid,
    QueueUnavailable,
    QuotaExceeded,
    StartsTooLate,
    TooManyPending,
    TooManySubmissions,
)
from jimeng.errors.access import UserIdNotYours
from jimeng.lanes import switches
from jimeng.limits import Taken
from jimeng.providers import Model
from jimeng.providers.models.judging import Asked, check_asked
from jimeng.viewers import Viewer, noted

log = logging.getLogger(__name__)

AMPLE = 20  # jobs
PAUSED_FOR = 60  # seconds that a client is told to wait: nobody knows how long it is
IDEMPOTENCY = timedelta(hours=24)
BEYOND = (TooManySubmissions, QuotaExceeded, TooManyPending)


@dataclass(frozen=True, kw_only=True)
class NewTask:
    """
    What is asked for; `schemas` has checked the types.

    Attributes:
        user_id: Whose it will be.
        prompt: 1 to as many characters as the model takes.
        model: A name of the registry's, None for the default.
        provider: Who is to draw it, None for whoever offers the model.
        size: As `Model.resolve_size` takes it.
        quality: ``standard`` or ``hd``.
        style: Words that are added to the prompt.
        n: Pictures, 1 to 4.
        seed: -1 has one drawn, else 0 to 2^31-1.
        delay: Seconds before it may start.
        given: The request as it came, for the record.
        retried_from: The task that this one runs again.
    """

    user_id: str
    prompt: str
    model: str | None = None
    provider: str | None = None
    size: str | None = None
    quality: str = "standard"
    style: str | None = None
    n: int = 1
    seed: int = -1
    delay: float = 0.0
    given: dict = field(default_factory=dict)
    retried_from: str | None = None


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
        Invalid: a field, which the model or the providers here do not take.
        IntakePaused: the operator takes nothing new for a while.
        TooManySubmissions: as `limits.take`, and so is QuotaExceeded.
        TooManyPending: the user has ``USER_MAX_PENDING`` pictures waiting.
        StartsTooLate: too many wait ahead of it for *within*.
        QueueUnavailable: Redis is away; nothing has been written.
        IdempotencyKeyReused: the key came before with another request.
        IndexMissing: there is a key, and nothing that keeps it to one task.
    """
    if not viewer.may_act_for(new.user_id):
        raise UserIdNotYours(f"task for {new.user_id}")
    with noted(viewer, new.user_id, "tasks.create", n=new.n) as outcome:
        task, is_replay = create_as(viewer, new, idem_key, join_key, within)
        outcome["task"] = task.id
    return task, is_replay


def create_as(
    viewer: Viewer,
    new: NewTask,
    idem_key: str | None,
    join_key: str | None,
    within: float | None,
) -> tuple[Task, bool]:
    """`create`, where the viewer may act for the user."""
    runtime = jobs.runtime()
    model = runtime.registry.model(new.model, new.provider)
    row = build(new, model)
    if idem_key is not None:
        row.update(idem_key=idem_key, idem_hash=fingerprint(new))
    if join_key is not None:
        row.update(join_key=join_key)
    task = Task._from_son(row)
    documents.ensure_indexes()
    if idem_key is not None:
        indexes.require(indexes.IDEMPOTENCY)
    try:
        check_intake()
        held = limits.take(viewer, task)
        first = timely(task, model, held, within)
    except (IntakePaused, StartsTooLate, *BEYOND) as error:
        kept = earlier(task)  # what asks for nothing new is answered all the same
        if kept is None:
            if isinstance(error, BEYOND):
                error.rate_limits = limits.rate_limits(viewer, task.user_id)
            raise
        return replay(viewer, kept), True
    task.first_answer = row["first_answer"] = first
    with logs.bound(task=task.id, user=task.user_id):
        kept = insert(task, row, held)
        if kept is not task:
            return replay(viewer, kept), True
        # It is taken: from here on nothing changes the answer.
        task.rate_limits = held.rate_limits
        with left_over("generations"):
            jobs.write_generations(task, None if task.not_before else held.turn)
        log.info("task created model=%s n=%d", task.model, task.n)
        # With many jobs queued already one of these is soon enough.
        if task.not_before is None and held.queued < AMPLE:
            jobs.enqueue_dispatch(task.lane, task.n)
    return task, False


def check_intake() -> None:
    """
    Raises:
        IntakePaused: the operator takes nothing new for a while.
    """
    if switches.is_paused(switches.INTAKE):
        raise IntakePaused("intake paused", retry_after=PAUSED_FOR)


def replay(viewer: Viewer, kept: Task) -> Task:
    """Answer with a task that is there, and write what its own request could not."""
    with left_over("generations"):
        jobs.complete_plan(kept)
    with left_over("rate_limits"), suppress(QueueUnavailable):
        kept.rate_limits = limits.rate_limits(viewer, kept.user_id)
    log.info("request replayed first_task=%s", kept.id)
    return kept


def build(new: NewTask, model: Model) -> dict:
    """
    The task as it is stored.

    Raises:
        Invalid: as in `create`.
    """
    check_asked(
        Asked(prompt=new.prompt), model, jobs.runtime().registry.models.values()
    )
    width, height = model.resolve_size(new.size, new.quality)
    prompt = styled(new.prompt, new.style)
    if len(prompt) > model.max_prompt:
        raise Invalid.field("prompt", "invalid.prompt_length", max=model.max_prompt)
    if new.n > model.max_images:
        raise Invalid.field("n", "invalid.n", max=model.max_images)
    if new.n > (most := jobs.runtime().config.USER_MAX_PENDING):
        raise Invalid.field("n", "invalid.n_pending", max=most)
    if new.seed >= 0 and not model.takes_seed:
        raise Invalid.field("seed", "invalid.seed_unsupported")
    now = utcnow()
    return Task.row(
        user_id=new.user_id,
        input=new.given,
        prompt=prompt,
        model=model.id,
        provider=model.provider,
        lane=model.lane,
        req_key=model.req_key,
        width=width,
        height=height,
        n=new.n,
        seed=seed_of(new, model),
        seed_given=new.seed >= 0,
        open=True,
        delay=new.delay or None,
        not_before=now + timedelta(seconds=new.delay) if new.delay else None,
        retried_from=new.retried_from,
        created_at=now,
        updated_at=now,
    )


def seed_of(new: NewTask, model: Model) -> int | None:
    """The seed that is sent: the caller's or a new one; none where none is taken."""
    if not model.takes_seed:
        return None
    return new.seed if new.seed >= 0 else jobs.new_seed()


def styled(prompt: str, style: str | None) -> str:
    """The prompt with the words of the style behind it; a named one is expanded."""
    return f"{prompt}，{styles.expand(style)}" if style else prompt


def first_answer(task: Task, model: Model, turn: int) -> dict:
    """Place and time as they are now; a replayed request is told the same."""
    position, pictures = lanes.queue(task.lane).ahead(turn, task.generation_ids[0])
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
    if within is not None and wait > max(within - usual, 0):
        held.give_back()
        raise StartsTooLate(
            f"starts in {wait} s",
            retry_after=max(round(wait - within + usual), 1),
            seconds=wait,
        )
    return first


def eta(model: Model, pictures_ahead: int, delay: float | None = None) -> int:
    """Seconds until it starts: those ahead, by the slots, each its usual time."""
    runtime = jobs.runtime()
    most = runtime.registry.lanes[model.lane]
    limit = lanes.limit_of(lanes.read(model.lane), most)
    each = lanes.expected_duration(model.lane, model.typical)
    return round(max(delay or 0, pictures_ahead / limit * each))


def fingerprint(new: NewTask) -> str:
    """What two requests under one key must have in common."""
    body = {"body": new.given, "user": new.user_id, "retry": new.retried_from}
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def insert(task: Task, row: dict, held: Taken) -> Task:
    """
    Write the task; claim and task are one insert, so a refusal leaves no claim.

    What it took of the limits is given back where it is not written. Where MongoDB
    does not say whether it is, that stays taken.

    Returns:
        The task itself, or the one that has its idempotency key already.

    Raises:
        IdempotencyKeyReused: that one was asked for in other words.
        IndexMissing: as in `create`.
    """
    while True:
        try:
            if Task.insert(row):
                return task
            kept = earlier(task)
        except (IdempotencyKeyReused, IndexMissing):
            held.give_back()
            raise
        if kept is not None:
            held.give_back()
            return kept


def earlier(task: Task) -> Task | None:
    """
    The task that an earlier request made under the same idempotency key.

    One that is older than a day gives its key back, and None is returned.

    Raises:
        IdempotencyKeyReused: that request was another one.
    """
    if task.idem_key is None:
        return None
    kept = Task.find_one({"user_id": task.user_id, "idem_key": task.idem_key})
    if kept is None:
        return None
    if kept.created_at < utcnow() - IDEMPOTENCY:
        old = {"_id": kept.id, "idem_key": kept.idem_key}
        Task.collection().update_one(old, {"$unset": {"idem_key": ""}})
        return None
    if kept.idem_hash != task.idem_hash:
        raise IdempotencyKeyReused(f"key of task {kept.id}")
    return kept
