"""Sizes: from what a client wrote to pixels that the model draws."""

import math
import re

from jimeng.providers import Model
from jimeng.providers.models.model import Size, parse_size

QUALITIES = ("auto", "low", "medium", "high", "xhigh", "max", "standard", "hd")
# The area that a quality stands for, where size leaves it open and the model has it.
STEPS = {"low": "1K", "medium": "2K", "high": "4K"}
LARGEST = ("xhigh", "max", "hd")
RATIO = re.compile(r"([1-9]\d{0,3})\s*[:/]\s*([1-9]\d{0,3})", re.ASCII)
NEAR = 0.2  # areas that differ by less are the same step
EXACT = 64  # ratios of smaller numbers are kept to the pixel


def choose(
    model: Model, size: str | None, ratio: str | None = None, quality: str = "auto"
) -> Size:
    """
    The pixels to draw.

    Args:
        size: ``WIDTHxHEIGHT``, which is enlarged where the model needs that; a ratio,
            a keyword such as ``2K``, or None.
        ratio: Where *size* has none.
        quality: One of `QUALITIES`; acts where *size* leaves the area open.

    Raises:
        Invalid: nothing that the model draws is as large as that, or so long.
    """
    pixels = parse_size(size) if size else None
    if pixels:
        return enlarged(model, *pixels)
    shape, area = size, None
    if size and size.upper() in model.keywords:
        shape, area = None, math.prod(model.keywords[size.upper()])
    shape = shape or ratio or "1:1"
    found = RATIO.fullmatch(shape)
    if found is None:
        return model.resolve_size(shape)  # which says what there is
    across, down = int(found[1]), int(found[2])
    divisor = math.gcd(across, down)
    return of_shape(model, across // divisor, down // divisor, area, quality)


def of_shape(
    model: Model, across: int, down: int, area: int | None, quality: str
) -> Size:
    """The size that the model recommends for a ratio, or one of that area."""
    name = f"{across}:{down}"
    table = model.hd_sizes if is_largest(model, quality) else model.sizes
    if area is None and quality in STEPS and STEPS[quality] in model.keywords:
        area = math.prod(model.keywords[STEPS[quality]])
    if area is None and name in table:
        return table[name]
    area = area or math.prod(table["1:1"])
    for each in (model.sizes, model.hd_sizes):
        if name in each and abs(math.prod(each[name]) / area - 1) <= NEAR:
            return each[name]
    factor = math.sqrt(area / (across * down))
    most = math.floor(factor * largest(model, across, down, factor))
    return enlarged(model, across * max(most, 1), down * max(most, 1))


def is_largest(model: Model, quality: str) -> bool:
    lacks = quality in {"medium", "high"} and STEPS[quality] not in model.keywords
    return quality in LARGEST or lacks


def largest(model: Model, across: int, down: int, factor: float) -> float:
    """What part of *factor* times the ratio the model can draw; 1 for all of it."""
    bounds = [1.0]
    if model.sides:
        bounds.append(model.sides[1] / (factor * max(across, down)))
    if model.area:
        bounds.append(math.sqrt(model.area[1] / (factor**2 * across * down)))
    return min(bounds)


def enlarged(model: Model, width: int, height: int) -> Size:
    """
    The smallest size of that ratio, and no smaller, that the model draws.

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
    if max(across, down) <= EXACT:
        times = math.ceil(max(bounds) * divisor)
        found = across * times, down * times
    else:
        found = math.ceil(width * max(bounds)), math.ceil(height * max(bounds))
    if model.fits(*found):
        return found
    return model.resolve_size(f"{width}x{height}")  # which refuses, and says why
