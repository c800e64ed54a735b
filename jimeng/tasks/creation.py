"""
Create a task: what the client said (`Request`) becomes what is made of it (`Plan`), is
checked against all limits, then written.

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
from jimeng.documents.kinds import VIDEO
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
from jimeng.providers.models.model import (
    Parameters,
    Usage,
    check_parameters,
    new_seed,
)
from jimeng.providers.models.output_size import resolve_size, size_of_output
from jimeng.providers.models.video_validation import check_frames, resolve_video
from jimeng.tasks import styles
from jimeng.webhooks import outbox


@dataclass(frozen=True, kw_only=True)
class Origin:
    """
    What this server adds to a request that it makes itself.

    Attributes:
        id: A derived id, which makes creation idempotent; None for a new one.
        inputs: Those of a task that is run again, in place of the request's pictures.
        retried_from: The task that this one retries.
        batch: The id of its batch.
        batch_index: The index of its prompt in the batch.
        signer: The user who acts for the owner, as in `Task.webhook`.
    """

    id: str | None = None
    inputs: tuple[Named, ...] = ()
    retried_from: str | None = None
    batch: str | None = None
    batch_index: int | None = None
    signer: str | None = None


@dataclass(frozen=True, kw_only=True)
class Request:
    """
    What a client asks for; `schemas` has checked the types.

    Attributes:
        user_id: The owner.
        prompt: 1 to as many characters as the model accepts.
        model: A name in the registry, None for the default model.
        provider: None for the one that offers the model.
        size: As `resolve_size` accepts it.
        quality: ``standard`` or ``hd``.
        style: Text that is added to the prompt.
        n: Pictures, 1 to 4.
        seed: 0 to 2^31-1, or -1 for a random one.
        delay: Seconds before it may start.
        images: References to the input pictures, in order, as `inputs.find_inputs`.
        mask: A reference to a mask for the first of them.
        strength: 0 to 1.
        expand: How far the picture is extended at each side.
        video: The parameters of a video; None for pictures. Its roles are those of the
            inputs.
        webhook_url: Where events of this task are sent.
        webhook_events: Which events; empty for all.
        metadata: The client's own pairs; not sent to the provider.
        received: The request as received, stored with the task.
        origin: Of a request that this server makes.
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
    webhook_url: str | None = None
    webhook_events: Sequence[str] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    received: dict = field(default_factory=dict)
    origin: Origin = Origin()

    @property
    def fingerprint_fields(self) -> dict:
        """
        What equal requests have in common, except for pictures; defaults are filled
        in, so that it does not matter whether they were spelled out.
        """
        names = ("user_id", "prompt", "model", "provider", "size", "quality", "style")
        more = ("n", "seed", "strength")
        found = {name: getattr(self, name) for name in (*names, *more)}
        found["delay"] = float(self.delay)
        found["retried_from"] = self.origin.retried_from
        if self.webhook is not None:
            found["webhook"] = self.webhook
        if self.metadata:
            found["metadata"] = dict(self.metadata)
        if self.video is not None:
            found["video"] = self.video.stored()
        return found | {"expand": asdict(self.expand) if self.expand else None}

    def fingerprint(self, named: Sequence[Named] = ()) -> str:
        """A hash that requests with one idempotency key must share."""
        body = self.fingerprint_fields
        if named:  # pictures by their bytes: multipart bodies are never equal
            body["inputs"] = [[each.field, each.mark] for each in named]
        text = json.dumps(body, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def webhook(self) -> dict | None:
        """As stored on the task."""
        found: dict = {}
        if self.webhook_url is not None:
            found = {"url": self.webhook_url, "events": list(self.webhook_events)}
        if self.origin.signer:
            found["signer"] = self.origin.signer
        return found or None

    def signed_for(self, principal: Principal) -> "Request":
        """A copy that names the user whose key acts for its owner."""
        signer = self.origin.signer or principal.signer_for(self.user_id)
        return replace(self, origin=replace(self.origin, signer=signer))

    @property
    def has_mask(self) -> bool:
        inputs = self.origin.inputs
        return self.mask is not None or any(each.field == "mask" for each in inputs)

    @property
    def pictures(self) -> int:
        """The number of its inputs, without the mask."""
        again = self.origin.inputs
        return len(self.images) or len(again) - bool(again and self.has_mask)

    @property
    def stored(self) -> dict:
        """As received, without the parts that are stored in other fields."""
        pictures = ("images", "mask", "first_frame", "last_frame", "references")
        elsewhere = (*pictures, "metadata")
        fields = {k: v for k, v in self.received.items() if k not in elsewhere}
        return fields | ({"expand": asdict(self.expand)} if self.expand else {})


@dataclass(frozen=True, kw_only=True)
class Plan:
    """
    What is made of a request.

    Attributes:
        model: The model that makes it.
        prompt: As it is sent.
        video: The parameters of a video, with the model's defaults; None for pictures.
        pictures: How many inputs there are, without the mask.
        named: The references to its inputs, the mask last.
        stored: The stored inputs that belong to them; none before they are stored.
    """

    request: Request
    model: Model
    prompt: str
    video: VideoParameters | None = None
    pictures: int = 0
    named: Sequence[Named] = ()
    stored: Sequence[Input] = ()

    @classmethod
    def of(
        cls, request: Request, model: Model, *, pictures: int | None = None
    ) -> "Plan":
        """
        Plan a request, without any lookup.

        Args:
            pictures: How many inputs there are, if the request does not say so.

        Raises:
            Invalid: the model does not make such a video.
        """
        # As sent: a style may be any text, and so have flags that change the price.
        prompt = with_style(request.prompt, request.style)
        count, video = request.pictures if pictures is None else pictures, request.video
        if video is not None:
            offered = jobs.runtime().registry.making("video")
            video = resolve_video(
                model, video, prompt=prompt, pictures=count, offered=offered
            )
        return cls(
            request=request, model=model, prompt=prompt, video=video, pictures=count
        )

    def check(self) -> None:
        """
        Check the request against what the model accepts, without any lookup.

        Raises:
            Invalid: as in `create`, and so is WebhooksOff.
        """
        request, model = self.request, self.model
        if request.webhook_url is not None:
            outbox.check_address("webhook_url", request.webhook_url)
            outbox.secret_key()
        if self.video is None:
            asked = Parameters(
                prompt=request.prompt,
                pictures=self.pictures,
                mask=request.has_mask,
                strength=request.strength,
                expand=request.expand,
            )
            check_parameters(asked, model, jobs.runtime().registry.making("image"))
        if len(self.prompt) > model.max_prompt:
            raise Invalid.field("prompt", "invalid.prompt_length", max=model.max_prompt)
        if request.n > model.max_images:
            raise Invalid.field("n", "invalid.n", max=model.max_images)
        if request.n > (most := jobs.runtime().config.max_pending(model.makes)):
            raise Invalid.field("n", "invalid.n_pending", max=most)
        if request.seed >= 0 and not model.takes_seed:
            raise Invalid.field("seed", "invalid.seed_unsupported")

    def output_size(self) -> Size | None:
        """
        The width and height of the output; None as long as they depend on unread
        inputs.

        Raises:
            Invalid: the model does not offer the size, or does not accept the inputs.
        """
        request, model = self.request, self.model
        sizes = [each.size for each in self.stored]
        if self.stored:
            jobs.check_inputs(model, self.stored, has_mask=request.has_mask)
        if self.video is not None and model.video is not None:
            if sizes:
                check_frames(model.video, self.video.roles, sizes)
            return model.video.size_of(self.video, sizes[0] if sizes else None)
        if self.stored:
            pictures = sizes[: len(sizes) - request.has_mask]
            return size_of_output(
                *(model, request.size, request.quality),
                pictures=pictures,
                expand=request.expand,
            )
        if self.pictures:
            return None
        return resolve_size(model, request.size, request.quality)

    def usage(self, size: Size | None) -> Usage | None:
        """What a video of this size is billed by; None for pictures."""
        return costs.usage_of(self.video, size) if self.video and size else None

    def row(self, **known_by: str | None) -> dict:
        """
        The task's row for MongoDB.

        Args:
            known_by: Fields by which a repeated request finds the task.

        Raises:
            Invalid: as `output_size`.
        """
        request, model, origin = self.request, self.model, self.request.origin
        size, video, now = self.output_size(), self.video, utcnow()
        seed = None
        if model.takes_seed:
            seed = request.seed if request.seed >= 0 else new_seed()
        return Task.row(
            user_id=request.user_id,
            input=request.stored | self._references,
            prompt=self.prompt,
            model=model.id,
            provider=model.provider,
            lane=model.lane,
            req_key=self.req_key,
            type="image" if video is None else VIDEO,
            video=video and video.stored(),
            width=size[0] if size else 1,
            height=size[1] if size else 1,
            unsized=None if size else True,
            n=request.n,
            seed=seed,
            seed_given=request.seed >= 0,
            open=True,
            delay=request.delay or None,
            not_before=now + timedelta(seconds=request.delay)
            if request.delay
            else None,
            retried_from=origin.retried_from,
            batch=origin.batch,
            batch_index=origin.batch_index,
            webhook=request.webhook,
            pairs=stored_pairs(request.metadata),
            created_at=now,
            **costs.reserved_fields(model, size, now, self.usage(size)),
            updated_at=now,
            **({"id": origin.id} if origin.id else {}),
            **self._input_fields,
            **known_by,
        )

    @property
    def req_key(self) -> str:
        """The service's name of the model, of which some have one for each mode."""
        if self.video is None or self.model.video is None:
            return self.model.req_key
        return self.model.video.req_keys.get(self.video.mode, self.model.req_key)

    @property
    def _references(self) -> dict:
        if not self.stored:
            return {}
        return inputs.stored_references(self.named, self.stored)

    @property
    def _input_fields(self) -> dict:
        """The row's fields about inputs; empty without inputs."""
        if not self.stored:
            return {}
        request = self.request
        return {
            "inputs": [each.id for each in self.stored],
            "has_mask": request.has_mask or None,
            "strength": request.strength,
            "expand": asdict(request.expand) if request.expand else None,
            "made_from": [
                {
                    "input": each.id,
                    **({"picture": each.picture} if each.picture else {}),
                }
                for each in self.stored
            ],
        }


def plan(principal: Principal, request: Request) -> Plan:
    """
    Plan and check a request, except for its size and the content of its pictures.

    Raises:
        Invalid: as in `create`, and so is ModelNotAllowed.
    """
    planned = Plan.of(request, model_for(principal, request))
    planned.check()
    return replace(planned, named=resolve_inputs(principal, request))


def model_for(principal: Principal, request: Request) -> Model:
    """
    The model of the request.

    Raises:
        Invalid: there is none of that name.
        ModelNotAllowed: as in `create`.
    """
    makes: Makes = "image" if request.video is None else "video"
    model = jobs.runtime().registry.model(request.model, request.provider, makes=makes)
    principal.require_model(model.id)
    return model


def resolve_inputs(principal: Principal, request: Request) -> Sequence[Named]:
    """
    Look up the input pictures.

    Raises:
        Invalid: as in `create`.
    """
    if request.origin.inputs:
        return request.origin.inputs
    if not request.images and request.mask is None:
        return []
    return inputs.find_inputs(
        principal, request.images, request.mask, user_id=request.user_id
    )


def with_style(prompt: str, style: str | None) -> str:
    """The prompt with the style appended; a named style is expanded to its phrase."""
    if not style:
        return prompt
    phrase = styles.expand(style)
    return f"{prompt}，{phrase}" if prompt else phrase


def find_earlier(
    request: Request, idem_key: str | None, mark: str | None
) -> Task | None:
    """
    The task that an earlier request created with the same key or derived id.

    Args:
        mark: The `Request.fingerprint` that goes with the key.

    Raises:
        IdempotencyKeyReused: as `idempotency.earlier`.
    """
    if request.origin.id is not None:
        return Task.find_one({"_id": request.origin.id, "user_id": request.user_id})
    if idem_key is None:
        return None
    return idempotency.earlier(Task, request.user_id, idem_key, mark or "")


log = logging.getLogger(__name__)

WAKE_BELOW_JOBS = 20  # with more jobs queued, creating a task wakes no consumer


def create(
    principal: Principal,
    request: Request,
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
    principal.require_owner(request.user_id, "task")
    with recorded_on_behalf(
        principal, request.user_id, "tasks.create", n=request.n
    ) as outcome:
        task, is_replay = create_for_user(
            principal, request, idem_key, join_key, max_wait_s
        )
        outcome["task"] = task.id
    return task, is_replay


def create_for_user(
    principal: Principal,
    request: Request,
    idem_key: str | None,
    join_key: str | None,
    max_wait_s: float | None,
) -> tuple[Task, bool]:
    """`create`, once it is checked that the principal may act for the user."""
    planned = plan(principal, request)
    named, mark = planned.named, None
    if idem_key is not None:
        indexes.require(indexes.IDEMPOTENCY)
        mark = request.fingerprint(named)
    if named:
        first = find_earlier(request, idem_key, mark)  # before pictures are decoded
        if first is not None:
            return replay(principal, first), True
        lanes.check_intake()
        stored = inputs.store_all(request.user_id, named)
        planned = replace(planned, stored=stored)
    try:
        planned = replace(planned, request=request.signed_for(principal))
        known_by = {"idem_key": idem_key, "idem_hash": mark, "join_key": join_key}
        row = row_of(principal, planned, known_by)
        reservation = limits.reserve(
            principal, Task.read(row), is_counted=request.origin.id is None
        )
        with release_if_refused(reservation):
            row |= reservation.fields
            row["first_answer"] = first_answer(planned, reservation, max_wait_s)
            if named:
                inputs.mark_used(request.user_id, planned.stored, named)
            first = None
            # Key and task are one insert, so that a refusal leaves no claimed key. The
            # task that has the key may lose it meanwhile: then this one gets it.
            while first is None and not Task.insert(row):
                first = find_earlier(request, idem_key, mark)
    except JimengError as error:
        inputs.discard(planned.stored, named)
        first = None
        if isinstance(error, (IntakePaused, StartsTooLate, LimitReached)):
            # A replay creates nothing, so that no limit applies to it.
            first = find_earlier(request, idem_key, mark)
        if first is not None:
            return replay(principal, first), True
        if isinstance(error, LimitReached):
            error.rate_limits = limits.rate_limits(principal, request.user_id)
        raise
    if first is not None:
        reservation.release()
        inputs.discard(planned.stored, named)
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


def row_of(
    principal: Principal, planned: Plan, known_by: Mapping[str, str | None]
) -> dict:
    """
    The row of a task that nothing is reserved for yet.

    Raises:
        Invalid: as `create`, and so is IntakePaused.
    """
    request = planned.request
    if request.webhook_url is not None:
        outbox.ensure_default(request.origin.signer or request.user_id)
    row = planned.row(**known_by)
    if request.webhook is not None or outbox.has_endpoint(request.user_id):
        row["announce"] = True
    if owner_id := limits.owner_of(principal, request.user_id):
        row["owner_id"] = owner_id
    if principal.key is not None:
        row["by_key"] = principal.key.id
    lanes.check_intake()
    return row


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
    planned: Plan, reservation: Reservation, max_wait_s: float | None
) -> dict:
    """
    The queue position and the start time at creation; a replay answers with the same.

    Raises:
        StartsTooLate: no picture could be ready within *max_wait_s*.
    """
    task, model = reservation.task, planned.model
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
