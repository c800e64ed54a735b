"""The picture being drawn, and the few strokes that everything is made of."""

import math
import random
from collections.abc import Iterable, Sequence

from PIL import Image, ImageDraw

from jimeng.local.simulator.drawing.palettes import Colour, Palette

Point = tuple[float, float]
Shape = Sequence[Point]

FINE = 2  # masks are drawn this much larger, for smooth edges


class Canvas:
    """
    Attributes:
        unit: A thousandth of the shorter side, in pixels.
    """

    def __init__(
        self, width: int, height: int, palette: Palette, dice: random.Random
    ) -> None:
        self.width = width
        self.height = height
        self.palette = palette
        self.dice = dice
        self.unit = min(width, height) / 1000
        self.image = gradient((width, height), palette.sky)

    def fill(
        self,
        shapes: Iterable[Shape],
        colours: Sequence[Colour],
        *,
        opacity: float = 1.0,
    ) -> None:
        """
        Paint the union of *shapes* with smooth edges.

        Args:
            colours: One, or several from the top of the shapes to their bottom.
        """
        shapes = [shape for shape in shapes if len(shape) > 2]
        box = self._box(shapes)
        if box is None:
            return
        left, top, right, bottom = box
        size = right - left, bottom - top
        mask = Image.new("L", (size[0] * FINE, size[1] * FINE))
        pen = ImageDraw.Draw(mask)
        value = round(255 * opacity)
        for shape in shapes:
            pen.polygon(
                [((x - left) * FINE, (y - top) * FINE) for x, y in shape], value
            )
        self._paint(colours, box, mask.reduce(FINE))

    def glow(
        self, x: float, y: float, radius: float, colour: Colour, opacity: float
    ) -> None:
        """Paint a disc of light that fades to nothing at *radius*."""
        # radial_gradient counts to 181 at the middle of its edges.
        fade = Image.radial_gradient("L").point(
            [round(255 * opacity * max(0.0, 1 - i / 181) ** 2.2) for i in range(256)]
        )
        size = max(2, round(radius * 2))
        left, top = round(x - radius), round(y - radius)
        shown = (
            max(0, left),
            max(0, top),
            min(self.width, left + size),
            min(self.height, top + size),
        )
        if shown[0] >= shown[2] or shown[1] >= shown[3]:
            return
        scale = 256 / size
        part = (
            (shown[0] - left) * scale,
            (shown[1] - top) * scale,
            (shown[2] - left) * scale,
            (shown[3] - top) * scale,
        )
        wanted = shown[2] - shown[0], shown[3] - shown[1]
        mask = fade.resize(wanted, Image.Resampling.BILINEAR, box=part)
        self.image.paste(colour, shown, mask)

    def veil(
        self, mask: Image.Image, colour: Colour, top: float, bottom: float
    ) -> None:
        """Paint *colour* through a small soft *mask*, stretched over the width."""
        box = (0, max(0, round(top)), self.width, min(self.height, round(bottom)))
        size = box[2], box[3] - box[1]
        if size[1] > 0:
            soft = mask.resize(size, Image.Resampling.BICUBIC)
            self.image.paste(colour, box, soft)

    def _paint(
        self,
        colours: Sequence[Colour],
        box: tuple[int, int, int, int],
        mask: Image.Image,
    ) -> None:
        if len(colours) == 1:
            self.image.paste(colours[0], box, mask)
        else:
            self.image.paste(gradient(mask.size, colours), box, mask)

    def _box(self, shapes: Sequence[Shape]) -> tuple[int, int, int, int] | None:
        xs = [x for shape in shapes for x, _ in shape]
        ys = [y for shape in shapes for _, y in shape]
        if not xs:
            return None
        left, top = max(0, math.floor(min(xs))), max(0, math.floor(min(ys)))
        right = min(self.width, math.ceil(max(xs)) + 1)
        bottom = min(self.height, math.ceil(max(ys)) + 1)
        return (left, top, right, bottom) if left < right and top < bottom else None


def gradient(size: tuple[int, int], colours: Sequence[Colour]) -> Image.Image:
    """A picture that goes through *colours* from top to bottom, evenly."""
    strip = Image.new("RGB", (1, len(colours)))
    strip.putdata(list(colours))
    # Half a pixel off at each end, so that the first and last colour are reached.
    return strip.resize(
        size, Image.Resampling.BILINEAR, box=(0, 0.5, 1, len(colours) - 0.5)
    )


def ellipse(x: float, y: float, rx: float, ry: float, turn: float = 0.0) -> Shape:
    """The outline of an ellipse, turned by *turn* radians."""
    cos, sin = math.cos(turn), math.sin(turn)
    points = []
    for i in range(40):
        angle = i * math.tau / 40
        a, b = rx * math.cos(angle), ry * math.sin(angle)
        points.append((x + a * cos - b * sin, y + a * sin + b * cos))
    return points


def placed(
    shape: Shape, x: float, y: float, size: float, *, mirrored: bool = False
) -> Shape:
    """*shape*, drawn around the origin with y up negative, put at (x, y)."""
    side = -size if mirrored else size
    return [(x + a * side, y + b * size) for a, b in shape]


def smooth(points: Shape, steps: int = 8, *, closed: bool = True) -> Shape:
    """A curve through *points* (Catmull-Rom)."""
    count = len(points)
    found = []
    for i in range(count if closed else count - 1):
        if closed:
            p0, p1, p2, p3 = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        else:
            near = (max(0, i - 1), i, i + 1, min(count - 1, i + 2))
            p0, p1, p2, p3 = (points[k] for k in near)
        found += [between(p0, p1, p2, p3, step / steps) for step in range(steps)]
    return found if closed else [*found, points[-1]]


def between(p0: Point, p1: Point, p2: Point, p3: Point, t: float) -> Point:
    x, y = (
        0.5
        * (
            2 * b
            + (c - a) * t
            + (2 * a - 5 * b + 4 * c - d) * t * t
            + (3 * b - a - 3 * c + d) * t**3
        )
        for a, b, c, d in zip(p0, p1, p2, p3, strict=True)
    )
    return x, y


def ribbon(path: Shape, widths: Sequence[float]) -> Shape:
    """The outline of a stroke along *path* with a width at each point."""
    left, right = [], []
    for i, (x, y) in enumerate(path):
        x0, y0 = path[max(0, i - 1)]
        x1, y1 = path[min(len(path) - 1, i + 1)]
        length = math.hypot(x1 - x0, y1 - y0) or 1
        nx, ny = -(y1 - y0) / length, (x1 - x0) / length
        half = widths[i] / 2
        left.append((x + nx * half, y + ny * half))
        right.append((x - nx * half, y - ny * half))
    return left + right[::-1]
