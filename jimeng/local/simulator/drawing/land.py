"""Ridges, hills, mist and water."""

import math

from PIL import Image, ImageOps

from jimeng.local.simulator.drawing.canvas import Canvas, Point, Shape, ellipse, smooth
from jimeng.local.simulator.drawing.palettes import Colour, mix


def ridge(canvas: Canvas, y: float, height: float, roughness: float) -> list[Point]:
    """
    A mountain's outline over the whole width, by midpoint displacement.

    Args:
        y: Where it is on average.
        height: How far it goes up and down.
        roughness: What is left at each halving: 0.4 smooth, 0.6 craggy.
    """
    dice = canvas.dice
    heights = [dice.uniform(-1, 1) for _ in range(4)]
    amplitude = 0.9
    for _ in range(7):
        amplitude *= roughness
        halves = [
            (a + b) / 2 + dice.uniform(-amplitude, amplitude)
            for a, b in zip(heights, heights[1:], strict=False)
        ]
        heights = [
            each for pair in zip(heights, halves, strict=False) for each in pair
        ] + [heights[-1]]
    step = canvas.width / (len(heights) - 1)
    return [(i * step, y + value * height / 2) for i, value in enumerate(heights)]


def hill(canvas: Canvas, y: float, height: float, waves: float = 1.0) -> list[Point]:
    """A soft outline over the whole width."""
    dice = canvas.dice
    parts = [
        (waves * dice.uniform(0.5, 0.9), 0.62, dice.uniform(0, math.tau)),
        (waves * dice.uniform(1.3, 1.9), 0.28, dice.uniform(0, math.tau)),
        (waves * dice.uniform(2.8, 3.6), 0.10, dice.uniform(0, math.tau)),
    ]
    points = []
    for i in range(97):
        at = i / 96
        value = sum(a * math.sin(p + f * at * math.tau) for f, a, p in parts)
        points.append((at * canvas.width, y + value * height / 2))
    return points


def ground(canvas: Canvas, outline: list[Point]) -> Shape:
    """Everything below *outline*."""
    return [*outline, (canvas.width + 1, canvas.height + 1), (-1, canvas.height + 1)]


def at(outline: list[Point], x: float) -> float:
    """The y of *outline* at *x*."""
    for (x0, y0), (x1, y1) in zip(outline, outline[1:], strict=False):
        if x0 <= x <= x1:
            return y0 + (y1 - y0) * (x - x0) / ((x1 - x0) or 1)
    return outline[-1][1]


def depth_colour(canvas: Canvas, depth: float) -> Colour:
    """Of land at *depth*: 0 the furthest, 1 the foreground."""
    return mix(canvas.palette.far, canvas.palette.near, depth**1.15)


def layer(
    canvas: Canvas,
    outline: list[Point],
    depth: float,
    bottom: float,
    *,
    snowy: bool = False,
) -> None:
    """Land below *outline* that fades into mist towards *bottom*, or from snow."""
    colour = depth_colour(canvas, depth)
    misty = mix(colour, canvas.palette.mist, 0.75 * (1 - depth * 0.8))
    end = min(bottom, canvas.height + 1)
    shape = [*outline, (canvas.width + 1, end), (-1, end)]
    middle = mix(colour, misty, 0.35)
    if snowy:
        snow = mix((255, 255, 255), colour, 0.08)
        canvas.fill(
            [shape], [snow, mix(snow, colour, 0.45), colour, middle, misty, misty]
        )
    else:
        canvas.fill([shape], [colour, middle, misty])


def mist(canvas: Canvas, y: float, height: float, opacity: float = 0.5) -> None:
    """A bank of fog that is densest at *y*."""
    mask = Image.new("L", (1, 17))
    values = [
        round(255 * opacity * math.cos((i - 8) / 8.5 * math.pi / 2) ** 2)
        for i in range(17)
    ]
    mask.putdata(values)
    top, bottom = y - height / 2, y + height / 2
    if top >= 0 and bottom <= canvas.height:
        canvas.veil(mask, canvas.palette.mist, top, bottom)


def water(canvas: Canvas, horizon: float, tint: float = 0.35) -> None:
    """A surface below *horizon* that mirrors what is above it."""
    top, dice = round(horizon), canvas.dice
    depth = canvas.height - top
    source = canvas.image.crop(
        (0, max(0, top - round(depth * 1.25)), canvas.width, top)
    )
    mirrored = ImageOps.flip(source).resize((canvas.width, depth))
    dark = mix(canvas.palette.near, canvas.palette.sky[1], 0.45)
    mirrored = Image.blend(mirrored, Image.new("RGB", mirrored.size, dark), tint)
    canvas.image.paste(mirrored, (0, top))
    y = 0
    while y < depth:
        # Rows move to and fro, the near ones further: ripples.
        part = y / depth
        rows = max(1, round((1.5 + 7 * part) * canvas.unit * 1.6))
        shift = round(dice.uniform(-1, 1) * (2 + 9 * part) * canvas.unit)
        band = mirrored.crop((0, y, canvas.width, min(depth, y + rows)))
        canvas.image.paste(band, (shift, top + y))
        y += rows


def glitter(canvas: Canvas, x: float, horizon: float, spread: float) -> None:
    """The broken path of light below sun or moon at *x*."""
    dice, unit = canvas.dice, canvas.unit
    depth = canvas.height - horizon
    for opacity in (0.3, 0.55, 0.85):
        streaks = []
        for _ in range(60):
            part = dice.random() ** 1.3
            width = spread * (0.35 + part) * (1.15 - opacity)
            cx = x + dice.gauss(0, 0.42) * width
            length = dice.uniform(10, 46) * unit * (0.35 + part)
            thick = dice.uniform(0.7, 1.5) * unit * (0.5 + 2.2 * part)
            streaks.append(ellipse(cx, horizon + part * depth, length, thick))
        canvas.fill(streaks, [canvas.palette.light], opacity=opacity * 0.7)


def ripples(canvas: Canvas, horizon: float, count: int = 90) -> None:
    """Thin lines, light and dark, that make water flat."""
    dice, unit, palette = canvas.dice, canvas.unit, canvas.palette
    depth = canvas.height - horizon
    for colour, opacity in ((palette.sky[-1], 0.22), (palette.near, 0.2)):
        lines = []
        for _ in range(count // 2):
            part = dice.random() ** 1.4
            length = dice.uniform(30, 130) * unit * (0.3 + part)
            thick = unit * (0.5 + 1.8 * part)
            y = horizon + 4 * unit + part * depth
            lines.append(ellipse(dice.random() * canvas.width, y, length, thick))
        canvas.fill(lines, [colour], opacity=opacity)


def shore(canvas: Canvas, height: float) -> list[Point]:
    """A dark bank in the foreground, higher at one side; returns its outline."""
    rise = height if canvas.dice.random() < 0.5 else -height
    base = canvas.height - height * 0.55
    bumps = [
        (
            i / 6 * canvas.width,
            base + rise * (i / 6 - 0.5) + canvas.dice.uniform(-0.12, 0.12) * height,
        )
        for i in range(7)
    ]
    outline = list(smooth(bumps, 12, closed=False))
    canvas.fill([ground(canvas, outline)], canvas.palette.ground)
    return outline


def lee(outline: list[Point], reach: float) -> list[Shape]:
    """
    The shaded slopes to the right of the crests of *outline*.

    Args:
        reach: How far down they go, in pixels.
    """
    shapes: list[Shape] = []
    for i in range(2, len(outline) - 2):
        x, y = outline[i]
        if not (outline[i - 1][1] >= y < outline[i + 1][1]):
            continue
        end = i + 1
        while end < len(outline) - 1 and outline[end + 1][1] >= outline[end][1]:
            end += 1
        far, low = outline[end]
        wide = far - x
        if wide < reach * 1.2:
            continue
        foot = [
            (far, low),
            (far + wide * 0.1, low + reach * 0.55),
            (x + wide * 0.62, low + reach * 0.5),
            (x + wide * 0.3, y + (low - y) * 0.8 + reach * 0.18),
            (x + wide * 0.12, y + (low - y) * 0.25 + reach * 0.04),
            (x, y),
        ]
        shapes.append([*outline[i:end], *smooth(foot, 8, closed=False)])
    return shapes
