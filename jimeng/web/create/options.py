"""The form's options for a model, and the nearest of them to a requested value."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from jimeng import jobs
from jimeng.billing import costs
from jimeng.errors import Invalid
from jimeng.i18n import MESSAGES, in_language, language, t
from jimeng.providers import Model, VideoParameters
from jimeng.providers.models import Makes, Size
from jimeng.providers.models.model import parse_size
from jimeng.providers.models.output_size import resolve_size, size_for_ratio
from jimeng.providers.models.video_validation import with_defaults
from jimeng.web.site.formats import yuan, yuan_short

GLYPH = 14  # units of the longer side of the frame icon of a ratio
STANDARD, HD = "standard", "hd"


@dataclass(frozen=True)
class ModelOption:
    """
    A model that the form offers.

    Attributes:
        value: Its unique name, also where two providers offer the same model.
        label: Its display name.
    """

    value: str
    label: str
    model: Model
    provider: str = ""  # set if there are several

    @property
    def about(self) -> str:
        """Its description; empty if there is none."""
        key = f"model.{self.model.id}"
        return t(key) if key in MESSAGES else ""

    @property
    def price(self) -> str:
        """
        The price range of a picture, or the price of a video as it is by default,
        formatted; empty if unknown.
        """
        price, video = costs.price_by_size(self.model), self.model.video
        if price is None or video is None:
            return "–".join(map(yuan, price.range)) if price else ""
        usual = with_defaults(VideoParameters(), video)
        micros = price.cost(costs.usage_of(usual, video.size_of(usual)))
        return t("video.price", n=usual.duration, price=yuan_short(micros))

    @property
    def video_facts(self) -> str:
        """The capabilities of a video model as one line; empty for a picture model."""
        video = self.model.video
        if video is None:
            return ""
        parts = [
            t("video.lengths", n=ends_of(video.durations)),
            ends_of(video.resolutions),
            t("video.has_sound") if video.audio else "",
            t("video.has_cameras") if video.cameras else "",
            t("video.has_last") if video.first_and_last else "",
            t("video.has_references", n=video.max_references)
            if video.max_references
            else "",
            t("video.takes_about", n=self.seconds),
        ]
        return " · ".join(filter(None, parts))

    @property
    def max_inputs(self) -> int:
        """The most inputs that it accepts."""
        takes = self.model.takes_here
        return takes.most if takes else 0

    @property
    def min_inputs(self) -> int:
        takes = self.model.takes_here
        return takes.least if takes else 0

    @property
    def seconds(self) -> int:
        return round(self.model.typical)

    @property
    def largest(self) -> str:
        """The largest square, in pixels."""
        width, height = self.model.hd_sizes["1:1"]
        return f"{width}×{height}"


@dataclass(frozen=True)
class SizeOption:
    """An aspect ratio that the form offers, and its frame icon."""

    value: str
    width: int
    height: int

    @property
    def label(self) -> str:
        return self.value.replace("x", "×")

    @property
    def glyph(self) -> tuple[float, float]:
        longer = max(self.width, self.height)
        return GLYPH * self.width / longer, GLYPH * self.height / longer


@dataclass(frozen=True)
class Resolution:
    """
    Attributes:
        value: The model's keyword for it, or the name of a quality.
        square: The size of a square, in pixels.
        quality: ``standard`` or ``hd`` if the model has a table of these sizes.
    """

    value: str
    square: Size
    quality: str | None = None

    @property
    def label(self) -> str:
        return t(f"form.{self.value}") if self.value in {STANDARD, HD} else self.value

    @property
    def area(self) -> int:
        return self.square[0] * self.square[1]


def model_options(makes: Makes = "image") -> list[ModelOption]:
    """The models of the registry that the form of pictures, or of videos, supports."""
    registry = jobs.runtime().registry
    several = len(registry.names) > 1
    shown = [m for m in registry.making(makes) if makes == "video" or in_form(m)]
    names = Counter(spoken(model.id) for model in shown)
    return [
        ModelOption(
            model.id if registry.model(model.id, makes=makes) is model else model.lane,
            named(model, alone=names[spoken(model.id)] == 1),
            model,
            in_language(registry.label(model.provider)) if several else "",
        )
        for model in shown
    ]


def named(model: Model, *, alone: bool) -> str:
    """The display name; with the provider if two have a model of this name."""
    if alone:
        return spoken(model.id)
    label = in_language(jobs.runtime().registry.label(model.provider))
    return t("form.model_of", model=spoken(model.id), provider=label)


def name_of_lane(lane: str) -> str:
    """The display name of a lane's model; the lane itself if that is gone."""
    models = jobs.runtime().registry.models
    if lane not in models:
        return lane
    names = [spoken(model.id) for model in models.values()]
    return named(models[lane], alone=names.count(spoken(models[lane].id)) == 1)


def find_model(name: str | None, makes: Makes = "image") -> Model:
    """
    Find a model by name or lane; without a name, the default one.

    Raises:
        NoProvider: no model is configured.
        Invalid: there is no such model, or the form does not support it.
    """
    registry = jobs.runtime().registry
    found = registry.by_lane(name or "")
    if found is None or found.makes != makes:
        found = registry.model(name or None, makes=makes)
    if makes == "image" and found.takes and not in_form(found):
        raise Invalid.field("model", "invalid.images_few", min=found.takes.least)
    return found


def in_form(model: Model) -> bool:
    """
    Whether the form supports the model: it has a prompt and inputs. Masks and edges
    belong to one picture, and so to its page.
    """
    if model.makes != "image":
        return False
    if not model.needs_images:
        return True
    return model.task == "image-to-image" and model.takes_images


# Parts of models' names, the longer ones first.
IN_CHINESE = {
    "Jimeng Video": "即梦视频",
    "Jimeng I2I": "即梦图生图",
    "Jimeng Inpaint": "即梦局部重绘",
    "Jimeng Outpaint": "即梦扩图",
    "Jimeng Upscale": "即梦高清放大",
    "Jimeng": "即梦",
}


def spoken(model_id: str) -> str:
    """The display name of a model: ``doubao-seedream-3.0-t2i`` is Seedream 3.0."""
    plain = model_id.removeprefix("doubao-").removesuffix("-t2i")
    parts = plain.replace("-", " ").title().replace("080P", "080p")
    if language() != "zh":
        return parts
    for english, chinese in IN_CHINESE.items():
        parts = parts.replace(english, chinese)
    return parts


def ends_of(ascending: Iterable[object]) -> str:
    """The first and the last, as ``4–15``; all, if there are no others."""
    found = [str(each) for each in ascending]
    return " / ".join(found) if len(found) < 3 else f"{found[0]}–{found[-1]}"


def resolutions(model: Model) -> list[Resolution]:
    """The model's resolution keywords, and the qualities that no keyword covers."""
    tables = {model.sizes["1:1"]: STANDARD}
    tables.setdefault(model.hd_sizes["1:1"], HD)
    found = [
        Resolution(word, size, tables.get(size))
        for word, size in model.keywords.items()
        if size[0] == size[1] and model.fits(*size)
    ]
    named = {each.square for each in found}
    found += [Resolution(q, size, q) for size, q in tables.items() if size not in named]
    return sorted(found, key=lambda each: each.area)


def usual(offered: Iterable[Resolution]) -> Resolution:
    """The default resolution."""
    return next(each for each in offered if each.quality == STANDARD)


def nearest_ratio(model: Model, size: Size) -> str:
    wanted = math.log(size[0] / size[1])

    def distance(ratio: str) -> float:
        width, height = model.sizes[ratio]
        return abs(math.log(width / height) - wanted)

    return min(model.sizes, key=distance)


def nearest_resolution(
    model: Model, value: str, before: Model | None = None
) -> Resolution:
    """
    The resolution of *model* nearest to *value*.

    Args:
        before: The model for which it was chosen; its standard stays standard.
    """
    offered = resolutions(model)
    if before is not None and before is not model:
        meant = {each.value: each.quality for each in resolutions(before)}
        value = meant.get(value) or value
    by_word = {each.value: each for each in offered}
    by_quality = {each.quality: each for each in offered if each.quality}
    found = by_word.get(value.upper()) or by_word.get(value) or by_quality.get(value)
    if found is not None:
        return found
    if value == HD:
        return offered[-1]
    if value.upper().endswith("K") and value[:-1].replace(".", "", 1).isdecimal():
        area = (float(value[:-1]) * 1024) ** 2
        return min(offered, key=lambda each: abs(each.area - area))
    return usual(offered)


def fitting_size(model: Model, size: str) -> tuple[str, str | None]:
    """
    The aspect ratio nearest to *size*, and the resolution if *size* implies one.

    A size in pixels that the model accepts is not changed, unless it is that of a
    ratio.
    """
    if size in model.sizes:
        return size, None
    if size.upper() in model.keywords:
        return "1:1", size.upper()
    pixels = parse_size(size) or ratio_of(size)
    if pixels is None:
        return "1:1", None
    for each in resolutions(model):
        for ratio in model.sizes:
            if size_for_ratio(model, ratio, each.area) == pixels:
                return ratio, each.value
    if parse_size(size) and model.fits(*pixels):
        return f"{pixels[0]}x{pixels[1]}", None
    return nearest_ratio(model, pixels), None


def ratio_of(text: str) -> Size | None:
    across, colon, down = text.partition(":")
    if not colon or len(text) > 9 or not (across + down).isdecimal():
        return None
    size = int(across or 0), int(down or 0)
    return size if all(size) else None


def size_options(model: Model, chosen: str) -> list[SizeOption]:
    """The model's aspect ratios, and the requested size if it is none of them."""
    options = [SizeOption(ratio, *size) for ratio, size in model.sizes.items()]
    if chosen not in model.sizes:
        try:
            options.append(SizeOption(chosen, *resolve_size(model, chosen)))
        except Invalid:
            return options
    return options
