"""
Create a task: validated by its model, checked against all limits, then written.

All checks precede the writes. A fingerprint of the request recognises a repeated one.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta

from jimeng import inputs, jobs, lanes, limits
from jimeng.billing import costs
from jimeng.config import logs
from jimeng.documents import (
    Batch,
    Input,
    Task,
    best_effort,
    idempotency,
    indexes,
    utcnow,
)
from jimeng.documents.base import VIDEO
from jimeng.documents.principal import Principal, recorded_on_behalf
from jimeng.documents.task import stored_pairs
from jimeng.errors import (
    IntakePaused,
    Invalid,
    JimengError,
    LimitReached,
    QueueUnavailable,
    StartsTooLate,
)
from jimeng.inputs import Named, Reference
from jimeng.limits import Reservation
from jimeng.providers import Expansion, Model, VideoParameters
from jimeng.providers.models import Makes, Size
from jimeng.providers.models.model import Parameters, check_parameters, new_seed
from jimeng.providers.models.output_size import size_of_output
from jimeng.providers.models.video_validation import resolve_video
from jimeng.tasks import styles
from jimeng.webhooks import outbox


@dataclass(frozen=True, kw_only=True)
class NewTask:
    """
    A request for a task; `schemas` has checked the types.

    Attributes:
        user_id: The owner.
        prompt: 1 to as many characters as the model accepts.
        model: A name in the registry, None for the default model.
        provider: None for the one that offers the model.
        size: As `Model.resolve_size` accepts it.
        quality: ``standard`` or ``hd``.
        style: Text that is added to the prompt.
        n: Pictures, 1 to 4.
        seed: 0 to 2^31-1, or -1 for a random one.
        delay: Seconds before it may start.
        images: References to the input pictures, in order, as `inputs.find_inputs`.
        mask: A reference to a mask for the first of them.
        strength: 0 to 1.
        expand: How far the picture is extended at each side.
        video: The parameters of a video; None for pictures. Its roles are those of
            *images* or *again*.
        again: The inputs of a task that is run again, in place of *images* and *mask*.
        request: The request as received, stored with the task.
        retried_from: The task that this one retries.
        id: A derived id, which makes creation idempotent; None for a new one.
        batch: The id of its batch.
        batch_index: The index of its prompt in the batch.
        webhook_url: Where events of this task are sent.
        webhook_events: Which events; empty for all.
        webhook_signer: The user who acts for the owner, as in `Task.webhook`.
        metadata: The client's own pairs; not sent to the provider.
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
    images: Sequence[Reference] = ()
    mask: Reference | None = None
    strength: float | None = None
    expand: Expansion | None = None
    video: VideoParameters | None = None
    again: tuple[Named, ...] = ()
    request: dict = field(default_factory=dict)
    retried_from: str | None = None
    id: str | None = None
    batch: str | None = None
    batch_index: int | None = None
    webhook_url: str | None = None
    webhook_events: Sequence[str] = ()
    webhook_signer: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def fingerprint_fields(self) -> dict:
        """
        What equal requests have in common, except for pictures; defaults are filled
        in, so that it does not matter whether they were spelled out.
        """
        names = ("user_id", "prompt", "model", "provider", "size", "quality", "style")
        more = ("n", "seed", "delay", "strength", "retried_from")
        found = {name: getattr(self, name) for name in (*names, *more)}
        found["delay"] = float(self.delay)
        if self.webhook is not None:
            found["webhook"] = self.webhook
        if self.metadata:
            found["metadata"] = dict(self.metadata)
        if self.video is not None:
            found["video"] = self.video.stored()
        return found | {"expand": asdict(self.expand) if self.expand else None}

    @property
    def webhook(self) -> dict | None:
        """As stored on the task."""
        found: dict = {}
        if self.webhook_url is not None:
            found = {"url": self.webhook_url, "events": list(self.webhook_events)}
        if self.webhook_signer:
            found["signer"] = self.webhook_signer
        return found or None

    def signed_for(self, principal: Principal) -> "NewTask":
        """A copy that names the user whose key acts for its owner."""
        signer = self.webhook_signer or principal.signer_for(self.user_id)
        return replace(self, webhook_signer=signer)

    @property
    def has_mask(self) -> bool:
        return self.mask is not None or any(each.field == "mask" for each in self.again)


def validate(principal: Principal, new: NewTask) -> tuple[Model, str, list[Named]]:
    """
    Validate a request, except for its size and the content of its pictures.

    Returns:
        The model, the prompt as it is sent, and the input references.

    Raises:
        Invalid: as in `create`, and so is ModelNotAllowed.
    """
    model = model_for(principal, new)
    prompt = check_with_model(new, model)
    return model, prompt, resolve_inputs(principal, new)


def model_for(principal: Principal, new: NewTask) -> Model:
    """
    The model of the request.

    Raises:
        Invalid: there is none of that name.
        ModelNotAllowed: as in `create`.
    """
    makes: Makes = "image" if new.video is None else "video"
    model = jobs.runtime().registry.model(new.model, new.provider, makes=makes)
    principal.require_model(model.id)
    return model


def check_with_model(new: NewTask, model: Model) -> str:
    """
    Check the request against what the model accepts, without any lookup.

    Returns:
        The prompt as it is sent.

    Raises:
        Invalid: as in `create`, and so is WebhooksOff.
    """
    if new.webhook_url is not None:
        outbox.check_address("webhook_url", new.webhook_url)
        outbox.secret_key()
    count = len(new.images) or len(new.again) - bool(new.again and new.has_mask)
    asked = Parameters(
        prompt=new.prompt,
        pictures=count,
        mask=new.has_mask,
        strength=new.strength,
        expand=new.expand,
    )
    if new.video is None:
        check_parameters(asked, model, jobs.runtime().registry.making("image"))
    else:
        resolve_parameters(new, model, [None] * count)
    prompt = with_style(new.prompt, new.style)
    if len(prompt) > model.max_prompt:
        raise Invalid.field("prompt", "invalid.prompt_length", max=model.max_prompt)
    if new.n > model.max_images:
        raise Invalid.field("n", "invalid.n", max=model.max_images)
    if new.n > (most := jobs.runtime().config.max_pending(model.makes)):
        raise Invalid.field("n", "invalid.n_pending", max=most)
    if new.seed >= 0 and not model.takes_seed:
        raise Invalid.field("seed", "invalid.seed_unsupported")
    return prompt


def resolve_parameters(
    new: NewTask, model: Model, pictures: Sequence[Size | None]
) -> VideoParameters:
    """
    The parameters of a video, with the model's defaults.

    Args:
        pictures: Width and height of each input; None if not known yet.

    Raises:
        Invalid: as in `create`.
    """
    return resolve_video(
        model,
        new.video or VideoParameters(),
        # As sent: a style may be any text, and so have flags that change the price.
        prompt=with_style(new.prompt, new.style),
        pictures=pictures,
        offered=jobs.runtime().registry.making("video"),
    )


def resolve_inputs(principal: Principal, new: NewTask) -> list[Named]:
    """
    Look up the input pictures.

    Raises:
        Invalid: as in `create`.
    """
    if new.again:
        return list(new.again)
    if not new.images and new.mask is None:
        return []
    return inputs.find_inputs(principal, new.images, new.mask, user_id=new.user_id)


def build_row(
    new: NewTask,
    model: Model,
    prompt: str,
    named: Sequence[Named] = (),
    stored_inputs: Sequence[Input] = (),
    **known_by: str | None,
) -> dict:
    """
    Build the task's row for MongoDB.

    Args:
        prompt: As it is sent.
        named: References to the input pictures.
        stored_inputs: The stored inputs that belong to them.
        known_by: Fields by which a repeated request finds the task.

    Raises:
        Invalid: as in `create`.
    """
    size, video = (
        output_size(new, model, stored_inputs),
        video_of(new, model, stored_inputs),
    )
    usage = costs.usage_of(video, size) if video and size else None
    now = utcnow()
    return Task.row(
        user_id=new.user_id,
        input={**stored_request(new), **inputs.stored_references(named, stored_inputs)}
        if stored_inputs
        else stored_request(new),
        prompt=prompt,
        model=model.id,
        provider=model.provider,
        lane=model.lane,
        req_key=req_key_of(model, video),
        type="image" if video is None else VIDEO,
        video=video and video.stored(),
        width=size[0] if size else 1,
        height=size[1] if size else 1,
        unsized=None if size else True,
        n=new.n,
        seed=seed_to_send(new, model),
        seed_given=new.seed >= 0,
        open=True,
        delay=new.delay or None,
        not_before=now + timedelta(seconds=new.delay) if new.delay else None,
        retried_from=new.retried_from,
        batch=new.batch,
        batch_index=new.batch_index,
        webhook=new.webhook,
        pairs=stored_pairs(new.metadata),
        created_at=now,
        **costs.reserved_fields(model, size, now, usage),
        updated_at=now,
        **({"id": new.id} if new.id else {}),
        **input_fields(new, stored_inputs),
        **known_by,
    )


def stored_request(new: NewTask) -> dict:
    """The request as received, without the parts that are stored in other fields."""
    pictures = ("images", "mask", "first_frame", "last_frame", "references")
    elsewhere = (*pictures, "metadata")
    fields = {k: v for k, v in new.request.items() if k not in elsewhere}
    return fields | ({"expand": asdict(new.expand)} if new.expand else {})


def output_size(
    new: NewTask, model: Model, stored_inputs: Sequence[Input]
) -> tuple[int, int] | None:
    """
    The width and height of the output; None as long as they depend on unread inputs.

    Raises:
        Invalid: the model does not offer the size, or does not accept the inputs.
    """
    if stored_inputs:
        jobs.check_inputs(model, stored_inputs, has_mask=new.has_mask)
    if model.video and (video := video_of(new, model, stored_inputs)):
        return model.video.size_of(
            video, stored_inputs[0].size if stored_inputs else None
        )
    if not stored_inputs:
        return model.resolve_size(new.size, new.quality)
    pictures = stored_inputs[: len(stored_inputs) - new.has_mask]
    sizes = [each.size for each in pictures]
    return size_of_output(
        model, new.size, new.quality, pictures=sizes, expand=new.expand
    )


def video_of(
    new: NewTask, model: Model, stored_inputs: Sequence[Input]
) -> VideoParameters | None:
    """
    The parameters of a video, with the model's defaults; None for pictures.

    Raises:
        Invalid: as in `create`.
    """
    if new.video is None:
        return None
    return resolve_parameters(new, model, [each.size for each in stored_inputs])


def req_key_of(model: Model, video: VideoParameters | None) -> str:
    """The service's name of the model, of which some have one for each mode."""
    if video is None or model.video is None:
        return model.req_key
    return model.video.req_keys.get(video.mode, model.req_key)


def input_fields(new: NewTask, stored_inputs: Sequence[Input]) -> dict:
    """The row's fields about inputs; empty without inputs."""
    if not stored_inputs:
        return {}
    return {
        "inputs": [each.id for each in stored_inputs],
        "has_mask": new.has_mask or None,
        "strength": new.strength,
        "expand": asdict(new.expand) if new.expand else None,
        "made_from": [
            {"input": each.id, **({"picture": each.picture} if each.picture else {})}
            for each in stored_inputs
        ],
    }


def seed_to_send(new: NewTask, model: Model) -> int | None:
    """The caller's seed or a random one; None if the model accepts none."""
    if not model.takes_seed:
        return None
    return new.seed if new.seed >= 0 else new_seed()


def with_style(prompt: str, style: str | None) -> str:
    """The prompt with the style appended; a named style is expanded to its phrase."""
    if not style:
        return prompt
    phrase = styles.expand(style)
    return f"{prompt}，{phrase}" if prompt else phrase


def fingerprint(new: NewTask, named: Sequence[Named] = ()) -> str:
    """A hash that requests with one idempotency key must share."""
    body = new.fingerprint_fields
    if named:  # pictures by their bytes: multipart bodies are never equal
        body["inputs"] = [[each.field, each.mark] for each in named]
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def find_earlier(new: NewTask, idem_key: str | None, mark: str | None) -> Task | None:
    """
    The task that an earlier request created with the same key or derived id.

    Args:
        mark: The `fingerprint` that goes with the key.

    Raises:
        IdempotencyKeyReused: as `idempotency.earlier`.
    """
    if new.id is not None:
        return Task.find_one({"_id": new.id, "user_id": new.user_id})
    if idem_key is None:
        return None
    return idempotency.earlier(Task, new.user_id, idem_key, mark or "")


log = logging.getLogger(__name__)

WAKE_BELOW_JOBS = 20  # with more jobs queued, creating a task wakes no consumer


def create(
    principal: Principal,
    new: NewTask,
    *,
    idem_key: str | None = None,
    join_key: str | None = None,
    max_wait_s: float | None = None,
) -> tuple[Task, bool]:
    """
    Store a task with its generations, and queue it. One for another user is recorded
    in the audit log.

    Args:
        idem_key: Within a day the same key with the same request replays: it returns
            the task that was created first.
        join_key: As `deduplication.join_key`.
        max_wait_s: Seconds in which a picture should be ready, or nothing is created.

    Returns:
        The task, and whether an earlier request had created it.

    Raises:
        UserIdNotYours: the principal may not act for that user.
        ModelNotAllowed: the principal's key is limited to other models.
        Invalid: a field is not accepted by the model or the providers, or an input
            picture is unreadable or not the principal's.
        UploadsFull: as `inputs.store_all`.
        IntakePaused: the operator has paused new tasks.
        TooManySubmissions: as `limits.reserve`, and so are QuotaExceeded and
            BudgetExceeded.
        TooManyPending: the user has ``USER_MAX_PENDING`` pictures waiting.
        StartsTooLate: the queue ahead of it is too long for *max_wait_s*.
        QueueUnavailable: Redis is unavailable; nothing was written.
        IdempotencyKeyReused: the key was used before with another request.
        IndexMissing: there is a key, and its unique index does not exist.
        WebhooksOff: there is a webhook, and no ``SECRET_KEY`` to sign it with.
    """
    principal.require_owner(new.user_id, "task")
    with recorded_on_behalf(principal, new.user_id, "tasks.create", n=new.n) as outcome:
        task, is_replay = create_for_user(
            principal, new, idem_key, join_key, max_wait_s
        )
        outcome["task"] = task.id
    return task, is_replay


def create_for_user(
    principal: Principal,
    new: NewTask,
    idem_key: str | None,
    join_key: str | None,
    max_wait_s: float | None,
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
        lanes.check_intake()
        stored = inputs.store_all(new.user_id, named)
    try:
        new = new.signed_for(principal)
        if new.webhook_url is not None:
            outbox.ensure_default(new.webhook_signer or new.user_id)
        known_by = {"idem_key": idem_key, "idem_hash": mark, "join_key": join_key}
        row = build_row(new, model, prompt, named, stored, **known_by)
        if new.webhook is not None or outbox.has_endpoint(new.user_id):
            row["announce"] = True
        if owner_id := limits.owner_of(principal, new.user_id):
            row["owner_id"] = owner_id
        task = Task.read(row)
        lanes.check_intake()
        reservation = limits.reserve(principal, task, is_counted=new.id is None)
        with release_if_refused(reservation):
            row["first_answer"] = first_answer(task, model, reservation, max_wait_s)
            if principal.key is not None:
                row["by_key"] = principal.key.id
            if reservation.key_id:  # its quota gets back pictures that are never sent
                row["key_id"] = reservation.key_id
            if not task.reserves_ticket_later:
                row["turn"] = reservation.ticket
                if reservation.owner_ticket is not None:
                    row["user_turn"] = reservation.first_ticket
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
        if isinstance(error, (IntakePaused, StartsTooLate, LimitReached)):
            # A replay creates nothing, so that no limit applies to it.
            first = find_earlier(new, idem_key, mark)
        if first is not None:
            return replay(principal, first), True
        if isinstance(error, LimitReached):
            error.rate_limits = limits.rate_limits(principal, new.user_id)
        raise
    if first is not None:
        reservation.release()
        inputs.discard(stored, named)
        return replay(principal, first), True
    task = Task.read(row)
    task.rate_limits = reservation.rate_limits
    # The task is stored: no error may change the answer from here on.
    with logs.bound(task=task.id, user=task.user_id):
        if task.batch is not None and task.retried_from is not None:
            with best_effort("batch"):
                Batch.reopen(task.batch)  # in case it has ended
        log.info("task created model=%s n=%d", task.model, task.n)
        # With many jobs queued a consumer is awake and will find it soon enough.
        jobs.insert_and_dispatch(task, wakes=reservation.queued < WAKE_BELOW_JOBS)
    return task, False


@contextmanager
def release_if_refused(reservation: Reservation) -> Iterator[None]:
    """
    Release the reservation if the block refuses the task. If MongoDB fails it stays:
    whether the task was stored is unknown.
    """
    try:
        yield
    except JimengError:
        reservation.release()
        raise


def replay(principal: Principal, first: Task) -> Task:
    """Answer with the first request's task, and backfill what that did not write."""
    with best_effort("generations"):
        jobs.backfill_generations(first)
    with best_effort("rate_limits"), suppress(QueueUnavailable):
        first.rate_limits = limits.rate_limits(principal, first.user_id)
    log.info("request replayed first_task=%s", first.id)
    return first


def first_answer(
    task: Task, model: Model, reservation: Reservation, max_wait_s: float | None
) -> dict:
    """
    The queue position and the start time at creation; a replay answers with the same.

    Raises:
        StartsTooLate: no picture could be ready within *max_wait_s*.
    """
    queue = lanes.read_queue(task.lane)
    position, pictures = queue.count_ahead(
        reservation.ticket,
        task.generation_ids[0],
        task.owner_id,
        reservation.first_ticket,
    )
    if task.inputs:
        position, pictures = queue.totals  # until the inputs are prepared
    wait = eta(model, pictures, task.delay)
    usual = lanes.expected_duration(model.lane, model.typical)
    if (
        max_wait_s is not None
        and wait is not None
        and wait > max(max_wait_s - usual, 0)
    ):
        raise StartsTooLate(
            f"starts in {wait} s",
            retry_after=max(round(wait - max_wait_s + usual), 1),
            seconds=wait,
        )
    return {"position": position, "eta_seconds": wait}


def eta(model: Model, pictures_ahead: int, delay: float | None = None) -> int | None:
    """
    Seconds until a picture starts: those ahead of it, divided by the slots, times the
    usual duration. None while nothing is sent, for an unknown time.
    """
    limits = jobs.runtime().registry.limits_of(model)
    if lanes.hold_reason_of(model.lane, limits) is not None:
        return None
    limit = lanes.total_limit(model.lane, limits)
    usual = lanes.expected_duration(model.lane, model.typical)
    return round(max(delay or 0, pictures_ahead / limit * usual))
