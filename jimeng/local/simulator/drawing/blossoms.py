"""Flowers, and a branch in bloom."""

import math
from collections.abc import Sequence

from jimeng.local.simulator.drawing.canvas import (
    Canvas,
    Shape,
    ellipse,
    placed,
    ribbon,
    smooth,
)
from jimeng.local.simulator.drawing.palettes import Colour, mix


def petals(x: float, y: float, size: float, turn: float, tilt: float) -> list[Shape]:
    """Five petals around (x, y); *tilt* 1 is seen from above, 0.4 from the side."""
    found = []
    for i in range(5):
        angle = turn + i * math.tau / 5
        cx, cy = math.cos(angle) * size * 0.5, math.sin(angle) * size * 0.5 * tilt
        flat = math.atan2(math.sin(angle) * tilt, math.cos(angle))
        found.append(
            ellipse(x + cx, y + cy, size * 0.5, size * 0.3 * (0.5 + tilt / 2), flat)
        )
    return found


# A branch that comes from the upper left corner, in thousandths of the shorter side,
# and its twigs: where they leave it, and where they end.
BRANCH = ((-50, 20), (140, 100), (270, 100), (420, 190), (560, 200))
TWIGS = ((9, (200, 260)), (15, (420, 50)), (21, (460, 320)))


def branch(canvas: Canvas, colours: Sequence[Colour]) -> None:
    """A flowering branch that reaches in from an upper corner."""
    dice, unit = canvas.dice, canvas.unit
    main = smooth(BRANCH, closed=False)
    twigs = [main]
    for start, (a, b) in TWIGS:
        x, y = main[start]
        bend = ((x + a) / 2, (y + b) / 2 + dice.uniform(-14, 14))
        twigs.append(smooth([(x, y), bend, (a, b)], closed=False))
    if dice.random() < 0.5:
        twigs = [[(canvas.width / unit - x, y) for x, y in twig] for twig in twigs]
    twigs = [placed(twig, 0, 0, unit) for twig in twigs]
    bark = mix(canvas.palette.near, (70, 44, 44), 0.4)
    for i, twig in enumerate(twigs):
        thick = (17 if i == 0 else 7) * unit
        widths = [thick * (1 - 0.8 * k / len(twig)) for k in range(len(twig))]
        canvas.fill([ribbon(twig, widths)], [bark])
    blossoms(canvas, [point for twig in twigs for point in twig[5:]], colours)


def blossoms(
    canvas: Canvas, points: Sequence[tuple[float, float]], colours: Sequence[Colour]
) -> None:
    """Flowers scattered around *points*, the last of *colours* on top."""
    dice, unit = canvas.dice, canvas.unit
    hearts = []
    for i, colour in enumerate(colours):
        shapes: list[Shape] = []
        for x, y in points:
            if dice.random() < 0.62:
                cx, cy = x + dice.gauss(0, 20) * unit, y + dice.gauss(0, 17) * unit
                size = dice.uniform(11, 20) * unit
                shapes += petals(cx, cy, size, dice.uniform(0, 6), dice.uniform(0.6, 1))
                hearts.append(ellipse(cx, cy, size * 0.16, size * 0.16))
        canvas.fill(shapes, [colour], opacity=0.95 if i else 0.8)
    canvas.fill(hearts, [mix(canvas.palette.accent, (150, 40, 60), 0.45)], opacity=0.8)
