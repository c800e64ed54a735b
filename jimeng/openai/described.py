"""
What requests and answers look like here, for the description of the API.

Nothing is checked by these shapes: clients send far more, and `reading` takes it.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from marshmallow import EXCLUDE, fields

from jimeng.api.openapi import errors
from jimeng.api.openapi.blueprint import ErrorShape
from jimeng.api.openapi.parts import Words
from jimeng.i18n import MESSAGES
from jimeng.openai.failures import INVALID, NAMES, NO_MODEL, TYPES, type_of
from jimeng.openai.parameters import LONGEST_PROMPT, MOST_PICTURES
from jimeng.openai.parameters import TYPES as FORMATS
from jimeng.openai.sizes import QUALITIES
from jimeng.schemas import MOST_IMAGES, MOST_SEED, MOST_STYLE, REFERENCE, Strict, unless
from jimeng.schemas.fields import (
    Between,
    File,
    Flag,
    Long,
    Many,
    OneOf,
    Text,
    Texts,
    Whole,
)
from jimeng.schemas.kinds import Reply, a, address, count, list_of, one_of, some, text

TASK = "volcengine_img_06axe07c1r4m5k8v9s2t3w6x7y8z9q"
LINK = f"https://pictures.example.com/i/{TASK}_0.png"
STATUSES = {
    "validation_failed": INVALID,
    "model_not_found": NO_MODEL,
    "wait_over": 504,
    "server_stopping": 503,
    "task_cancelled": 409,
    "content_refused_prompt": 400,
    "provider_failed": 502,
}
# Of requests that draw, beside those of every request.
DRAWING = [
    *("model_not_found", "content_refused_prompt", "provider_failed"),
    *("task_cancelled", "wait_over", "server_stopping"),
    *("too_many_pending", "too_many_submissions", "quota_exceeded"),
    *("key_too_many_submissions", "key_quota_exceeded", "model_not_allowed"),
    *("too_many_waiting", "starts_too_late", "uploads_full", "server_busy"),
    *("queue_unavailable", "no_provider", "intake_paused", "storage_full"),
    *("idempotency_key_invalid", "idempotency_key_reused"),
]


def optional(kind: Callable[..., fields.Field], *args: Any, **more: Any) -> Any:
    """A field that may be null, which is as if it were not there."""
    return kind(*args, allow_none=True, **more)


class ImageRequest(Strict):
    """What both operations take."""

    class Meta:
        unknown = EXCLUDE  # what only other services know is ignored

    model = optional(Text, validate=Long(1, 200))
    n = optional(Whole, validate=Between(1, MOST_PICTURES))
    size = optional(Text, validate=Long(1, 20))
    aspect_ratio = optional(Text, validate=Long(1, 20))
    quality = optional(Text, validate=OneOf(*QUALITIES))
    style = optional(Text, validate=Long(1, MOST_STYLE))
    seed = optional(Whole, validate=Between(-1, MOST_SEED))
    background = optional(Text, validate=OneOf("auto", "opaque"))
    response_format = optional(Text, validate=OneOf("url", "b64_json"))
    output_format = optional(Text, validate=OneOf(*FORMATS))
    output_compression = optional(Whole, validate=Between(0, 100))
    stream = optional(Flag)
    partial_images = optional(Whole)
    input_fidelity = optional(Text)
    moderation = optional(Text)
    user = optional(Text)


class CreateImageRequest(ImageRequest):
    """``POST /v1/images/generations``."""

    rules: ClassVar = unless("images", "prompt")
    examples: ClassVar = {
        "minimal": {"prompt": "一只可爱的小猫咪在花园里玩耍"},
        "usual": {"model": "gpt-image-1", "prompt": "海边的灯塔", "size": "1024x1024"}
        | {"n": 2, "quality": "high", "response_format": "url"},
        "stream": {"prompt": "海边的灯塔", "stream": True},
    }

    prompt = Text(validate=Long(1, LONGEST_PROMPT))
    images = Texts(Text(validate=REFERENCE), validate=Many(1, MOST_IMAGES))


class CreateImageEditRequest(ImageRequest):
    """``POST /v1/images/edits`` in JSON."""

    examples: ClassVar = {
        "usual": {"prompt": "戴上帽子", "images": [LINK], "size": "auto"}
    }

    prompt = optional(Text, validate=Long(1, LONGEST_PROMPT))
    images = Texts(
        Text(validate=REFERENCE), required=True, validate=Many(1, MOST_IMAGES)
    )
    mask = optional(Text, validate=REFERENCE)


class CreateImageEditForm(ImageRequest):
    """The same as a form, as the official SDKs send it."""

    examples: ClassVar = {"usual": {"prompt": "戴上帽子", "image": ["photo.png"]}}

    prompt = optional(Text, validate=Long(1, LONGEST_PROMPT))
    image = fields.List(File(), required=True, validate=Many(1, MOST_IMAGES))
    mask = File()


class OpenAIImage(Reply):
    b64_json = text(required=False)
    url = address(required=False, example=LINK)
    revised_prompt = text(example="海边的灯塔")
    seed = count(required=False, example=42)


class ImagesResponse(Reply):
    created = count(example=1795572622)
    size = text(example="1024x1024")
    quality = one_of(*QUALITIES)
    output_format = one_of("png", "jpeg", "webp")
    background = one_of("opaque")
    task_id = text(example=TASK)
    failed = count(required=False)
    data = some(OpenAIImage)


class OpenAIModelTraits(Reply):
    model = text(example="doubao-seedream-3.0-t2i")
    sizes = list_of(fields.String(), example=["1:1", "16:9"])
    max_images = count(example=4)


class OpenAIModel(Reply):
    id = text(example="doubao-seedream-3.0-t2i")
    object = one_of("model")
    created = count(example=1735689600)
    owned_by = text(example="volcengine_jimeng")
    jimeng = a(OpenAIModelTraits)


class OpenAIModelList(Reply):
    object = one_of("list")
    data = some(OpenAIModel)


class OpenAIErrorDetails(Reply):
    message = text(example="…")
    type = one_of(*TYPES.values(), "invalid_request_error", "server_error")
    param = text(null=True)
    code = text(example="…")
    request_id = text(example="3f2a9c0d5b7e4c1a8d6f0e12")
    task_id = text(required=False)
    charged = one_of("no", "unknown", "yes", required=False)
    result_url = address(required=False)


class OpenAIError(Reply):
    error = a(OpenAIErrorDetails)


def stream_of(name: str) -> str:
    """What a stream of the events *name* looks like."""
    data = (
        f'{{"type": "{name}.completed", "created_at": 1795572622, '
        '"b64_json": "iVBORw0…", "size": "1024x1024", "output_format": "png"}'
    )
    return f": still drawing\n\nevent: {name}.completed\ndata: {data}\n\n"


def failed(code: str) -> tuple[int, str, Words, dict]:
    """How *code* is told here: status, code, words and a body."""
    status = STATUSES.get(code) or errors.statuses()[code]
    said, param = errors.words(code), None
    if code == "validation_failed":
        said = MESSAGES["openai.invalid"]
        code, param = "invalid_size", "size"
    elif code == "model_not_found":
        param = "model"
    code = NAMES.get(code, code)
    error: dict = {"message": said, "type": TYPES.get(status, type_of(status))}
    error |= {"param": param, "code": code}
    return status, code, said, {"error": {**error, "request_id": errors.REQUEST_ID}}


ERRORS = ErrorShape(OpenAIError, failed)
