"""The pictures of finished tasks: drawn once, while they are among the last few."""

import io
import json
import math
import threading
from functools import lru_cache

from PIL import Image

from jimeng.local.simulator.drawing import draw
from jimeng.local.simulator.drawing.given import apply
from jimeng.local.simulator.drawing.marks import mark_logo
from jimeng.local.simulator.given import Order
from jimeng.local.simulator.ledger import Row

CACHED = 4  # pictures; a download that is tried again costs no drawing
LARGEST = 2048 * 2048  # pixels that are drawn; what is larger is drawn small first
# One at a time: two drawings at once would only share the processor.
_drawing = threading.Lock()


def picture_of(row: Row, index: int, *, plain: bool) -> bytes:
    """
    The encoded picture of *row*.

    Args:
        index: Which of several.
        plain: One colour only.
    """
    wanted = ("", 0) if plain else (row.prompt, row.seed + index)
    size = (row.width, row.height)
    with _drawing:
        return encoded(*wanted, size, row.picture, row.mark, row.given, plain)


@lru_cache(maxsize=CACHED)
def encoded(
    prompt: str,
    seed: int,
    size: tuple[int, int],
    kind: str,
    mark: str,
    given: str,
    plain: bool,
) -> bytes:
    if plain:
        picture = Image.new("RGB", size, "#6d83a8")
    else:
        scale = min(1.0, math.sqrt(LARGEST / (size[0] * size[1])))
        picture = draw(prompt, seed, round(size[0] * scale), round(size[1] * scale))
        if picture.size != size:
            picture = picture.resize(size, Image.Resampling.BILINEAR)
        if given:
            picture = apply(picture, Order.loads(given), prompt)
    if mark:
        mark_logo(picture, json.loads(mark))
    out = io.BytesIO()
    # Level 1: the grain on the pictures does not get smaller by more work.
    picture.save(out, kind, quality=90, compress_level=1)
    return out.getvalue()
