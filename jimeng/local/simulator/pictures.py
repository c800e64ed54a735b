"""The pictures of finished tasks, kept for a while, and how they are encoded."""

import io
import json
import math
import random
import threading
from collections import OrderedDict
from functools import lru_cache

from PIL import Image

from jimeng.local.simulator.drawing import draw
from jimeng.local.simulator.drawing.given import apply
from jimeng.local.simulator.drawing.marks import mark_logo
from jimeng.local.simulator.given import Order
from jimeng.local.simulator.ledger import Row

KEPT = 16  # pictures; a download that is tried again costs no drawing
KEPT_BYTES = 64 * 1024 * 1024
LARGEST = 2048 * 2048  # pixels that are drawn; what is larger is drawn small first


class Pictures:
    """Draws each picture once, as long as it is among the last few."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple, bytes] = OrderedDict()

    def get(self, row: Row, index: int, *, plain: bool) -> bytes:
        """
        The encoded picture of *row*.

        Args:
            index: Which of several.
            plain: One colour only.
        """
        wanted = ("", 0) if plain else (row.prompt, row.seed + index)
        key = (*wanted, row.width, row.height, row.picture, row.mark, row.given)
        # One at a time: two drawings at once would only share the processor.
        with self._lock:
            if key not in self._kept:
                self._kept[key] = encode(paint(row, index, plain), row.picture)
                self._forget()
            self._kept.move_to_end(key)
            return self._kept[key]

    def _forget(self) -> None:
        size = sum(map(len, self._kept.values()))
        while len(self._kept) > 1 and (len(self._kept) > KEPT or size > KEPT_BYTES):
            size -= len(self._kept.popitem(last=False)[1])


def paint(row: Row, index: int, plain: bool) -> Image.Image:
    size = row.width, row.height
    if plain:
        picture = Image.new("RGB", size, "#6d83a8")
    else:
        scale = min(1.0, math.sqrt(LARGEST / (row.width * row.height)))
        small = round(row.width * scale), round(row.height * scale)
        picture = draw(row.prompt, row.seed + index, *small)
        if small != size:
            picture = picture.resize(size, Image.Resampling.BILINEAR)
        if row.given:
            picture = apply(picture, Order.loads(row.given), row.prompt)
    if row.mark:
        mark_logo(picture, json.loads(row.mark))
    return picture


def encode(picture: Image.Image, kind: str) -> bytes:
    """
    Args:
        kind: Pillow's name of the format.
    """
    out = io.BytesIO()
    # Level 1: the grain on the pictures does not get smaller by more work.
    picture.save(out, kind, quality=90, compress_level=1)
    return out.getvalue()


@lru_cache(maxsize=1)
def large_png() -> bytes:
    """A PNG of 4096 x 4096 pixels that is as heavy as one of a real model."""
    side = 4096
    dice = random.Random(4096)  # noqa: S311 - draws, guards nothing
    noise = Image.frombytes("L", (side, side), dice.randbytes(side * side))
    noise = noise.point([i // 8 for i in range(256)])
    shade = Image.linear_gradient("L").resize((side, side)).point(lambda i: i // 2)
    bands = [Image.blend(noise, shade, 0.5), noise, shade]
    return encode(Image.merge("RGB", bands), "PNG")
