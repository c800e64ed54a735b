"""
The canvas, and the primitive shapes.

A point is a complex number in pixels, x to the right and y downwards: addition
translates, multiplication scales and rotates.
"""

import cmath
import math
import random
from collections.abc import Iterable, Sequence

from PIL import Image, ImageDraw

from simulator.drawing.palettes import Colour, choose_palette, has_word

Shape = Sequence[complex]

SUPERSAMPLING = 2  # scale at which masks are drawn, for antialiasing


class Canvas:
    """
    Attributes:
        prompt: The prompt, in lower case.
        unit: A thousandth of the shorter side, in pixels.
        horizon: The y of the horizon.
        light_x: The x of sun or moon.
        ground: Outline of the nearest land, on which animals sit.
    """

    def __init__(
        self, width: int, height: int, prompt: str, dice: random.Random
    ) -> None:
        self.width, self.height = width, height
        self.prompt, self.dice = prompt, dice
        self.palette = choose_palette(prompt, dice)
        self.unit = min(width, height) / 1000
        self.image = gradient((width, height), self.palette.sky)
        self.horizon = self.light_x = 0.0
        self.ground: Shape = []

    def asks(self, wanted: str) -> bool:
        """Whether the prompt contains one of the *wanted* words."""
        return has_word(self.prompt, wanted)

    def below(self, outline: Shape, bottom: float = math.inf) -> Shape:
        """The area from *outline* down to *bottom*, or to the picture's edge."""
        foot = min(bottom, self.height + 1)
        return [*outline, complex(self.width + 1, foot), complex(-1, foot)]

    def fill(
        self, shapes: Iterable[Shape], *colours: Colour, opacity: float = 1.0
    ) -> None:
        """
        Fill the union of *shapes*, antialiased.

        Args:
            colours: One, or a gradient from the top of the shapes to their bottom.
        """
        shapes = list(shapes)
        xs = [point.real for shape in shapes for point in shape]
        ys = [point.imag for shape in shapes for point in shape]
        if not xs:
            return
        left, top = max(0, math.floor(min(xs))), max(0, math.floor(min(ys)))
        right = min(self.width, math.ceil(max(xs)) + 1)
        bottom = min(self.height, math.ceil(max(ys)) + 1)
        if left >= right or top >= bottom:
            return
        size = right - left, bottom - top
        mask = Image.new("L", (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING))
        pen, corner = ImageDraw.Draw(mask), complex(left, top)
        for shape in shapes:
            points = ((point - corner) * SUPERSAMPLING for point in shape)
            pen.polygon([(p.real, p.imag) for p in points], round(255 * opacity))
        paint = gradient(size, colours)
        self.image.paste(paint, (left, top), mask.reduce(SUPERSAMPLING))

    def glow(self, at: complex, radius: float, opacity: float) -> None:
        """Paint a disc of the palette's light that fades to nothing at *radius*."""
        # radial_gradient has the value 181 at the middle of its edges.
        fade = Image.radial_gradient("L").point(
            [round(255 * opacity * max(0.0, 1 - i / 181) ** 2.2) for i in range(256)]
        )
        side = max(2, round(radius * 2))
        mask = fade.resize((side, side), Image.Resampling.BILINEAR)
        left, top = round(at.real - radius), round(at.imag - radius)
        self.image.paste(self.palette.light, (left, top, left + side, top + side), mask)

    def veil(
        self, mask: Image.Image, colour: Colour, top: float, bottom: float
    ) -> None:
        """Paint *colour* through a small *mask*, stretched to the whole width."""
        box = (0, max(0, round(top)), self.width, min(self.height, round(bottom)))
        if box[1] < box[3]:
            size = self.width, box[3] - box[1]
            self.image.paste(colour, box, mask.resize(size, Image.Resampling.BICUBIC))


def gradient(size: tuple[int, int], colours: Sequence[Colour]) -> Image.Image:
    """A vertical gradient of *colours*, evenly spaced."""
    if len(colours) == 1:
        return Image.new("RGB", size, colours[0])
    strip = Image.new("RGB", (1, len(colours)))
    strip.putdata(list(colours))
    # Crop half a pixel at each end, so that the first and last colour are reached.
    box = (0, 0.5, 1, len(colours) - 0.5)
    return strip.resize(size, Image.Resampling.BILINEAR, box=box)


def ellipse(at: complex, rx: float, ry: float, angle: float = 0.0) -> Shape:
    """The outline of an ellipse, rotated by *angle* radians."""
    angles = (i * math.tau / 40 for i in range(40))
    return [
        at + complex(rx * math.cos(a), ry * math.sin(a)) * cmath.rect(1, angle)
        for a in angles
    ]


def box(left: float, top: float, right: float, bottom: float) -> Shape:
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return [complex(x, y) for x, y in corners]


def placed(shape: Shape, at: complex, size: float, *, mirrored: bool = False) -> Shape:
    """Scale a *shape* around the origin, and move it to *at*."""
    side = -size if mirrored else size
    return [at + complex(point.real * side, point.imag * size) for point in shape]


def smooth(points: Shape, steps: int = 8, *, closed: bool = True) -> list[complex]:
    """Interpolate *points* by a Catmull-Rom spline."""
    nodes = [*points[-1:], *points, *points[:2]]
    if not closed:
        nodes = [points[0], *points, points[-1]]
    curve = []
    for a, b, c, d in zip(nodes, nodes[1:], nodes[2:], nodes[3:], strict=False):
        for t in (step / steps for step in range(steps)):
            bend = (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
            curve.append((2 * b + (c - a) * t + bend) / 2)
    return curve if closed else [*curve, points[-1]]


def ribbon(path: Shape, widths: Sequence[float]) -> Shape:
    """The outline of a stroke along *path*, with a width at each point."""
    ends = zip([path[0], *path], [*path[1:], path[-1]], strict=False)
    across = [(b - a) * 1j / (abs(b - a) or 1) for a, b in ends]
    halves = [side * width / 2 for side, width in zip(across, widths, strict=True)]
    left = [point + half for point, half in zip(path, halves, strict=True)]
    right = [point - half for point, half in zip(path, halves, strict=True)]
    return left + right[::-1]
