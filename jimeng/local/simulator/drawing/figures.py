"""What else stands in the landscape: firs and boats."""

from jimeng.local.simulator.drawing.canvas import (
    Canvas,
    Point,
    Shape,
    ellipse,
    placed,
    smooth,
)
from jimeng.local.simulator.drawing.palettes import mix


def pine(canvas: Canvas, x: float, y: float, size: float) -> Shape:
    """The outline of a fir of height *size* that stands at (x, y)."""
    dice = canvas.dice
    tiers = 9
    lean = dice.uniform(-0.015, 0.015)
    left: list[Point] = []
    right: list[Point] = []
    for i in range(1, tiers + 1):
        part = i / tiers
        width = 0.2 * part**0.85
        top = -1 + 0.93 * part
        inner = width * 0.52
        for side, points in ((-1, left), (1, right)):
            reach = width * dice.uniform(0.82, 1.15) * side
            points.append((reach, top + dice.uniform(-0.012, 0.02)))
            points.append((inner * side, top - 0.012))
    trunk = [(0.02, -0.08), (0.022, 0.05), (-0.022, 0.05), (-0.02, -0.08)]
    outline = [(lean, -1.02), *right, *trunk, *reversed(left)]
    return placed(outline, x, y, size)


def boat(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A small sailing boat with its reflection."""
    palette = canvas.palette
    hull = smooth([(-0.42, -0.1), (0.46, -0.12), (0.34, 0.02), (-0.3, 0.02)], 4)
    main = smooth([(0.02, -1.0), (0.22, -0.55), (0.4, -0.16), (0.02, -0.14)], 5)
    jib = smooth([(-0.03, -0.86), (-0.18, -0.45), (-0.34, -0.16), (-0.03, -0.15)], 5)
    sails = [placed(each, x, y, size) for each in (main, jib)]
    mirror = [(a, y + (y - b) * 0.7) for sail in sails for a, b in sail]
    canvas.fill([mirror], [mix(palette.light, palette.near, 0.35)], opacity=0.22)
    canvas.fill(sails, [palette.light, mix(palette.light, palette.accent, 0.45)])
    mast = [(-0.012, -1.04), (0.012, -1.04), (0.012, -0.08), (-0.012, -0.08)]
    dark = mix(palette.near, palette.far, 0.08)
    canvas.fill([placed(each, x, y, size) for each in (hull, mast)], [dark])
    canvas.fill(
        [ellipse(x, y + 0.05 * size, 0.55 * size, 0.03 * size)], [dark], opacity=0.35
    )
