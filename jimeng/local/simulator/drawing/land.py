"""Ridges, hills, mist, firs and water."""

import math
from collections.abc import Sequence

from PIL import Image, ImageOps

from jimeng.local.simulator.drawing.canvas import (
    Canvas,
    Shape,
    ellipse,
    placed,
    smooth,
)
from jimeng.local.simulator.drawing.palettes import WHITE, Colour, mix

FIR_TIERS = 9


def ridge(canvas: Canvas, y: float, height: float, roughness: float) -> Shape:
    """
    A mountain's outline over the whole width, by midpoint displacement.

    Args:
        y: Where it is on average.
        height: How far it goes up and down.
        roughness: What is left at each halving: 0.4 smooth, 0.6 craggy.
    """
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
    """A soft outline over the whole width."""
    sines = [
        (waves * canvas.dice.uniform(0.8, 1.2) * often, high, canvas.dice.random())
        for often, high in ((0.7, 0.62), (1.6, 0.28), (3.2, 0.10))
    ]
    heights = []
    for i in range(97):
        turns = [(f * i / 96 + phase, high) for f, high, phase in sines]
        rise = sum(high * math.sin(turn * math.tau) for turn, high in turns)
        heights.append(y + rise * height / 2)
    return across(canvas, heights)


def across(canvas: Canvas, heights: list[float]) -> Shape:
    step = canvas.width / (len(heights) - 1)
    return [complex(i * step, y) for i, y in enumerate(heights)]


def bank(canvas: Canvas) -> Shape:
    """A dark shore in the foreground, higher at one side; returns its outline."""
    height = min(0.2 * canvas.height, 170 * canvas.unit)
    rise = canvas.dice.choice((height, -height))
    bumps = [
        canvas.height
        - height * (0.55 + canvas.dice.uniform(-0.12, 0.12))
        + rise * (i / 6 - 0.5)
        for i in range(7)
    ]
    outline = smooth(across(canvas, bumps), 12, closed=False)
    canvas.fill([below(canvas, outline)], *canvas.palette.ground)
    return outline


def below(canvas: Canvas, outline: Shape, bottom: float = math.inf) -> Shape:
    """Everything between *outline* and *bottom*, or the foot of the picture."""
    foot = min(bottom, canvas.height + 1)
    return [*outline, complex(canvas.width + 1, foot), complex(-1, foot)]


def at(outline: Shape, x: float) -> complex:
    """The point of *outline* at *x*."""
    for a, b in zip(outline, outline[1:], strict=False):
        if a.real <= x <= b.real:
            return complex(x, a.imag + (b - a).imag * (x - a.real) / (b - a).real)
    return outline[-1] if x > 0 else outline[0]


def depth_colour(canvas: Canvas, depth: float) -> Colour:
    """Of land at *depth*: 0 the furthest, 1 the foreground."""
    return mix(canvas.palette.far, canvas.palette.near, depth**1.15)


def layer(
    canvas: Canvas, outline: Shape, depth: float, bottom: float, *, snowy: bool = False
) -> None:
    """Land below *outline* that fades into mist towards *bottom*, or from snow."""
    colour = depth_colour(canvas, depth)
    misty = mix(colour, canvas.palette.mist, 0.75 * (1 - depth * 0.8))
    tones = [colour, mix(colour, misty, 0.35), misty]
    if snowy:
        snow = mix(WHITE, colour, 0.08)
        tones = [snow, mix(snow, colour, 0.45), *tones, misty]
    canvas.fill([below(canvas, outline, bottom)], *tones)


def mist(canvas: Canvas, y: float, height: float, opacity: float) -> None:
    """A bank of fog that is densest at *y*."""
    mask = Image.new("L", (1, 17))
    waves = (math.cos((i - 8) / 8.5 * math.pi / 2) ** 2 for i in range(17))
    mask.putdata([round(255 * opacity * wave) for wave in waves])
    top, bottom = y - height / 2, y + height / 2
    if top >= 0 and bottom <= canvas.height:
        canvas.veil(mask, canvas.palette.mist, top, bottom)


def firs(
    canvas: Canvas,
    outline: Shape,
    depth: float,
    count: int,
    sizes: Sequence[float],
    *,
    gap: float = 0.3,
) -> None:
    """
    Firs along *outline*, with a gap to look through in the middle.

    Args:
        sizes: Of the smallest and of the tallest, in thousandths of the shorter side.
        gap: 0 is a closed row, 1 an open middle.
    """
    dice, trees = canvas.dice, []
    for i in range(count):
        side = abs(i / count - 0.5) * 2
        if dice.random() < gap * (1 - side):
            continue
        x = (i + dice.uniform(-0.6, 0.6)) / count * canvas.width * 1.04
        size = dice.uniform(*sizes) * (1 - gap / 2 + gap * side / 2) * canvas.unit
        trees.append(placed(fir(canvas), at(outline, x) + 10j * canvas.unit, size))
    colour = depth_colour(canvas, depth)
    mist_colour, near = canvas.palette.mist, canvas.palette.near
    canvas.fill(trees, mix(colour, near, 0.1), mix(colour, mist_colour, 0.2))


def fir(canvas: Canvas) -> Shape:
    """Of height 1, standing on the origin."""
    dice, sides = canvas.dice, []
    for side in (1, -1):
        points = []
        for i in range(1, FIR_TIERS + 1):
            width, y = 0.2 * (i / FIR_TIERS) ** 0.85, 0.93 * i / FIR_TIERS - 1
            reach = width * dice.uniform(0.82, 1.15)
            points += [
                complex(reach * side, y),
                complex(width * 0.52 * side, y - 0.012),
            ]
        sides.append([*points, 0.02 * side - 0.08j, 0.022 * side + 0.05j])
    return [dice.uniform(-0.015, 0.015) - 1.02j, *sides[0], *reversed(sides[1])]


def water(canvas: Canvas, horizon: float, light_x: float, spread: float) -> None:
    """
    A surface below *horizon* that mirrors what is above it.

    Args:
        light_x: Where sun or moon stands.
        spread: Width of its broken reflection, in thousandths of the shorter side.
    """
    dice, unit, palette = canvas.dice, canvas.unit, canvas.palette
    top, depth = round(horizon), canvas.height - round(horizon)
    above = (0, max(0, top - round(depth * 1.25)), canvas.width, top)
    mirrored = ImageOps.flip(canvas.image.crop(above)).resize((canvas.width, depth))
    dark = Image.new("RGB", mirrored.size, mix(palette.near, palette.sky[1], 0.45))
    mirrored = Image.blend(mirrored, dark, 0.3)
    canvas.image.paste(mirrored, (0, top))
    y = 0
    while y < depth:
        # Rows move to and fro, the near ones further: ripples.
        rows = max(1, round((1.5 + 7 * y / depth) * unit * 1.6))
        shift = round(dice.uniform(-1, 1) * (2 + 9 * y / depth) * unit)
        band = mirrored.crop((0, y, canvas.width, min(depth, y + rows)))
        canvas.image.paste(band, (shift, top + y))
        y += rows
    # Thin lines, light and dark, make it flat.
    for colour, opacity in ((palette.sky[-1], 0.22), (palette.near, 0.2)):
        streaks(canvas, horizon, 50, (30, 130), colour, opacity)
    for opacity in (0.2, 0.4, 0.6):
        around = (light_x, spread * (1.1 - opacity) * unit)
        streaks(canvas, horizon, 60, (10, 46), palette.light, opacity, around)


def streaks(
    canvas: Canvas,
    horizon: float,
    count: int,
    lengths: tuple[float, float],
    colour: Colour,
    opacity: float,
    around: tuple[float, float] | None = None,
) -> None:
    """
    Flat strokes on water, the near ones larger.

    Args:
        around: An x and the width of the band around it; None is everywhere.
    """
    dice, unit, lines = canvas.dice, canvas.unit, []
    for _ in range(count):
        near = dice.random() ** 1.35
        x = dice.random() * canvas.width
        if around:
            x = around[0] + dice.gauss(0, 0.42) * around[1] * (0.35 + near)
        y = horizon + 4 * unit + near * (canvas.height - horizon)
        long, thick = dice.uniform(*lengths) * (0.3 + near), 0.5 + 1.9 * near
        lines.append(ellipse(complex(x, y), long * unit, thick * unit))
    canvas.fill(lines, colour, opacity=opacity)
