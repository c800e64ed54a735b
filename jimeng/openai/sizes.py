"""Resolve the requested size to pixels that the model supports."""

import math
import re

from jimeng.providers import Model
from jimeng.providers.models.model import Size, parse_size

QUALITIES = ("auto", "low", "medium", "high", "xhigh", "max", "standard", "hd")
# The area of a quality, if size leaves it open and the model has that keyword.
STEPS = {"low": "1K", "medium": "2K", "high": "4K"}
LARGEST = ("xhigh", "max", "hd")
RATIO = re.compile(r"([1-9]\d{0,3})\s*[:/]\s*([1-9]\d{0,3})", re.ASCII)
SAME_AREA_TOLERANCE = 0.2  # areas that differ by less are the same step
MAX_EXACT_RATIO = 64  # ratios of smaller numbers are exact to the pixel


def choose(
    model: Model, size: str | None, ratio: str | None = None, quality: str = "auto"
) -> Size:
    """
    The width and height in pixels.

    Args:
        size: ``WIDTHxHEIGHT``, enlarged if the model requires it; a ratio, a keyword
            such as ``2K``, or None.
        ratio: Used if *size* has none.
        quality: One of `QUALITIES`; used if *size* leaves the area open.

    Raises:
        Invalid: the model supports nothing as large, or with such a ratio.
    """
    pixels = parse_size(size) if size else None
    if pixels:
        return enlarge_to_fit(model, *pixels)
    shape, area = size, None
    if size and size.upper() in model.keywords:
        shape, area = None, math.prod(model.keywords[size.upper()])
    shape = shape or ratio or "1:1"
    found = RATIO.fullmatch(shape)
    if found is None:
        return model.resolve_size(shape)  # its error lists the sizes
    across, down = int(found[1]), int(found[2])
    divisor = math.gcd(across, down)
    return size_for_ratio(model, across // divisor, down // divisor, area, quality)


def size_for_ratio(
    model: Model, across: int, down: int, area: int | None, quality: str
) -> Size:
    """The model's recommended size for a ratio, or one computed from the area."""
    name = f"{across}:{down}"
    table = model.hd_sizes if is_largest(model, quality) else model.sizes
    if area is None and quality in STEPS and STEPS[quality] in model.keywords:
        area = math.prod(model.keywords[STEPS[quality]])
    if area is None and name in table:
        return table[name]
    area = area or math.prod(table["1:1"])
    for each in (model.sizes, model.hd_sizes):
        if (
            name in each
            and abs(math.prod(each[name]) / area - 1) <= SAME_AREA_TOLERANCE
        ):
            return each[name]
    factor = math.sqrt(area / (across * down))
    most = math.floor(factor * max_scale(model, across, down, factor))
    return enlarge_to_fit(model, across * max(most, 1), down * max(most, 1))


def is_largest(model: Model, quality: str) -> bool:
    lacks = quality in {"medium", "high"} and STEPS[quality] not in model.keywords
    return quality in LARGEST or lacks


def max_scale(model: Model, across: int, down: int, factor: float) -> float:
    """The scale, at most 1, that fits *factor* times the ratio into the limits."""
    bounds = [1.0]
    if model.sides:
        bounds.append(model.sides[1] / (factor * max(across, down)))
    if model.area:
        bounds.append(math.sqrt(model.area[1] / (factor**2 * across * down)))
    return min(bounds)


def enlarge_to_fit(model: Model, width: int, height: int) -> Size:
    """
    The smallest supported size with that ratio, at least as large.

    Raises:
        Invalid: there is none.
    """
    if model.fits(width, height):
        return width, height
    bounds = [1.0]
    if model.sides:
        bounds.append(model.sides[0] / min(width, height))
    if model.area:
        bounds.append(math.sqrt(model.area[0] / (width * height)))
    divisor = math.gcd(width, height)
    across, down = width // divisor, height // divisor
    if max(across, down) <= MAX_EXACT_RATIO:
        times = math.ceil(max(bounds) * divisor)
        found = across * times, down * times
    else:
        found = math.ceil(width * max(bounds)), math.ceil(height * max(bounds))
    if model.fits(*found):
        return found
    return model.resolve_size(f"{width}x{height}")  # raises with the reason
