"""The layout of a picture on a page: aspect ratio, `srcset`, and long prompts."""

import math
from unicodedata import east_asian_width

from flask import url_for

from jimeng.documents import Image
from jimeng.pictures import PREVIEW_SIDE, THUMBNAIL_SIDE
from jimeng.web import bp

# Of the narrowest column that a page shows a prompt in: a Latin letter takes one
# column, a Chinese character two.
COLLAPSED_LINES, LINE_CHARS = 5, 36
STEP = 1.04  # factor between two ratios; the cropped remainder is not visible
MAX_STEPS = 36  # from the square, to a little more than 4:1


def nearest(width: int, height: int) -> int:
    """The nearest aspect ratio of the stylesheet, in hundredths of width by height."""
    if width <= 0 or height <= 0:
        return of_step(0)  # unknown size
    step = round(math.log(width / height) / math.log(STEP))
    return of_step(max(-MAX_STEPS, min(step, MAX_STEPS)))


def of_step(step: int) -> int:
    return round(100 * STEP**step)


def rules() -> str:
    """
    The CSS rules for ``data-ratio``: pages may not contain inline styles, so the
    stylesheet has one rule for each ratio.
    """
    ratios = (of_step(step) for step in range(-MAX_STEPS, MAX_STEPS + 1))
    return "\n".join(f'[data-ratio="{n}"] {{ --ratio: {n / 100}; }}' for n in ratios)


@bp.app_template_test("long")
def is_long(prompt: str) -> bool:
    """Whether a prompt fills more lines than a page shows collapsed."""
    rows = (
        sum(1 + (east_asian_width(c) in "WF") for c in row)
        for row in prompt.split("\n")
    )
    return sum(max(math.ceil(row / LINE_CHARS), 1) for row in rows) > COLLAPSED_LINES


def srcset(image: Image) -> str:
    """The `srcset` of a picture's stored small sizes; empty if there is only one."""
    return srcset_of(
        image,
        url_for("web.thumbnail", key=image.key),
        url_for("web.preview", key=image.key),
    )


def srcset_of(image: Image, thumbnail: str, preview: str) -> str:
    """The same for small sizes at these URLs."""
    if not image.preview_id:
        return ""
    addresses = {THUMBNAIL_SIDE: thumbnail, PREVIEW_SIDE: preview}
    longer = max(image.width, image.height)
    each = (
        f"{address} {round(min(side, longer) * image.width / longer)}w"
        for side, address in addresses.items()
    )
    return ", ".join(each)
