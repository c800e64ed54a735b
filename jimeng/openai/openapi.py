"""
Schemas of requests and responses, for the OpenAPI document.

Requests are not loaded by these schemas, because clients send far more fields:
`requests` parses them, and checks each field that it reads against this description.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from marshmallow import EXCLUDE, fields

from jimeng.api.openapi import errors
from jimeng.api.openapi.blueprint import ErrorShape
from jimeng.api.openapi.parts import Bilingual
from jimeng.documents.webhook import TASK_EVENTS
from jimeng.errors import LimitReached, codes_of, statuses
from jimeng.i18n import MESSAGES
from jimeng.openai.errors import INVALID, NAMES, NO_MODEL, TYPES, type_of
from jimeng.openai.sizes import QUALITIES
from jimeng.providers.models.model import MAX_OUTPUTS
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    Boolean,
    File,
    Integer,
    Length,
    Metadata,
    OneOf,
    Range,
    Reply,
    Strict,
    StringList,
    Text,
    address,
    count,
    list_of,
    nested,
    nested_list,
    text,
)
from jimeng.schemas.tasks import (
    MAX_IMAGES,
    MAX_SEED,
    MAX_STYLE,
    REFERENCE,
    USER_ID,
    unless,
)
from jimeng.webhooks.outbox import MAX_URL_CHARS

MAX_PROMPT = 32_000  # characters that OpenAI's API takes; models here take fewer
FORMATS = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "webp": "image/webp",
}
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
# Error codes of requests that draw, in addition to those of every request.
DRAWING = [
    *("model_not_found", "content_refused_prompt", "provider_failed"),
    *("task_cancelled", "wait_over", "server_stopping"),
    *codes_of(LimitReached),
    "model_not_allowed",
    *("too_many_waiting", "starts_too_late", "uploads_full", "server_busy"),
    *("queue_unavailable", "no_provider", "intake_paused", "storage_full"),
    *("idempotency_key_invalid", "idempotency_key_reused", "webhooks_off"),
]


def optional(kind: Callable[..., fields.Field], *args: Any, **more: Any) -> Any:
    """A field that may be null, which means omitted."""
    return kind(*args, allow_none=True, **more)


class CommonRequest(Strict):
    """The common part of the operations that create pictures and videos."""

    class Meta:
        unknown = EXCLUDE  # fields of other services are ignored

    seed = optional(Integer, field_descriptions.SEED, validate=Range(-1, MAX_SEED))
    metadata = optional(Metadata, field_descriptions.METADATA)
    webhook_url = optional(
        Text, field_descriptions.WEBHOOK_URL, validate=Length(1, MAX_URL_CHARS)
    )
    webhook_events = optional(
        StringList,
        field_descriptions.WEBHOOK_EVENTS,
        each=Text(validate=OneOf(*TASK_EVENTS)),
        validate=Length(1, 3),
    )
    user = optional(
        Text,
        "With a key that has the scope act_for: the customer whose task it is, an id "
        "under the key's prefix, anything else is a 400; without it, the key owner's. "
        "Without effect with other keys",
    )
    user_id = optional(Text, "The same as user; give one")


class ImageRequest(CommonRequest):
    """The parameters of both operations."""

    model = optional(
        Text,
        "A model's name, see `/v1/models`; the names built into clients, "
        "`gpt-image-*`, `chatgpt-image-*` and `dall-e-*`, mean the default model",
        validate=Length(1, 200),
    )
    n = optional(Integer, field_descriptions.N, validate=Range(1, MAX_OUTPUTS))
    size = optional(
        Text,
        "auto, WIDTHxHEIGHT, a ratio, or a size that the model names; sizes "
        "below the model's minimum are scaled up, keeping the ratio",
        validate=Length(1, 20),
    )
    aspect_ratio = optional(
        Text,
        "The ratio where size gives no width and height; also as aspectRatio or ratio",
        validate=Length(1, 20),
    )
    quality = optional(
        Text,
        "How large, where size gives no width and height: low 1K, medium 2K, high 4K, "
        "max and hd the largest",
        validate=OneOf(*QUALITIES),
    )
    style = optional(
        Text,
        "Any but vivid and natural is added to the prompt",
        validate=Length(1, MAX_STYLE),
    )
    background = optional(
        Text, field_descriptions.BACKGROUND, validate=OneOf("auto", "opaque")
    )
    response_format = optional(
        Text,
        "url or b64_json; by default b64_json for gpt-image* and chatgpt-image*, url "
        "for all others",
        validate=OneOf("url", "b64_json"),
    )
    output_format = optional(
        Text, field_descriptions.OUTPUT_FORMAT, validate=OneOf(*FORMATS)
    )
    output_compression = optional(
        Integer,
        "The quality of jpeg and webp, 0 to 100",
        validate=Range(0, 100),
    )
    stream = optional(
        Boolean,
        "true: the answer is a stream of events, one for each picture",
    )
    partial_images = optional(Integer, "Accepted; there are no partial pictures")
    input_fidelity = optional(Text, field_descriptions.NO_EFFECT)
    moderation = optional(Text, field_descriptions.NO_EFFECT)


class CreateImageRequest(ImageRequest):
    """``POST /v1/images/generations``."""

    rules: ClassVar = unless("images", "prompt")
    examples: ClassVar = {
        "minimal": {"prompt": "一只可爱的小猫咪在花园里玩耍"},
        "usual": {"model": "gpt-image-1", "prompt": "海边的灯塔", "size": "1024x1024"}
        | {"n": 2, "quality": "high", "response_format": "url"},
        "stream": {"prompt": "海边的灯塔", "stream": True},
    }

    prompt = Text(field_descriptions.PROMPT, validate=Length(1, MAX_PROMPT))
    images = StringList(
        field_descriptions.IMAGES,
        each=Text(validate=REFERENCE),
        validate=Length(1, MAX_IMAGES),
    )


class CreateImageEditRequest(ImageRequest):
    """``POST /v1/images/edits`` in JSON."""

    examples: ClassVar = {
        "usual": {"prompt": "戴上帽子", "images": [LINK], "size": "auto"}
    }

    prompt = optional(Text, field_descriptions.PROMPT, validate=Length(1, MAX_PROMPT))
    images = StringList(
        field_descriptions.IMAGES,
        each=Text(validate=REFERENCE),
        required=True,
        validate=Length(1, MAX_IMAGES),
    )
    mask = optional(Text, field_descriptions.EDIT_MASK, validate=REFERENCE)


class CreateImageEditForm(ImageRequest):
    """The same as a form, as the official SDKs send it."""

    examples: ClassVar = {"usual": {"prompt": "戴上帽子", "image": ["photo.png"]}}

    prompt = optional(Text, field_descriptions.PROMPT, validate=Length(1, MAX_PROMPT))
    image = StringList(
        "The pictures that go in, repeated for several; `image[]` and `image[0]` mean "
        "the same",
        each=File(),
        required=True,
        validate=Length(1, MAX_IMAGES),
    )
    mask = File(field_descriptions.EDIT_MASK)


class OpenAIImage(Reply):
    b64_json = text("The picture itself, as base64", required=False)
    url = address(
        "A link to the picture; it does not expire and needs no key",
        required=False,
        example=LINK,
    )
    revised_prompt = text("The prompt; nothing rewrites it", example="海边的灯塔")
    seed = count(field_descriptions.SEED, required=False, example=42)


class ImagesResponse(Reply):
    created = count(field_descriptions.CREATED, example=1795572622)
    size = text("The size that the picture has", example="1024x1024")
    quality = text(field_descriptions.QUALITY, choices=QUALITIES)
    output_format = text(
        field_descriptions.OUTPUT_FORMAT, choices=("png", "jpeg", "webp")
    )
    background = text(field_descriptions.BACKGROUND, choices=("opaque",))
    task_id = text(field_descriptions.TASK_ID, example=TASK)
    user_id = USER_ID
    cost = text(field_descriptions.COST, null=True, example="0.20")
    cost_micros = count(field_descriptions.COST_MICROS, null=True, example=200000)
    failed = count(
        "How many are missing; omitted if none is",
        required=False,
    )
    data = nested_list("The pictures", OpenAIImage)


class OpenAIModelTraits(Reply):
    model = text("The model that it means", example="doubao-seedream-3.0-t2i")
    makes = text(field_descriptions.MAKES, choices=("image", "video"), example="image")
    sizes = list_of(
        "The sizes and ratios that it names",
        fields.String(),
        example=["1:1", "16:9"],
    )
    max_images = count(field_descriptions.MAX_IMAGES, example=4)


class OpenAIModel(Reply):
    id = text("Its name, for model", example="doubao-seedream-3.0-t2i")
    object = text(field_descriptions.OBJECT, choices=("model",))
    created = count(field_descriptions.CREATED, example=1735689600)
    owned_by = text("Who offers it", example="volcengine_jimeng")
    jimeng = nested("What this server says of it", OpenAIModelTraits)


class OpenAIModelList(Reply):
    object = text(field_descriptions.OBJECT, choices=("list",))
    data = nested_list("The models", OpenAIModel)


class OpenAIErrorDetails(Reply):
    message = text(field_descriptions.MESSAGE, example="…")
    type = text(
        "The kind of error",
        choices=(*TYPES.values(), "invalid_request_error", "server_error"),
    )
    param = text(
        "The field that is wrong; null if it is none",
        null=True,
    )
    code = text("The code, for programs", example="…")
    request_id = text(field_descriptions.REQUEST_ID, example="3f2a9c0d5b7e4c1a8d6f0e12")
    task_id = text(
        "The task that was created; without it nothing was",
        required=False,
    )
    charged = text(
        "Whether the task was charged",
        choices=("no", "unknown", "yes"),
        required=False,
    )
    result_url = address("Where the task's result is", required=False)


class OpenAIError(Reply):
    error = nested("What is wrong", OpenAIErrorDetails)


def stream_of(name: str) -> str:
    """An example of a stream of the events *name*."""
    data = (
        f'{{"type": "{name}.completed", "created_at": 1795572622, '
        '"b64_json": "iVBORw0…", "size": "1024x1024", "output_format": "png"}'
    )
    return f": still drawing\n\nevent: {name}.completed\ndata: {data}\n\n"


def failed(code: str) -> tuple[int, str, Bilingual, dict]:
    """How *code* is reported here: status, OpenAI's code, message and body."""
    status = STATUSES.get(code) or statuses()[code]
    said, param = errors.message_of(code), None
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
