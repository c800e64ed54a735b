"""Resolve the requested size to pixels that the model supports."""

import math
import re

from jimeng.providers import Model
from jimeng.providers.models.model import Size, parse_size
from jimeng.providers.models.output_size import size_for_ratio

QUALITIES = ("auto", "low", "medium", "high", "xhigh", "max", "standard", "hd")
# The area of a quality, if size leaves it open and the model has that keyword.
STEPS = {"low": "1K", "medium": "2K", "high": "4K"}
LARGEST = ("xhigh", "max", "hd")
RATIO = re.compile(r"([1-9]\d{0,3})\s*[:/]\s*([1-9]\d{0,3})", re.ASCII)
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
    keyword = size.upper() if size else ""
    if keyword not in model.keywords:
        keyword = STEPS.get(quality, "")
    elif ratio is None:
        return model.keywords[keyword]
    else:
        size = None
    shape = size or ratio or "1:1"
    found = RATIO.fullmatch(shape)
    if found is None:
        return model.resolve_size(shape)  # its error lists the sizes
    area = math.prod(model.keywords[keyword]) if keyword in model.keywords else None
    table = "hd" if is_largest(model, quality) else "standard"
    return size_for_ratio(model, f"{found[1]}:{found[2]}", area, table)


def is_largest(model: Model, quality: str) -> bool:
    lacks = quality in {"medium", "high"} and STEPS[quality] not in model.keywords
    return quality in LARGEST or lacks


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
