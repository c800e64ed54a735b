"""REST responses: models, their prices, and styles."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from marshmallow import fields

from jimeng import jobs
from jimeng.billing import costs
from jimeng.i18n import explain, in_language, t
from jimeng.providers import Model
from jimeng.providers.models.model import FEN, PROMPTS, TASKS, UNITS
from jimeng.providers.models.video import MODES, VideoModel
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    NestedReply,
    Reply,
    boolean,
    day,
    entries,
    instant,
    integer,
    list_of,
    nested,
    nested_list,
    number,
    text,
)
from jimeng.schemas.tasks import MODEL, PROVIDER, TASK
from jimeng.tasks import BulkEstimate, Decision, Estimate


def pixels(description: str, name: str, example: dict) -> fields.Field:
    def of(model: Model) -> dict[str, str]:
        named: Mapping[str, tuple[int, int]] = getattr(model, name)
        return {each: f"{width}x{height}" for each, (width, height) in named.items()}

    return entries(
        description,
        of=of,
        example=example,
        additionalProperties={"type": "string"},
    )


def limit(
    description: str, name: str, index: int, example: int | None = None
) -> fields.Field:
    """One bound of a model's range, or null."""

    def of(model: Model) -> float | None:
        return (getattr(model, name) or (None, None))[index]

    return integer(description, of=of, null=True, example=example)


class Sizes(Reply):
    ratios = pixels(
        "Ratio → pixels",
        "sizes",
        {"1:1": "1328x1328", "16:9": "1664x936"},
    )
    hd_ratios = pixels(
        "Ratio → pixels with quality hd",
        "hd_sizes",
        {"1:1": "2048x2048", "16:9": "2048x1152"},
    )
    keywords = pixels(
        "Name → pixels",
        "keywords",
        {"1K": "1328x1328", "2K": "2048x2048"},
    )
    min_side = limit(field_descriptions.MIN_SIDE, "sides", 0, 512)
    max_side = limit(field_descriptions.MAX_SIDE, "sides", 1, 2048)
    min_area = limit("Minimum width × height, in pixels", "area", 0)
    max_area = limit("Maximum width × height, in pixels", "area", 1)
    max_ratio = number(field_descriptions.MAX_RATIO, null=True)


class Inputs(Reply):
    """The input pictures that a model accepts."""

    min = integer("Fewest pictures", of="least", minimum=0, example=1)
    max = integer("Most pictures", of="most", minimum=1, example=1)
    min_side = integer(
        field_descriptions.MIN_SIDE,
        of=lambda takes: takes.sides[0],
        minimum=1,
        example=32,
    )
    max_side = integer(
        field_descriptions.MAX_SIDE,
        of=lambda takes: takes.sides[1],
        minimum=1,
        example=4096,
    )
    max_ratio = number(field_descriptions.MAX_RATIO, null=True)
    mask = boolean("Whether a mask must come with them")
    strength = boolean(
        "Whether strength may be given",
        of=lambda takes: takes.strength is not None,
    )
    expand = number(
        "Maximum extension of an edge, as a share of its side; null: cannot extend",
        null=True,
        examples=[None],
    )
    prompt = text(
        "Whether the prompt is required, optional, or must be left out",
        choices=PROMPTS,
        example="required",
    )


def fen(micros: int | None) -> int | None:
    """Round up to whole fen."""
    return None if micros is None else -(-micros // FEN)


class PriceStep(Reply):
    up_to_pixels = integer(
        "Up to how many pixels; null: any",
        of="up_to",
        null=True,
        minimum=1,
        example=None,
    )
    resolution = text(
        "Only for videos of this resolution; null: any",
        null=True,
        example=None,
    )
    sound = boolean(
        "Only for videos with sound or without; null: both",
        null=True,
        example=None,
    )
    micros = integer(field_descriptions.MICROS, minimum=0, example=220_000)
    fen = integer(
        "Fen: hundredths of a yuan, rounded up",
        of=lambda step: fen(step.micros),
        minimum=0,
        example=22,
    )


class PriceRecord(Reply):
    """The provider's price of one unit: a picture, or a unit of a video's usage."""

    currency = text(
        field_descriptions.CURRENCY,
        choices=("CNY",),
        of=lambda price: "CNY",
        example="CNY",
    )
    unit = text(
        "What the price is for: a picture, or a second or a million tokens of a video",
        choices=UNITS,
        example="picture",
    )
    steps = nested_list(
        "Of pictures by pixels (width × height), the smallest first; of videos by "
        "resolution and sound, the first that applies. The last covers all others",
        PriceStep,
    )
    as_of = day(field_descriptions.AS_OF, null=True, example="2026-09-30")


def of_each(read: Callable[[Estimate], object]) -> Callable[[Any], object]:
    """Apply *read* to a task's estimate, or to that of each task of a batch."""
    return lambda found: read(getattr(found, "each", found))


def date_of_price(estimate: Estimate) -> date | None:
    return estimate.price.as_of if estimate.price else None


class CostRecord(NestedReply):
    """The provider's price of a task's pictures, or of each task of a batch."""

    inner = "each"

    currency = text(
        field_descriptions.CURRENCY,
        choices=("CNY",),
        of=lambda estimate: "CNY",
        example="CNY",
    )
    micros = integer(field_descriptions.MICROS, minimum=0, example=220_000)
    micros_of_all = integer(
        "Of all pictures, in millionths of a yuan",
        minimum=0,
        example=440_000,
    )
    fen = integer(
        "Of one picture, in fen (hundredths of a yuan), rounded up",
        of=of_each(lambda one: fen(one.micros)),
        minimum=0,
        example=22,
    )
    fen_of_all = integer(
        "Of all pictures, in fen, rounded up",
        of=lambda found: fen(found.micros_of_all),
        minimum=0,
        example=44,
    )
    as_of = day(
        field_descriptions.AS_OF,
        of=of_each(date_of_price),
        null=True,
        example="2026-09-30",
    )


class DecisionRecord(Reply):
    """Whether a request would be accepted now: a `Decision`."""

    allowed = boolean(
        "Whether the request would be accepted now", of="is_allowed", example=True
    )
    reason = text(
        "The error code that it would be refused with; for a batch that would be "
        "accepted, what it would wait for before all of it is created. null if nothing "
        "stands in the way",
        of=lambda found: found.error and found.error.code,
        null=True,
    )
    message = text(
        "The reason for people; null without one",
        of=lambda found: found.error and explain(found.error),
        null=True,
    )
    reopens_at = instant(
        "When the limit that is reached counts anew; null if time does not help",
        null=True,
    )


class EstimateRecord(NestedReply):
    """The estimate of a request."""

    inner = "each"

    dry_run = boolean(
        "true: nothing was created",
        of=lambda estimate: True,
        example=True,
    )
    model = text(
        field_descriptions.MODEL, of=of_each(lambda one: one.model.id), example=MODEL
    )
    provider = text(
        field_descriptions.PROVIDER,
        of=of_each(lambda one: one.model.provider),
        example=PROVIDER,
    )
    n = integer(field_descriptions.N, minimum=1, example=2)
    width = integer(
        "Pixels; null if it depends on the input pictures",
        of=of_each(lambda one: one.size[0] if one.size else None),
        null=True,
        minimum=1,
        example=1328,
    )
    height = integer(
        "Pixels; null if it depends on the input pictures",
        of=of_each(lambda one: one.size[1] if one.size else None),
        null=True,
        minimum=1,
        example=1328,
    )
    cost = nested(
        "The provider's price by the price list; null if unknown",
        CostRecord,
        of=lambda found: None if found.micros_of_all is None else found,
        null=True,
        example=...,
    )
    estimate = nested(
        "Whether it would be accepted now; nothing is reserved for it",
        DecisionRecord,
        of="decision",
        example=...,
    )


def micros_of(results: Sequence[BulkEstimate]) -> int | None:
    """The price of those that would be retried; None if one of them is unknown."""
    amounts = [each.micros for each in results if each.decision.is_allowed]
    known = [micros for micros in amounts if micros is not None]
    return sum(known) if len(known) == len(amounts) else None


def in_yuan(micros: int | None) -> str | None:
    return None if micros is None else costs.yuan(micros)


class RetryEstimate(Reply):
    """What the retry of one of several tasks would be: a `BulkEstimate`."""

    task_id = text(field_descriptions.TASK_ID, example=TASK)
    n = integer(
        "How many pictures it would request; null if it cannot be retried",
        null=True,
        minimum=1,
        example=2,
    )
    cost_micros = integer(
        "Of these, in millionths of a yuan; null if unknown",
        of="micros",
        null=True,
        minimum=0,
        example=440_000,
    )
    estimate = nested(
        "Whether it would be accepted, after those before it in the list",
        DecisionRecord,
        of="decision",
        example=...,
    )


class RetryEstimates(Reply):
    """The estimates of a request to retry several tasks, and their sums."""

    dry_run = boolean(
        "true: nothing was created",
        of=lambda results: True,
        example=True,
    )
    results = nested_list(
        field_descriptions.RESULTS, RetryEstimate, of=lambda results: results
    )
    n = integer(
        "How many pictures would be requested in all",
        of=lambda results: sum(
            each.n or 0 for each in results if each.decision.is_allowed
        ),
        minimum=0,
        example=2,
    )
    cost = text(
        "Of these, in yuan, as text; null if unknown",
        of=lambda results: in_yuan(micros_of(results)),
        null=True,
        example="0.44",
    )
    cost_micros = integer(
        "Of these, in millionths of a yuan; null if unknown",
        of=micros_of,
        null=True,
        minimum=0,
        example=440_000,
    )
    estimate = nested(
        "Whether all of them would be accepted; else why the first would not",
        DecisionRecord,
        of=lambda results: next(
            (each.decision for each in results if not each.decision.is_allowed),
            Decision(is_allowed=True),
        ),
        example=...,
    )


def video_sizes(video: VideoModel) -> dict[str, dict[str, str]]:
    return {
        resolution: {
            ratio: f"{width}x{height}" for ratio, (width, height) in its.items()
        }
        for resolution, its in video.resolutions.items()
    }


class VideoTraits(Reply):
    """The options of a video model besides the prompt and the input pictures."""

    modes = list_of(
        "What it can start from: the prompt alone, a first frame, first and last "
        "frame, reference pictures, a first frame with a camera movement",
        text(choices=MODES, example="text-to-video"),
    )
    durations = list_of("The durations that it offers, in seconds", integer(example=5))
    default_duration = integer("Default duration, in seconds", minimum=1, example=5)
    resolutions = entries(
        "Resolution → ratio → pixels",
        of=video_sizes,
        example={"720p": {"16:9": "1280x720", "9:16": "720x1280"}},
        additionalProperties={
            "type": "object",
            "additionalProperties": {"type": "string"},
        },
    )
    default_resolution = text("Default resolution", example="720p")
    adaptive = boolean(
        "Whether ratio may be adaptive: that of the first frame",
        example=True,
    )
    follows_frame = boolean(
        "Whether the ratio is always that of the first frame if there is one",
    )
    audio = boolean(
        "Whether sound may be requested; it is off otherwise",
    )
    cameras = list_of("The camera movements", text(example="robo_arm"))
    camera_strengths = list_of("How strongly the camera moves", text(example="medium"))
    camera_fixed = boolean("Whether the camera can be held still")
    return_last_frame = boolean(
        "Whether the last frame can be returned as a picture",
        of="last_frame_output",
    )
    max_references = integer(
        "Maximum number of reference pictures; 0 if none",
        minimum=0,
        example=9,
    )


def why_not(model: Model) -> str | None:
    """Why inputs cannot be sent to the model from this server."""
    return t(f"lacks.{model.lacks}") if model.lacks else None


def why_no_budget(model: Model) -> str | None:
    """Why a request for it is refused while a budget applies."""
    if costs.price_by_size(model) is not None:
        return None
    return t("error.price_unknown", model=model.id)


class ModelRecord(Reply):
    """A model and what it accepts."""

    id = text(field_descriptions.ID, example=MODEL)
    provider = text(field_descriptions.PROVIDER, example=PROVIDER)
    makes = text(field_descriptions.MAKES, choices=("image", "video"), example="image")
    task = text(
        "What it does: text to image, image to image, inpaint, outpaint, upscale, "
        "text to video, image to video",
        choices=TASKS,
        example="text-to-image",
    )
    aliases = list_of(
        "Other names that model accepts",
        text(example="jimeng-3.0"),
        of=lambda model: sorted(model.names - {model.id}),
    )
    sizes = nested(
        "Of pictures: named sizes, and the limits for all others; null means no limit",
        Sizes,
        of=lambda model: model,
    )
    max_images = integer(field_descriptions.MAX_IMAGES, minimum=1, example=4)
    max_prompt = integer("Maximum characters of the prompt", minimum=1, example=800)
    takes_images = boolean(
        "Whether this server can send input pictures to it",
        example=True,
    )
    inputs = nested(
        "The input pictures that it accepts; null if none",
        Inputs,
        of="takes",
        null=True,
    )
    inputs_unavailable = text(
        "Why this server cannot send input pictures to it; null if it can",
        of=why_not,
        null=True,
        example=None,
    )
    takes_seed = boolean("Whether it accepts a seed")
    video = nested(
        "The videos that it makes; null if it makes pictures",
        VideoTraits,
        null=True,
    )
    price = nested(
        "The provider's price of one picture; null if unknown",
        PriceRecord,
        of=lambda model: costs.price_by_size(model),
        null=True,
        example=...,
    )
    budget_unavailable = text(
        "Why it cannot be used while a budget applies; null if it can",
        of=why_no_budget,
        null=True,
        example=None,
    )
    default = boolean(
        "Whether it is used if model is omitted",
        of=lambda model: model is jobs.runtime().registry.default(makes=model.makes),
    )


class StyleRecord(Reply):
    id = text(field_descriptions.ID, example="ink")
    name = text(
        "Name, in the request's language",
        of=lambda style: in_language(style.names),
        example=("水墨", "Ink wash"),
    )
    name_zh = text("Chinese name", of="zh", example="水墨")
    name_en = text("English name", of="en", example="Ink wash")
    phrase = text(
        "Text appended to the prompt",
        example="中国水墨画，留白，墨色浓淡相宜，宣纸质感",
    )
