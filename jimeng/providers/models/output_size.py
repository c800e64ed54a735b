"""Compute the size of a model's output: from a ratio, or the request and inputs."""

import math
import re
from collections.abc import Mapping, Sequence

from jimeng.errors import Invalid
from jimeng.providers.models.model import Expansion, Model, Size, parse_size

STEP = 16  # pixels: some models round sides to multiples of it
EXACT_STEP = 8  # pixels: the same for sizes that have their ratio exactly
AREA_TOLERANCE = 0.1  # the share of an area by which such a size may exceed it
RATIO_TOLERANCE = 0.05  # the share of a ratio by which any other size may miss it
RATIO = re.compile(r"([1-9]\d{0,3})\s*[:/]\s*([1-9]\d{0,3})", re.ASCII)
MAX_EXACT_RATIO = 64  # ratios of smaller numbers are exact to the pixel


def resolve_size(model: Model, size: str | None, quality: str = "standard") -> Size:
    """
    Resolve a requested size to width and height in pixels: the one rule of all
    interfaces.

    Args:
        size: ``WIDTHxHEIGHT``, enlarged with its ratio if it is too small; a ratio, a
            keyword of the model, or None.
        quality: ``hd`` selects the largest area if *size* leaves it open.

    Raises:
        Invalid: the model supports nothing as large, or with such a ratio. The message
            names the nearest size, and lists the valid ones.
    """
    table = model.hd_sizes if quality == "hd" else model.sizes
    if size is None:
        return table["1:1"]
    if size in table:
        return table[size]
    if size.upper() in model.keywords:
        return model.keywords[size.upper()]
    if pixels := parse_size(size):
        return enlarge_to_fit(model, *pixels)
    if ratio := RATIO.fullmatch(size):
        return size_for_ratio(model, f"{ratio[1]}:{ratio[2]}", None, quality)
    raise refusal(model)


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
    raise refusal(model, (width, height), width * height)


def refusal(model: Model, like_this: Size | None = None, area: int = 0) -> Invalid:
    """
    The error of a size that the model does not make.

    Args:
        like_this: Its width and height, or its ratio; None if it is neither.
        area: In pixels.
    """
    key, told = "invalid.size", {"named": " ".join([*model.sizes, *model.keywords])}
    if model.sides:
        low, high = model.sides
        least, most = low**2, high**2
    else:
        key = "invalid.size_area"
        least, most = low, high = model.area or (1, 99_999**2)
        told["ratio"] = f"{model.max_ratio or 99_999:g}"
    if like_this:
        key += "_near"
        size = like(model, like_this, model.sizes, min(max(area, least), most))
        told["nearest"] = "{}x{}".format(*size)
    return Invalid.field("size", key, min=low, max=high, **told)


def size_for_ratio(
    model: Model, ratio: str, area: int | None = None, quality: str = "standard"
) -> Size:
    """
    The size in pixels for an aspect ratio: the one in the model's tables, else one with
    exactly that ratio if it is not much larger than *area*, else one near the ratio.

    Args:
        ratio: Such as ``21:9``; any integers, not only the ratios of the tables.
        area: Width times height, in pixels; None for that of *quality*.
        quality: ``hd`` selects the largest area.

    Raises:
        Invalid: the model does not support the ratio; the message lists the sizes.
    """
    usual = model.hd_sizes if quality == "hd" else model.sizes
    area = area or math.prod(usual["1:1"])
    across, down = wanted = lowest_terms(ratio)
    for table in (usual, model.sizes, model.hd_sizes):
        if math.prod(table["1:1"]) == area:
            for name, size in table.items():
                if lowest_terms(name) == wanted:
                    return size
    side = math.isqrt(area)
    if across == down and model.fits(side, side):
        return side, side
    # Round up: the area may be the model's minimum.
    units = math.ceil(math.sqrt(area / (across * down)) / EXACT_STEP) * EXACT_STEP
    exact = across * units, down * units
    if model.fits(*exact) and math.prod(exact) <= area * (1 + AREA_TOLERANCE):
        return exact
    near = like(model, wanted, usual, area)
    if abs(near[0] * down / (near[1] * across) - 1) <= RATIO_TOLERANCE:
        return near
    if ratio in usual:
        return usual[ratio]
    raise refusal(model, wanted, area)


def lowest_terms(ratio: str) -> tuple[int, int]:
    """``21:9`` is (7, 3)."""
    across, down = map(int, ratio.split(":"))
    divisor = math.gcd(across, down)
    return across // divisor, down // divisor


def size_of_output(
    model: Model,
    size: str | None,
    quality: str = "standard",
    *,
    pictures: Sequence[Size | None] = (),
    expand: Expansion | None = None,
) -> Size | None:
    """
    Compute width and height of the output, in pixels.

    Args:
        size: As in `resolve_size`. If the size follows from the input, only that
            exact size is accepted. With inputs, None selects the aspect ratio of the
            first one.
        pictures: Width and height of each input, in order; None for one whose size is
            not known yet.

    Returns:
        None if the size follows from an input whose size is not known yet.

    Raises:
        Invalid: the model does not support it; the message lists the valid sizes.
    """
    if not pictures or (size is not None and not model.follows):
        return resolve_size(model, size, quality)
    first = pictures[0]
    if model.task == "upscaling":
        return enlarged(model, size, quality, first)
    if not model.follows:
        table = model.hd_sizes if quality == "hd" else model.sizes
        return first and like(model, first, table, math.prod(table["1:1"]))
    sent = first and shrunk(first, model)
    grown = sent and (expand.applied(*sent) if expand else sent)
    if size is not None and (grown is None or size != f"{grown[0]}x{grown[1]}"):
        raise Invalid.field("size", "invalid.size_follows")
    return grown


def shrunk(picture: Size, model: Model) -> Size:
    """Return the size of *picture*, shrunk to the model's maximum side."""
    most = model.takes.sides[1] if model.takes else max(picture)
    share = min(1, most / max(picture))
    return max(round(picture[0] * share), 1), max(round(picture[1] * share), 1)


def enlarged(
    model: Model, size: str | None, quality: str, picture: Size | None
) -> Size | None:
    """Return the upscaled size: the longer side is that of the named size *size*."""
    named = {keyword: max(each) for keyword, each in model.keywords.items()}
    sizes = {
        keyword: (round(w * long / max(w, h)), round(h * long / max(w, h)))
        for keyword, long in named.items()
        for w, h in [picture or (1, 1)]
    }
    in_order = sorted(named, key=lambda keyword: named[keyword])
    keyword = (size or in_order[-1 if quality == "hd" else 0]).upper()
    spelt = {f"{w}X{h}": keyword for keyword, (w, h) in sizes.items() if picture}
    keyword = spelt.get(keyword, keyword)
    if keyword not in named:
        raise Invalid.field("size", "invalid.size_named", named=" ".join(in_order))
    if picture is None:
        return None
    if max(picture) >= named[keyword]:
        raise Invalid.field("size", "invalid.size_reached", max=named[keyword])
    return sizes[keyword]


def like(model: Model, picture: Size, table: Mapping[str, Size], area: int) -> Size:
    """Return a size with about that area and the aspect ratio of *picture*."""
    limit, least, most = model.max_ratio or math.inf, 0.0, math.inf
    if model.sides:
        least, most = model.sides
        limit = most / least
    ratio = picture[0] / picture[1]
    slim = min(max(ratio, 1 / ratio), limit)
    for long in steps(min(max(math.sqrt(area * slim), least * slim), most)):
        for short in steps(long / slim):
            found = (long, short) if ratio >= 1 else (short, long)
            if model.fits(*found):
                return found
    return nearest(table, ratio)


def steps(side: float) -> list[int]:
    """Return multiples of `STEP` within two steps of *side*, the nearest first."""
    whole = round(side / STEP)
    return [max(whole + each, 1) * STEP for each in (0, -1, 1, -2, 2)]


def nearest(table: Mapping[str, Size], ratio: float) -> Size:
    """Return the size of *table* whose aspect ratio is nearest to *ratio*."""
    return min(
        table.values(), key=lambda each: abs(math.log(each[0] / each[1] / ratio))
    )
