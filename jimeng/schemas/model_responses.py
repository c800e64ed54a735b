"""REST responses: models, their prices, and styles."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from marshmallow import fields

from jimeng import jobs
from jimeng.i18n import in_language, t
from jimeng.jobs import costs
from jimeng.providers import Model
from jimeng.providers.models.model import FEN, PROMPTS, TASKS, UNITS
from jimeng.providers.models.video import MODES, VideoModel
from jimeng.schemas import field_descriptions
from jimeng.schemas.fields import (
    NestedReply,
    Reply,
    a,
    day,
    entries,
    flag,
    list_of,
    number,
    some,
    text,
    whole,
)
from jimeng.schemas.tasks import MODEL, PROVIDER
from jimeng.tasks import Estimate


def pixels(chinese: str, english: str, name: str, example: dict) -> fields.Field:
    def of(model: Model) -> dict[str, str]:
        named: Mapping[str, tuple[int, int]] = getattr(model, name)
        return {each: f"{width}x{height}" for each, (width, height) in named.items()}

    return entries(
        chinese,
        english,
        of=of,
        example=example,
        additionalProperties={"type": "string"},
    )


def limit(
    chinese: str, english: str, name: str, index: int, example: int | None = None
) -> fields.Field:
    """One bound of a model's range, or null."""

    def of(model: Model) -> float | None:
        return (getattr(model, name) or (None, None))[index]

    return whole(chinese, english, of=of, null=True, example=example)


class Sizes(Reply):
    ratios = pixels(
        "比例 → 像素",
        "Ratio → pixels",
        "sizes",
        {"1:1": "1328x1328", "16:9": "1664x936"},
    )
    hd_ratios = pixels(
        "quality 为 hd 时的比例 → 像素",
        "Ratio → pixels with quality hd",
        "hd_sizes",
        {"1:1": "2048x2048", "16:9": "2048x1152"},
    )
    keywords = pixels(
        "名称 → 像素",
        "Name → pixels",
        "keywords",
        {"1K": "1328x1328", "2K": "2048x2048"},
    )
    min_side = limit(*field_descriptions.MIN_SIDE, "sides", 0, 512)
    max_side = limit(*field_descriptions.MAX_SIDE, "sides", 1, 2048)
    min_area = limit("宽乘高至少，像素", "Minimum width × height, in pixels", "area", 0)
    max_area = limit("宽乘高至多，像素", "Maximum width × height, in pixels", "area", 1)
    max_ratio = number(*field_descriptions.MAX_RATIO, null=True)


class Inputs(Reply):
    """The input pictures that a model accepts."""

    min = whole("至少几张", "Fewest pictures", of="least", minimum=0, example=1)
    max = whole("至多几张", "Most pictures", of="most", minimum=1, example=1)
    min_side = whole(
        *field_descriptions.MIN_SIDE,
        of=lambda takes: takes.sides[0],
        minimum=1,
        example=32,
    )
    max_side = whole(
        *field_descriptions.MAX_SIDE,
        of=lambda takes: takes.sides[1],
        minimum=1,
        example=4096,
    )
    max_ratio = number(*field_descriptions.MAX_RATIO, null=True)
    mask = flag("是否必须带蒙版", "Whether a mask must come with them")
    strength = flag(
        "能否设置 strength",
        "Whether strength may be given",
        of=lambda takes: takes.strength is not None,
    )
    expand = number(
        "每边最多扩多少（占边长的份额）；null 表示不能扩图",
        "Maximum extension of an edge, as a share of its side; null: cannot extend",
        null=True,
        examples=[None],
    )
    prompt = text(
        "提示词必填、可选，还是没有",
        "Whether the prompt is required, optional, or must be left out",
        choices=PROMPTS,
        example="required",
    )


def fen(micros: int | None) -> int | None:
    """Round up to whole fen."""
    return None if micros is None else -(-micros // FEN)


class PriceStep(Reply):
    up_to_pixels = whole(
        "到多少像素为止；null 没有上限",
        "Up to how many pixels; null: any",
        of="up_to",
        null=True,
        minimum=1,
        example=None,
    )
    resolution = text(
        "只用于这个分辨率的视频；null 不限",
        "Only for videos of this resolution; null: any",
        null=True,
        example=None,
    )
    sound = flag(
        "只用于有声或无声的视频；null 不限",
        "Only for videos with sound or without; null: both",
        null=True,
        example=None,
    )
    micros = whole(*field_descriptions.MICROS, minimum=0, example=220_000)
    fen = whole(
        "分（百分之一元），向上取整",
        "Fen: hundredths of a yuan, rounded up",
        of=lambda step: fen(step.micros),
        minimum=0,
        example=22,
    )


class PriceRecord(Reply):
    """The provider's price of one unit: a picture, or a unit of a video's usage."""

    currency = text(
        *field_descriptions.CURRENCY,
        choices=("CNY",),
        of=lambda price: "CNY",
        example="CNY",
    )
    unit = text(
        "按什么计价：一张图片，或视频的一秒、一百万 token",
        "What the price is for: a picture, or a second or a million tokens of a video",
        choices=UNITS,
        example="picture",
    )
    steps = some(
        "图片按像素（宽乘高），从小到大；视频按分辨率和声音，靠前的优先。最后一级适用于其余所有",
        "Of pictures by pixels (width × height), the smallest first; of videos by "
        "resolution and sound, the first that applies. The last covers all others",
        PriceStep,
    )
    as_of = day(*field_descriptions.AS_OF, null=True, example="2026-09-30")


def of_each(read: Callable[[Estimate], object]) -> Callable[[Any], object]:
    """Apply *read* to a task's estimate, or to that of each task of a batch."""
    return lambda found: read(getattr(found, "each", found))


def date_of_price(estimate: Estimate) -> date | None:
    return estimate.price.as_of if estimate.price else None


class CostRecord(NestedReply):
    """The provider's price of a task's pictures, or of each task of a batch."""

    inner = "each"

    currency = text(
        *field_descriptions.CURRENCY,
        choices=("CNY",),
        of=lambda estimate: "CNY",
        example="CNY",
    )
    micros = whole(*field_descriptions.MICROS, minimum=0, example=220_000)
    micros_of_all = whole(
        "全部图片，百万分之一元",
        "Of all pictures, in millionths of a yuan",
        minimum=0,
        example=440_000,
    )
    fen = whole(
        "一张，分（百分之一元），向上取整",
        "Of one picture, in fen (hundredths of a yuan), rounded up",
        of=of_each(lambda one: fen(one.micros)),
        minimum=0,
        example=22,
    )
    fen_of_all = whole(
        "全部图片，分，向上取整",
        "Of all pictures, in fen, rounded up",
        of=lambda found: fen(found.micros_of_all),
        minimum=0,
        example=44,
    )
    as_of = day(
        *field_descriptions.AS_OF,
        of=of_each(date_of_price),
        null=True,
        example="2026-09-30",
    )


class EstimateRecord(NestedReply):
    """The estimate of a request."""

    inner = "each"

    dry_run = flag(
        "true：什么也没有创建",
        "true: nothing was created",
        of=lambda estimate: True,
        example=True,
    )
    model = text(
        *field_descriptions.MODEL, of=of_each(lambda one: one.model.id), example=MODEL
    )
    provider = text(
        *field_descriptions.PROVIDER,
        of=of_each(lambda one: one.model.provider),
        example=PROVIDER,
    )
    n = whole(*field_descriptions.N, minimum=1, example=2)
    width = whole(
        "宽，像素；null 表示取决于给出的图片",
        "Pixels; null if it depends on the input pictures",
        of=of_each(lambda one: one.size[0] if one.size else None),
        null=True,
        minimum=1,
        example=1328,
    )
    height = whole(
        "高，像素；null 表示取决于给出的图片",
        "Pixels; null if it depends on the input pictures",
        of=of_each(lambda one: one.size[1] if one.size else None),
        null=True,
        minimum=1,
        example=1328,
    )
    cost = a(
        "按价格表在服务商处的费用；null 表示不知道",
        "The provider's price by the price list; null if unknown",
        CostRecord,
        of=lambda found: None if found.micros_of_all is None else found,
        null=True,
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
        "可以从什么开始：只有提示词、首帧、首尾帧、参考图、首帧加运镜",
        "What it can start from: the prompt alone, a first frame, first and last "
        "frame, reference pictures, a first frame with a camera movement",
        text(choices=MODES, example="text-to-video"),
    )
    durations = list_of(
        "可以选的时长，秒", "The durations that it offers, in seconds", whole(example=5)
    )
    default_duration = whole(
        "默认时长，秒", "Default duration, in seconds", minimum=1, example=5
    )
    resolutions = entries(
        "清晰度 → 比例 → 像素",
        "Resolution → ratio → pixels",
        of=video_sizes,
        example={"720p": {"16:9": "1280x720", "9:16": "720x1280"}},
        additionalProperties={
            "type": "object",
            "additionalProperties": {"type": "string"},
        },
    )
    default_resolution = text("默认清晰度", "Default resolution", example="720p")
    adaptive = flag(
        "ratio 能否为 adaptive：取首帧的比例",
        "Whether ratio may be adaptive: that of the first frame",
        example=True,
    )
    follows_frame = flag(
        "有首帧时是否总是取它的比例",
        "Whether the ratio is always that of the first frame if there is one",
    )
    audio = flag(
        "能否要声音；不要就没有",
        "Whether sound may be requested; it is off otherwise",
    )
    cameras = list_of("可以选的运镜", "The camera movements", text(example="robo_arm"))
    camera_strengths = list_of(
        "运镜的强度", "How strongly the camera moves", text(example="medium")
    )
    camera_fixed = flag("能否固定镜头", "Whether the camera can be held still")
    return_last_frame = flag(
        "能否同时返回尾帧图片",
        "Whether the last frame can be returned as a picture",
        of="last_frame_output",
    )
    max_references = whole(
        "至多几张参考图；0 表示不接受",
        "Maximum number of reference pictures; 0 if none",
        minimum=0,
        example=9,
    )


def why_not(model: Model) -> str | None:
    """Why inputs cannot be sent to the model from this server."""
    return t(f"lacks.{model.lacks}") if model.lacks else None


class ModelRecord(Reply):
    """A model and what it accepts."""

    id = text(*field_descriptions.ID, example=MODEL)
    provider = text(*field_descriptions.PROVIDER, example=PROVIDER)
    makes = text(*field_descriptions.MAKES, choices=("image", "video"), example="image")
    task = text(
        "做什么：文生图、图生图、局部重绘、扩图、放大、文生视频、图生视频",
        "What it does: text to image, image to image, inpaint, outpaint, upscale, "
        "text to video, image to video",
        choices=TASKS,
        example="text-to-image",
    )
    aliases = list_of(
        "model 也接受的其他名称",
        "Other names that model accepts",
        text(example="jimeng-3.0"),
        of=lambda model: sorted(model.names - {model.id}),
    )
    sizes = a(
        "图片有名称的尺寸和其余尺寸的限制；null 表示没有这个限制",
        "Of pictures: named sizes, and the limits for all others; null means no limit",
        Sizes,
        of=lambda model: model,
    )
    max_images = whole(*field_descriptions.MAX_IMAGES, minimum=1, example=4)
    max_prompt = whole(
        "提示词最多几个字符", "Maximum characters of the prompt", minimum=1, example=800
    )
    takes_images = flag(
        "从这台服务器能否给它图片",
        "Whether this server can send input pictures to it",
        example=True,
    )
    inputs = a(
        "它接受的图片；null 表示不接受",
        "The input pictures that it accepts; null if none",
        Inputs,
        of="takes",
        null=True,
    )
    inputs_unavailable = text(
        "为什么从这里给不了图片；null 表示可以",
        "Why this server cannot send input pictures to it; null if it can",
        of=why_not,
        null=True,
        example=None,
    )
    takes_seed = flag("是否接受种子", "Whether it accepts a seed")
    video = a(
        "能生成怎样的视频；null 表示它生成图片",
        "The videos that it makes; null if it makes pictures",
        VideoTraits,
        null=True,
    )
    price = a(
        "一张图片在服务商处的价格；null 表示不知道",
        "The provider's price of one picture; null if unknown",
        PriceRecord,
        of=lambda model: costs.price_by_size(model),
        null=True,
        example=...,
    )
    default = flag(
        "不写 model 时用它",
        "Whether it is used if model is omitted",
        of=lambda model: model is jobs.runtime().registry.default(makes=model.makes),
    )


class StyleRecord(Reply):
    id = text(*field_descriptions.ID, example="ink")
    name = text(
        "名称，按请求的语言",
        "Name, in the request's language",
        of=lambda style: in_language(style.names),
        example=("水墨", "Ink wash"),
    )
    name_zh = text("中文名称", "Chinese name", of="zh", example="水墨")
    name_en = text("英文名称", "English name", of="en", example="Ink wash")
    phrase = text(
        "加在提示词后的文字",
        "Text appended to the prompt",
        example="中国水墨画，留白，墨色浓淡相宜，宣纸质感",
    )
