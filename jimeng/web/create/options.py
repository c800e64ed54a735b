"""What the form offers of a model, and the nearest of it to what was asked for."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from jimeng import jobs
from jimeng.errors import Invalid
from jimeng.i18n import MESSAGES, in_language, language, t
from jimeng.providers import Model
from jimeng.providers.models import Size
from jimeng.providers.models.model import parse_size

GLYPH = 14  # units of the longer side of the little frame beside a ratio
STEP = 8  # pixels, of the sides of a size that no table has
STANDARD, HD = "standard", "hd"


@dataclass(frozen=True)
class ModelOption:
    """
    A model that can be chosen.

    Attributes:
        value: What names it, also where two providers offer one of its name.
        label: Its name, as people say it.
    """

    value: str
    label: str
    model: Model
    provider: str = ""  # said where there are several

    @property
    def about(self) -> str:
        """What it is good for; empty where nobody has said."""
        key = f"model.{self.model.id}"
        return t(key) if key in MESSAGES else ""

    @property
    def price(self) -> str:
        """Of a picture: from the least to the most; empty if nobody knows."""
        price = self.model.dearest
        return "–".join(map(yuan, price.range)) if price else ""

    @property
    def most(self) -> int:
        """How many pictures it draws from."""
        takes = self.model.takes_here
        return takes.most if takes else 0

    @property
    def seconds(self) -> int:
        return round(self.model.typical)

    @property
    def largest(self) -> str:
        """The most pixels of a square."""
        width, height = self.model.hd_sizes["1:1"]
        return f"{width}×{height}"


@dataclass(frozen=True)
class SizeOption:
    """A shape that can be chosen, and the little frame that stands for it."""

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
        value: The model's word for it, or the name of a quality.
        square: What a square has, in pixels.
        quality: ``standard`` or ``hd`` if the model has a table of such sizes.
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


def yuan(fen: int) -> str:
    return f"¥{fen / 100:.2f}"


def model_options() -> list[ModelOption]:
    """Those of the registry, each once: two providers may offer the same."""
    registry = jobs.runtime().registry
    models = registry.models.values()
    several = len(registry.names) > 1
    shown = [model for model in models if in_form(model)]
    names = Counter(spoken(model.id) for model in shown)
    return [
        ModelOption(
            model.id if registry.model(model.id) is model else model.lane,
            named(model, alone=names[spoken(model.id)] == 1),
            model,
            in_language(registry.label(model.provider)) if several else "",
        )
        for model in shown
    ]


def named(model: Model, *, alone: bool) -> str:
    """As people say it; with its provider where two have one of the name."""
    if alone:
        return spoken(model.id)
    label = in_language(jobs.runtime().registry.label(model.provider))
    return t("form.model_of", model=spoken(model.id), provider=label)


def find_model(name: str | None) -> Model:
    """
    The model of that name or lane, the usual one for none.

    Raises:
        NoProvider: there are no models at all.
        Invalid: there is no such model, or the form has not all that it needs.
    """
    registry = jobs.runtime().registry
    found = registry.by_lane(name or "") or registry.model(name or None)
    if found.takes and not in_form(found):
        raise Invalid.field("model", "invalid.images_few", min=found.takes.least)
    return found


def in_form(model: Model) -> bool:
    """
    Whether the form has all that it needs: words, and pictures where these can be sent.
    Masks and edges belong to a picture, and so to its page.
    """
    if not model.needs_images:
        return True
    return model.task == "image-to-image" and model.takes_images


def spoken(model_id: str) -> str:
    """``doubao-seedream-3.0-t2i`` is Seedream 3.0."""
    plain = model_id.removeprefix("doubao-").removesuffix("-t2i")
    words = plain.replace("-", " ").title()
    return words.replace("Jimeng", t("app.title")) if language() == "zh" else words


def resolutions(model: Model) -> list[Resolution]:
    """The model's own words, and the qualities that none of them stands for."""
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
    """What is drawn where nothing is said."""
    return next(each for each in offered if each.quality == STANDARD)


def size_of(model: Model, ratio: str, resolution: Resolution) -> Size:
    """Pixels of a shape: those of the model's table, or of the same area."""
    if resolution.quality is not None:
        table = model.hd_sizes if resolution.quality == HD else model.sizes
        return table[ratio]
    if ratio == "1:1":
        return resolution.square
    across, down = map(int, ratio.split(":"))
    common = math.gcd(across, down)
    across, down = across // common, down // common
    # Not below the area: it may be the least that the model takes.
    unit = math.sqrt(resolution.area / (across * down)) / STEP
    scale = math.ceil(unit) * STEP
    size = (across * scale, down * scale)
    return size if model.fits(*size) else model.sizes[ratio]


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
    What *value* means to *model*.

    Args:
        before: The model for which it was chosen: its standard is the other's too.
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
    The shape nearest to *size*, and the resolution if *size* says that too.

    Pixels that the model draws stay as they are, unless a shape has just these.
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
            if size_of(model, ratio, each) == pixels:
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
    """The model's shapes, and the one that was asked for if it is another."""
    options = [SizeOption(ratio, *size) for ratio, size in model.sizes.items()]
    if chosen not in model.sizes:
        try:
            options.append(SizeOption(chosen, *model.resolve_size(chosen)))
        except Invalid:
            return options
    return options
