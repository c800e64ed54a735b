"""The last strokes on every picture: vignette, grain, and the mark of a demo."""

import math
import random

from PIL import Image, ImageChops, ImageDraw, ImageFont

from jimeng.local.simulator.drawing.canvas import Canvas

MARK = "DEMO · jimeng simulator"
GRAIN = 5  # steps of 256 between the darkest and the lightest grain


def finish(canvas: Canvas) -> Image.Image:
    vignette(canvas)
    image = ImageChops.add(
        canvas.image, grain(canvas.width, canvas.height), 1, -(GRAIN // 2)
    )
    mark(image, canvas.unit)
    return image


def vignette(canvas: Canvas) -> None:
    """Darken the corners a little, which leads the eye inwards."""
    small = Image.radial_gradient("L").point(
        [round(max(0.0, i - 120) ** 1.35 * 0.085) for i in range(256)]
    )
    canvas.veil(small, (10, 12, 30), 0, canvas.height)


def grain(width: int, height: int) -> Image.Image:
    """Fine noise: it hides the bands that a soft gradient shows on a screen."""
    side = 256
    dice = random.Random(1)  # noqa: S311 - the same grain on every picture
    tile = Image.frombytes("L", (side, side), dice.randbytes(side * side))
    tile = tile.point([i * GRAIN // 256 for i in range(256)])
    row = Image.new("L", (width, side))
    for x in range(0, width, side):
        row.paste(tile, (x, 0))
    whole = Image.new("L", (width, height))
    for y in range(0, height, side):
        whole.paste(row, (0, y))
    return Image.merge("RGB", (whole, whole, whole))


def mark_size(unit: float) -> float:
    """Height of the mark's letters, in pixels."""
    return max(11.0, 17 * unit)


def mark_height(width: int, height: int) -> int:
    """Pixels at the bottom that the mark of a demo takes."""
    size = mark_size(min(width, height) / 1000)
    return round(size * 1.15) + 2 * round(size * 0.42) + round(size * 0.6)


def mark(image: Image.Image, unit: float) -> None:
    """Write in the lower right corner that this is a demo."""
    size = mark_size(unit)
    font = ImageFont.load_default(size)
    length = math.ceil(font.getlength(MARK))
    pad_x, pad_y, edge = round(size * 0.75), round(size * 0.42), round(size * 1.1)
    height = round(size * 1.15) + 2 * pad_y
    width = length + 2 * pad_x
    left, top = image.width - width - edge, image.height - height - edge
    box = (left, top, left + width, top + height)
    plate = Image.new("L", (width * 2, height * 2))
    ImageDraw.Draw(plate).rounded_rectangle(
        (0, 0, width * 2 - 1, height * 2 - 1), height, fill=150
    )
    image.paste((12, 14, 28), box, plate.reduce(2))
    words = Image.new("L", (width, height))
    ImageDraw.Draw(words).text(
        (width / 2, height / 2), MARK, fill=225, font=font, anchor="mm"
    )
    image.paste((255, 255, 255), box, words)
