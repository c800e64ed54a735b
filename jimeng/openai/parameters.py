"""Translate the parameters of OpenAI's API into this server's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jimeng import tasks
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.openai import model_names, sizes
from jimeng.openai.inputs import images_of, mask_of
from jimeng.openai.openapi import FORMATS
from jimeng.openai.requests import Body
from jimeng.providers import Model
from jimeng.schemas.fields import USER_ID, Range

# OpenAI's own styles, which have no effect here; any other is a style of ours.
THEIR_STYLES = ("vivid", "natural")
SIDE = Range(1, 99_999)  # pixels


@dataclass(frozen=True, kw_only=True)
class ImagesRequest:
    """
    Attributes:
        new: For `tasks.create`.
        quality: As in the request.
        with_bytes: Whether the response contains the pictures as base64.
        content_type: Their format then.
        compression: 0 to 100, for JPEG and WebP; None for the default.
        stream: Whether the response is a stream of events.
    """

    new: tasks.Request
    quality: str
    with_bytes: bool
    content_type: str
    compression: int | None
    stream: bool


def parse_request(body: Body, principal: Principal) -> ImagesRequest:
    """
    Raises:
        Invalid: a known field has an invalid value.
        NoProvider: as `model_names.find`.
    """
    name, images, mask = body.text("model"), images_of(body), mask_of(body)
    model = model_names.find(name, images=len(images), mask=mask is not None)
    prompt = body.text("prompt")
    if prompt is None and not images:  # with inputs, the model decides
        raise Invalid.field("prompt", "invalid.prompt_empty")
    if body.choice("background", "transparent") == "transparent":
        raise Invalid.field("background", "invalid.opaque_only")
    quality = body.choice("quality") or "auto"
    size, ratio = size_of(body), ratio_of(body)
    if model.follows:
        size = size if size and size.upper() in model.keywords else None
    elif size or ratio or not images:
        size = "{}x{}".format(*sizes.choose(model, size, ratio, quality))
    form = body.choice("response_format")
    wants_bytes = form is None and model_names.answers_with_bytes(name)
    kind = body.choice("output_format") or "png"
    new = tasks.Request(
        user_id=owner_of(body.fields, principal),
        prompt=prompt or "",
        model=model.id,
        provider=model.provider,
        size=size,
        quality="hd" if sizes.is_largest(model, quality) else "standard",
        style=style_of(body),
        n=body.whole("n") or 1,
        seed=seed_of(body, model),
        images=images,
        mask=mask,
        metadata=body.pairs("metadata"),
        webhook_url=body.text("webhook_url"),
        webhook_events=body.choices("webhook_events"),
    )
    return ImagesRequest(
        new=replace(new, received=request_record(new)),
        quality=quality,
        with_bytes=wants_bytes or form == "b64_json",
        content_type=FORMATS[kind],
        compression=body.whole("output_compression"),
        stream=body.switch("stream"),
    )


def request_record(new: tasks.Request) -> dict:
    """The request in terms of this server's own API, stored with the task."""
    fields = ("prompt", "model", "size", "style", "n", "seed")
    record = {field: getattr(new, field) for field in fields}
    record = {
        field: each for field, each in record.items() if each not in (None, -1, "")
    }
    if new.size is None and new.quality != "standard":
        record["quality"] = new.quality
    return record


def owner_of(fields: Mapping[str, object], principal: Principal) -> str:
    """
    The customer named by ``user`` or ``user_id``, if the key acts for customers; the
    key's owner if none is named. Other keys send free text as ``user``.

    Raises:
        Invalid: the key acts for customers, and the name is not one of theirs, or there
            are two: the owner must not pay for a customer with a misspelt name.
    """
    prefix = principal.user_prefix
    customer: str | None = None
    for name in ("user", "user_id") if prefix else ():
        if name not in fields:
            continue
        user = str(fields[name])  # no other type begins with a prefix
        if not (user.startswith(prefix) and USER_ID.fullmatch(user)):
            raise Invalid.field(name, "invalid.customer", prefix=prefix)
        if customer not in (None, user):
            raise Invalid.field(name, "invalid.two_customers")
        customer = user
    return customer or principal.user_id


def size_of(body: Body) -> str | None:
    """The requested size, or None; some clients send width and height separately."""
    size = body.text("size")
    if size is not None:
        return None if size.lower() == "auto" else size
    width, height = body.whole("width", SIDE), body.whole("height", SIDE)
    return f"{width}x{height}" if width and height else None


def ratio_of(body: Body) -> str | None:
    ratio = body.text("aspect_ratio", "aspectRatio", "ratio")
    return None if ratio is None or ratio.lower() == "auto" else ratio


def style_of(body: Body) -> str | None:
    style = body.text("style")
    return None if style is None or style.lower() in THEIR_STYLES else style


def seed_of(body: Body, model: Model) -> int:
    """The seed, or -1 for a random one; clients send seeds to models without, too."""
    seed = body.whole("seed")
    return seed if model.takes_seed and seed is not None else -1
