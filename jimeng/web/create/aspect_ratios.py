"""The place that a picture takes on a page: its shape, and the sizes to choose from."""

import math
from unicodedata import east_asian_width

from flask import url_for

from jimeng.documents import Image
from jimeng.pictures import PREVIEW_SIDE, THUMBNAIL_SIDE
from jimeng.web import bp

# In the narrowest column that a prompt stands in on a page of its own: a letter is as
# wide as one, a Chinese character as two.
LINES, COLUMNS = 5, 36
STEP = 1.04  # from one shape to the next; what that cuts off nobody sees
MAX_STEPS = 36  # steps from the square, to a little more than 4:1


def nearest(width: int, height: int) -> int:
    """The nearest shape that the stylesheet has: hundredths of width by height."""
    if width <= 0 or height <= 0:
        return of_step(0)  # nobody knows
    step = round(math.log(width / height) / math.log(STEP))
    return of_step(max(-MAX_STEPS, min(step, MAX_STEPS)))


def of_step(step: int) -> int:
    return round(100 * STEP**step)


def rules() -> str:
    """
    What ``data-ratio`` means: no page may have styles of its own, so the stylesheet has
    one for each shape.
    """
    shapes = (of_step(step) for step in range(-MAX_STEPS, MAX_STEPS + 1))
    return "\n".join(f'[data-ratio="{n}"] {{ --ratio: {n / 100}; }}' for n in shapes)


@bp.app_template_test("long")
def is_long(prompt: str) -> bool:
    """Whether it fills more lines than are shown to begin with."""
    rows = (
        sum(1 + (east_asian_width(c) in "WF") for c in row)
        for row in prompt.split("\n")
    )
    return sum(max(math.ceil(row / COLUMNS), 1) for row in rows) > LINES


def srcset(image: Image) -> str:
    """The small sizes in which a picture is kept; empty where there is but one."""
    return sizes_of(
        image,
        url_for("web.thumbnail", key=image.key),
        url_for("web.preview", key=image.key),
    )


def sizes_of(image: Image, thumbnail: str, preview: str) -> str:
    """The same, where its sizes have these addresses."""
    if not image.preview_id:
        return ""
    addresses = {THUMBNAIL_SIDE: thumbnail, PREVIEW_SIDE: preview}
    longer = max(image.width, image.height)
    each = (
        f"{address} {round(min(side, longer) * image.width / longer)}w"
        for side, address in addresses.items()
    )
    return ", ".join(each)
