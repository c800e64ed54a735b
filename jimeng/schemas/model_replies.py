"""What the REST API says of models, their prices, and styles."""

from collections.abc import Mapping

from marshmallow import fields

from jimeng import jobs
from jimeng.i18n import in_language, t
from jimeng.providers import Model
from jimeng.providers.models.takes import PROMPTS, TASKS
from jimeng.schemas.kinds import (
    Reply,
    a,
    day,
    entries,
    flag,
    list_of,
    one_of,
    some,
    text,
    whole,
)
from jimeng.schemas.task_replies import MODEL, PROVIDER
from jimeng.tasks import Estimate


def pixels(name: str, example: dict) -> fields.Field:
    def of(model: Model) -> dict[str, str]:
        named: Mapping[str, tuple[int, int]] = getattr(model, name)
        return {each: f"{width}x{height}" for each, (width, height) in named.items()}

    return entries(of, example=example, additionalProperties={"type": "string"})


def limit(name: str, place: int, example: int | None = None) -> fields.Field:
    """One end of a model's range, null where there is none."""

    def of(model: Model) -> float | None:
        return (getattr(model, name) or (None, None))[place]

    return whole(of, null=True, example=example)


class Sizes(Reply):
    ratios = pixels("sizes", {"1:1": "1328x1328", "16:9": "1664x936"})
    hd_ratios = pixels("hd_sizes", {"1:1": "2048x2048", "16:9": "2048x1152"})
    keywords = pixels("keywords", {"1K": "1328x1328", "2K": "2048x2048"})
    min_side = limit("sides", 0, 512)
    max_side = limit("sides", 1, 2048)
    min_area = limit("area", 0)
    max_area = limit("area", 1)
    max_ratio = fields.Float(required=True, allow_none=True)


class Inputs(Reply):
    """The pictures that a model takes in, of its `takes`."""

    min = whole("least", minimum=0, example=1)
    max = whole("most", minimum=1, example=1)
    min_side = whole(lambda takes: takes.sides[0], minimum=1, example=32)
    max_side = whole(lambda takes: takes.sides[1], minimum=1, example=4096)
    max_ratio = fields.Float(required=True, allow_none=True)
    mask = flag()
    strength = flag(lambda takes: takes.strength is not None)
    expand = fields.Float(required=True, allow_none=True, metadata={"examples": [None]})
    prompt = one_of(*PROMPTS, example="required")


class PriceStep(Reply):
    up_to_pixels = whole("up_to", null=True, minimum=1, example=None)
    fen = whole(minimum=0, example=22)


class PriceRecord(Reply):
    """What one picture costs at the provider."""

    currency = one_of("CNY", of=lambda price: "CNY", example="CNY")
    steps = some(PriceStep)
    as_of = day(null=True, example="2026-09-30")


class CostRecord(Reply):
    """What pictures would cost at the provider, by the list of prices."""

    currency = one_of("CNY", of=lambda estimate: "CNY", example="CNY")
    fen = whole(minimum=0, example=22)
    fen_of_all = whole(minimum=0, example=44)
    as_of = day(
        lambda estimate: estimate.model.dearest.as_of, null=True, example="2026-09-30"
    )


class EstimateRecord(Reply):
    """What a request would create, where nothing is created."""

    dry_run = flag(lambda estimate: True, example=True)
    model = text(lambda estimate: estimate.model.id, example=MODEL)
    provider = text(lambda estimate: estimate.model.provider, example=PROVIDER)
    n = whole(minimum=1, example=2)
    width = whole(
        lambda estimate: side(estimate, 0), null=True, minimum=1, example=1328
    )
    height = whole(
        lambda estimate: side(estimate, 1), null=True, minimum=1, example=1328
    )
    cost = a(
        CostRecord,
        lambda estimate: None if estimate.fen is None else estimate,
        null=True,
        example=...,
    )


def side(estimate: Estimate, which: int) -> int | None:
    return estimate.size[which] if estimate.size else None


def why_not(model: Model) -> str | None:
    """Why its pictures cannot be sent from here."""
    return t(f"lacks.{model.lacks}") if model.lacks else None


class ModelRecord(Reply):
    """What can be asked of a model."""

    id = text(example=MODEL)
    provider = text(example=PROVIDER)
    task = one_of(*TASKS, example="text-to-image")
    aliases = list_of(
        text(example="jimeng-3.0"), lambda model: sorted(model.names - {model.id})
    )
    sizes = a(Sizes, lambda model: model)
    max_images = whole(minimum=1, example=4)
    max_prompt = whole(minimum=1, example=800)
    takes_images = flag(example=True)
    inputs = a(Inputs, "takes", null=True)
    inputs_unavailable = text(why_not, null=True, example=None)
    takes_seed = flag()
    price = a(PriceRecord, null=True, example=...)
    default = flag(lambda model: model is jobs.runtime().registry.default())


class StyleRecord(Reply):
    id = text(example="ink")
    name = text(lambda style: in_language(style.names), example=("水墨", "Ink wash"))
    name_zh = text("zh", example="水墨")
    name_en = text("en", example="Ink wash")
    phrase = text(example="中国水墨画，留白，墨色浓淡相宜，宣纸质感")
