"""Resolve the requested size to pixels that the model supports."""

import math

from jimeng.providers import Model
from jimeng.providers.models.model import Size, parse_size
from jimeng.providers.models.output_size import RATIO, resolve_size, size_for_ratio

QUALITIES = ("auto", "low", "medium", "high", "xhigh", "max", "standard", "hd")
# The area of a quality, if size leaves it open and the model has that keyword.
STEPS = {"low": "1K", "medium": "2K", "high": "4K"}
LARGEST = ("xhigh", "max", "hd")


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
    if size and parse_size(size):
        return resolve_size(model, size)
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
        return resolve_size(model, shape)  # its error lists the sizes
    area = math.prod(model.keywords[keyword]) if keyword in model.keywords else None
    table = "hd" if is_largest(model, quality) else "standard"
    return size_for_ratio(model, f"{found[1]}:{found[2]}", area, table)


def is_largest(model: Model, quality: str) -> bool:
    lacks = quality in {"medium", "high"} and STEPS[quality] not in model.keywords
    return quality in LARGEST or lacks
