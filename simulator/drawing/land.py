"""Ridges, hills, mist, firs and water."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageOps

from simulator.drawing.canvas import Canvas, Shape, ellipse, placed
from simulator.drawing.palettes import SNOW, WHITE, Colour, mix

FIR_TIERS = 9

# (canvas, mean y, amplitude, shape parameter) -> the outline of land over the whole
# width.
Outline = Callable[[Canvas, float, float, float], Shape]


def ridge(canvas: Canvas, y: float, height: float, roughness: float) -> Shape:
    """Mountains, by midpoint displacement; *roughness* 0.4 is smooth, 0.6 craggy."""
    dice = canvas.dice
    heights = [dice.uniform(-1, 1) for _ in range(4)]
    for i in range(1, 8):
        swing = 0.9 * roughness**i
        finer = []
        for a, b in zip(heights, heights[1:], strict=False):
            finer += [a, (a + b) / 2 + dice.uniform(-swing, swing)]
        heights = [*finer, heights[-1]]
    return across(canvas, [y + each * height / 2 for each in heights])


def hill(canvas: Canvas, y: float, height: float, waves: float) -> Shape:
    """A smooth outline."""
    sines = [
        (waves * canvas.dice.uniform(0.8, 1.2) * often, high, canvas.dice.random())
        for often, high in ((0.7, 0.62), (1.6, 0.28), (3.2, 0.10))
    ]
    heights = []
    for i in range(97):
        phases = [(f * i / 96 + phase, high) for f, high, phase in sines]
        rise = sum(high * math.sin(phase * math.tau) for phase, high in phases)
        heights.append(y + rise * height / 2)
    return across(canvas, heights)


def across(canvas: Canvas, heights: list[float]) -> Shape:
    step = canvas.width / (len(heights) - 1)
    return [complex(i * step, y) for i, y in enumerate(heights)]


def at(outline: Shape, x: float) -> complex:
    """The point of *outline* at *x*."""
    for a, b in zip(outline, outline[1:], strict=False):
        if a.real <= x <= b.real:
            return complex(x, a.imag + (b - a).imag * (x - a.real) / (b - a).real)
    return outline[-1] if x > 0 else outline[0]


def depth_colour(canvas: Canvas, depth: float) -> Colour:
    """The colour of land at *depth*: 0 the furthest, 1 the foreground."""
    return mix(canvas.palette.far, canvas.palette.near, depth**1.15)


@dataclass(frozen=True)
class Land:
    """
    Land over the whole width that fades into mist, and the firs on it.

    Attributes:
        shape: The roughness of a ridge, or the waves of a hill.
        y: Its mean height, as a share of the picture's height.
        rise: Its amplitude, likewise, in a picture that is not tall.
        depth: 0 the furthest, 1 the foreground.
        foot: The distance below `y` at which it has faded into mist.
        mist: Opacity of the fog at its foot.
        firs: Number of firs, and the minimum and maximum size, in thousandths of the
            shorter side.
        gap: The opening of the row of firs in the middle, from 0 to 1.
    """

    outline: Outline
    shape: float
    y: float
    rise: float
    depth: float
    foot: float
    mist: float = 0.0
    firs: tuple[int, float, float] = (0, 0, 0)
    gap: float = 0.3

    def __call__(self, canvas: Canvas) -> None:
        palette, height = canvas.palette, canvas.height
        rise = self.rise * min(height, 1.2 * canvas.width)
        canvas.ground = self.outline(canvas, self.y * height, rise, self.shape)
        self._draw_firs(canvas)
        colour = depth_colour(canvas, self.depth)
        misty = mix(colour, palette.mist, 0.75 * (1 - self.depth * 0.8))
        tones = [colour, mix(colour, misty, 0.35), misty]
        is_high = self.outline is ridge and self.depth < 0.4
        if is_high and (palette.name == "winter" or canvas.asks(SNOW)):
            snow = mix(WHITE, colour, 0.08)
            tones = [snow, mix(snow, colour, 0.45), *tones, misty]
        foot = (self.y + self.foot) * height
        canvas.fill([canvas.below(canvas.ground, foot)], *tones)
        if self.mist:
            mist(canvas, foot - 0.12 * height, 0.18 * height, self.mist)

    def _draw_firs(self, canvas: Canvas) -> None:
        """Draw the firs, with a gap in the middle."""
        dice, trees = canvas.dice, []
        count, *sizes = self.firs
        for i in range(count):
            side = abs(i / count - 0.5) * 2
            if dice.random() < self.gap * (1 - side):
                continue
            x = (i + dice.uniform(-0.6, 0.6)) / count * canvas.width * 1.04
            size = dice.uniform(*sizes) * (1 + self.gap * (side - 1) / 2) * canvas.unit
            foot = at(canvas.ground, x) + 10j * canvas.unit
            trees.append(placed(fir(canvas), foot, size))
        colour, palette = depth_colour(canvas, self.depth), canvas.palette
        tones = mix(colour, palette.near, 0.1), mix(colour, palette.mist, 0.2)
        canvas.fill(trees, *tones)


def fir(canvas: Canvas) -> Shape:
    """The outline of a fir of height 1, standing at the origin."""
    dice, sides = canvas.dice, []
    for side in (1, -1):
        points = []
        for i in range(1, FIR_TIERS + 1):
            width, y = 0.2 * (i / FIR_TIERS) ** 0.85, 0.93 * i / FIR_TIERS - 1
            reach = width * dice.uniform(0.82, 1.15) * side
            points += [complex(reach, y), complex(width * 0.52 * side, y - 0.012)]
        sides.append([*points, 0.02 * side - 0.08j, 0.022 * side + 0.05j])
    return [dice.uniform(-0.015, 0.015) - 1.02j, *sides[0], *reversed(sides[1])]


def mist(canvas: Canvas, y: float, height: float, opacity: float) -> None:
    """Paint a bank of fog, densest at *y*."""
    mask = Image.new("L", (1, 17))
    waves = (math.cos((i - 8) / 8.5 * math.pi / 2) ** 2 for i in range(17))
    mask.putdata([round(255 * opacity * wave) for wave in waves])
    top, bottom = y - height / 2, y + height / 2
    if top >= 0 and bottom <= canvas.height:
        canvas.veil(mask, canvas.palette.mist, top, bottom)


def ground(canvas: Canvas) -> None:
    """Paint the nearest land again, as the bare foreground."""
    canvas.fill([canvas.below(canvas.ground)], *canvas.palette.ground)


def bank(canvas: Canvas) -> None:
    """Paint a dark shore in the foreground, higher at one side."""
    height = min(0.2 * canvas.height, 170 * canvas.unit)
    rise = canvas.dice.choice((height, -height)) * 1j
    shore = hill(canvas, canvas.height - 0.55 * height, 0.24 * height, 1)
    canvas.ground = [p + rise * (p.real / canvas.width - 0.5) for p in shore]
    ground(canvas)


def water(canvas: Canvas, spread: float) -> None:
    """
    Paint water below the horizon that reflects the picture above it.

    Args:
        spread: Width of the rippled reflection of sun or moon, in thousandths of the
            shorter side.
    """
    dice, unit, palette = canvas.dice, canvas.unit, canvas.palette
    top, depth = round(canvas.horizon), canvas.height - round(canvas.horizon)
    above = (0, max(0, top - round(depth * 1.25)), canvas.width, top)
    mirrored = ImageOps.flip(canvas.image.crop(above)).resize((canvas.width, depth))
    dark = Image.new("RGB", mirrored.size, mix(palette.near, palette.sky[1], 0.45))
    mirrored = Image.blend(mirrored, dark, 0.3)
    canvas.image.paste(mirrored, (0, top))
    y = 0
    while y < depth:
        # Ripples: shift rows to and fro, the near ones further.
        rows = max(1, round((1.5 + 7 * y / depth) * unit * 1.6))
        shift = round(dice.uniform(-1, 1) * (2 + 9 * y / depth) * unit)
        band = mirrored.crop((0, y, canvas.width, min(depth, y + rows)))
        canvas.image.paste(band, (shift, top + y))
        y += rows
    # Thin light and dark lines make the surface look flat.
    for colour, opacity in ((palette.sky[-1], 0.22), (palette.near, 0.2)):
        streaks(canvas, 50, (30, 130), colour, opacity)
    for opacity in (0.2, 0.4, 0.6):
        width = spread * (1.1 - opacity) * unit
        streaks(canvas, 60, (10, 46), palette.light, opacity, width)


def streaks(
    canvas: Canvas,
    count: int,
    lengths: tuple[float, float],
    colour: Colour,
    opacity: float,
    width: float = 0.0,
) -> None:
    """
    Draw flat strokes on water, the near ones larger.

    Args:
        width: The width of their band below sun or moon; 0 is the whole width.
    """
    dice, unit, bands = canvas.dice, canvas.unit, []
    for _ in range(count):
        near = dice.random() ** 1.35
        x = dice.random() * canvas.width
        if width:
            x = canvas.light_x + dice.gauss(0, 0.42) * width * (0.35 + near)
        y = canvas.horizon + 4 * unit + near * (canvas.height - canvas.horizon)
        long, thick = dice.uniform(*lengths) * (0.3 + near), 0.5 + 1.9 * near
        bands.append(ellipse(complex(x, y), long * unit, thick * unit))
    canvas.fill(bands, colour, opacity=opacity)
