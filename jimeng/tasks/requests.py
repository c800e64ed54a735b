"""
Building: what is asked for, judged by its model, as it is stored; and what a request
that comes again is known by.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta

from jimeng import inputs, jobs
from jimeng.documents import Input, Task, idempotency, utcnow
from jimeng.documents.principal import Principal
from jimeng.documents.task import stored_pairs
from jimeng.errors import Invalid
from jimeng.inputs import Named, Reference
from jimeng.jobs import webhook_outbox
from jimeng.providers import Expansion, Model
from jimeng.providers.models.output_size import drawn_size
from jimeng.providers.models.validation import Parameters, check_parameters
from jimeng.tasks import styles


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
        images: The pictures that go in, in order, as `inputs.look_up` takes them.
        mask: The same, of a mask for the first of them.
        strength: 0 to 1.
        expand: How far the picture grows.
        again: The inputs of a task that is run again, in place of *images* and *mask*.
        given: The request as it came, for the record.
        retried_from: The task that this one runs again.
        id: A derived one: asked for twice it is made once. None for a new one.
        batch: The id of the batch that it belongs to.
        batch_index: Which of its prompts this is.
        webhook_url: Where the end of this task alone is sent.
        webhook_events: Which events of it; empty for all.
        metadata: What its program attaches to it; the provider never sees it.
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
    again: tuple[Named, ...] = ()
    given: dict = field(default_factory=dict)
    retried_from: str | None = None
    id: str | None = None
    batch: str | None = None
    batch_index: int | None = None
    webhook_url: str | None = None
    webhook_events: Sequence[str] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def wishes(self) -> dict:
        """
        What two equal requests have in common, but for pictures: the same however a
        request was written, with its defaults spelled out or not.
        """
        names = ("user_id", "prompt", "model", "provider", "size", "quality", "style")
        more = ("n", "seed", "delay", "strength", "retried_from")
        found = {name: getattr(self, name) for name in (*names, *more)}
        found["delay"] = float(self.delay)
        if self.webhook is not None:
            found["webhook"] = self.webhook
        if self.metadata:
            found["metadata"] = dict(self.metadata)
        return found | {"expand": asdict(self.expand) if self.expand else None}

    @property
    def webhook(self) -> dict | None:
        """As the task keeps it."""
        if self.webhook_url is None:
            return None
        return {"url": self.webhook_url, "events": list(self.webhook_events)}

    @property
    def has_mask(self) -> bool:
        return self.mask is not None or any(each.field == "mask" for each in self.again)


def judged(principal: Principal, new: NewTask) -> tuple[Model, str, list[Named]]:
    """
    Judge a request, but for its sides and what its pictures hold.

    Returns:
        The model that it asks for, the prompt as it is sent, and what is to go in.

    Raises:
        Invalid: as in `create`, and so is ModelNotAllowed.
    """
    model = model_for(principal, new)
    prompt = judge(new, model)
    return model, prompt, named_by(principal, new)


def model_for(principal: Principal, new: NewTask) -> Model:
    """
    The model that is asked for.

    Raises:
        Invalid: there is none of that name.
        ModelNotAllowed: as in `create`.
    """
    model = jobs.runtime().registry.model(new.model, new.provider)
    principal.require_model(model.id)
    return model


def judge(new: NewTask, model: Model) -> str:
    """
    Compare what is asked with what the model takes, before anything is looked up.

    Returns:
        The prompt as it is sent.

    Raises:
        Invalid: as in `create`, and so is WebhooksOff.
    """
    if new.webhook_url is not None:
        webhook_outbox.check_address("webhook_url", new.webhook_url)
        webhook_outbox.secret_key()
    count = len(new.images) or len(new.again) - bool(new.again and new.has_mask)
    asked = Parameters(
        prompt=new.prompt,
        pictures=count,
        mask=new.has_mask,
        strength=new.strength,
        expand=new.expand,
    )
    check_parameters(asked, model, jobs.runtime().registry.models.values())
    prompt = styled(new.prompt, new.style)
    if len(prompt) > model.max_prompt:
        raise Invalid.field("prompt", "invalid.prompt_length", max=model.max_prompt)
    if new.n > model.max_images:
        raise Invalid.field("n", "invalid.n", max=model.max_images)
    if new.n > (most := jobs.runtime().config.USER_MAX_PENDING):
        raise Invalid.field("n", "invalid.n_pending", max=most)
    if new.seed >= 0 and not model.takes_seed:
        raise Invalid.field("seed", "invalid.seed_unsupported")
    return prompt


def named_by(principal: Principal, new: NewTask) -> list[Named]:
    """
    What is to go in, looked up.

    Raises:
        Invalid: as in `create`.
    """
    if new.again:
        return list(new.again)
    if not new.images and new.mask is None:
        return []
    return inputs.look_up(principal, new.images, new.mask)


def build(
    new: NewTask,
    model: Model,
    prompt: str,
    named: Sequence[Named] = (),
    made: Sequence[Input] = (),
    **known_by: str | None,
) -> dict:
    """
    The task as it is stored.

    Args:
        prompt: As it is sent.
        named: The pictures that go in, as they were named.
        made: The same as they are kept.
        known_by: Fields by which a request that comes again finds it.

    Raises:
        Invalid: as in `create`.
    """
    size = size_of(new, model, made)
    now = utcnow()
    return Task.row(
        user_id=new.user_id,
        input={**plain(new), **inputs.written(named, made)} if made else plain(new),
        prompt=prompt,
        model=model.id,
        provider=model.provider,
        lane=model.lane,
        req_key=model.req_key,
        width=size[0] if size else 1,
        height=size[1] if size else 1,
        unsized=None if size else True,
        n=new.n,
        seed=seed_of(new, model),
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
        updated_at=now,
        **({"id": new.id} if new.id else {}),
        **of_inputs(new, made),
        **known_by,
    )


def plain(new: NewTask) -> dict:
    """The request as it came, but for what is stored otherwise, or never as text."""
    elsewhere = ("images", "mask", "metadata")
    kept = {k: v for k, v in new.given.items() if k not in elsewhere}
    return kept | ({"expand": asdict(new.expand)} if new.expand else {})


def size_of(
    new: NewTask, model: Model, made: Sequence[Input]
) -> tuple[int, int] | None:
    """
    The sides of what is drawn; None before all that they follow from is known.

    Raises:
        Invalid: the model does not draw it, or does not take what goes in.
    """
    if not made:
        return model.resolve_size(new.size, new.quality)
    jobs.check_inputs(model, made, has_mask=new.has_mask)
    pictures = made[: len(made) - new.has_mask]
    sizes = [each.size for each in pictures]
    return drawn_size(model, new.size, new.quality, pictures=sizes, expand=new.expand)


def of_inputs(new: NewTask, made: Sequence[Input]) -> dict:
    """What the record says of the pictures that go in; nothing where none does."""
    if not made:
        return {}
    return {
        "inputs": [each.id for each in made],
        "has_mask": new.has_mask or None,
        "strength": new.strength,
        "expand": asdict(new.expand) if new.expand else None,
        "made_from": [
            {"input": each.id, **({"picture": each.picture} if each.picture else {})}
            for each in made
        ],
    }


def seed_of(new: NewTask, model: Model) -> int | None:
    """The seed that is sent: the caller's or a new one; none where none is taken."""
    if not model.takes_seed:
        return None
    return new.seed if new.seed >= 0 else jobs.new_seed()


def styled(prompt: str, style: str | None) -> str:
    """The prompt with the words of the style behind it; a named one is expanded."""
    if not style:
        return prompt
    words = styles.expand(style)
    return f"{prompt}，{words}" if prompt else words


def fingerprint(new: NewTask, named: Sequence[Named] = ()) -> str:
    """What two requests under one key must have in common."""
    body = new.wishes
    if named:  # pictures by their bytes: no two forms that hold the same are the same
        body["inputs"] = [[each.field, each.mark] for each in named]
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def earlier(new: NewTask, idem_key: str | None, mark: str | None) -> Task | None:
    """
    The task that an earlier request made under the same key, or under a derived id.

    Args:
        mark: The `fingerprint` that goes with the key.

    Raises:
        IdempotencyKeyReused: as `repeating.earlier`.
    """
    if new.id is not None:
        return Task.find_one({"_id": new.id, "user_id": new.user_id})
    if idem_key is None:
        return None
    return idempotency.earlier(Task, new.user_id, idem_key, mark or "")
