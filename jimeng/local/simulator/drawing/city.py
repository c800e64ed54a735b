"""A skyline with lit windows."""

from jimeng.local.simulator.drawing.canvas import Canvas, Shape
from jimeng.local.simulator.drawing.land import depth_colour, mist
from jimeng.local.simulator.drawing.palettes import Colour, mix


def skyline(canvas: Canvas, horizon: float) -> None:
    """Three rows of houses that stand on *horizon*; the nearest has the lights."""
    palette = canvas.palette
    tall = min(horizon * 0.62, canvas.width * 0.62)
    for row, (depth, part) in enumerate(((0.12, 1.0), (0.42, 0.8), (0.8, 0.5))):
        houses = row_of_houses(canvas, horizon, tall * part, 60 + 14 * row)
        colour = depth_colour(canvas, depth)
        hazy = mix(colour, palette.mist, 0.5 - 0.2 * row)
        canvas.fill([shape for each in houses for shape in each[1]], [colour, hazy])
        if row:
            windows(canvas, [each[0] for each in houses], horizon, 0.5 + 0.25 * row)
        mist(canvas, horizon - tall * 0.06, tall * 0.4, 0.34 - 0.1 * row)


Box = tuple[float, float, float]  # left, top, right


def row_of_houses(
    canvas: Canvas, foot: float, tall: float, wide: float
) -> list[tuple[Box, list[Shape]]]:
    dice, unit = canvas.dice, canvas.unit
    houses = []
    x = -dice.uniform(0, wide) * unit
    while x < canvas.width:
        width = wide * dice.uniform(0.55, 1.25) * unit
        # Towers gather left and right of the middle, lower roofs at the edges.
        middle = 1 - abs(x / canvas.width - 0.5) * 1.1
        height = tall * dice.uniform(0.35, 1.0) ** 1.25 * (0.45 + 0.6 * middle)
        box = (x, foot - height, x + width)
        houses.append((box, [block(box, foot), *roof(canvas, box, height / tall)]))
        x += width * dice.uniform(0.96, 1.3)
    return houses


def block(box: Box, foot: float) -> Shape:
    left, top, right = box
    return [(left, top), (right, top), (right, foot + 1), (left, foot + 1)]


def roof(canvas: Canvas, box: Box, part: float) -> list[Shape]:
    """A step, a spire, a slope, or nothing."""
    left, top, right = box
    width, kind = right - left, canvas.dice.random()
    centre, unit = (left + right) / 2, canvas.unit
    if kind < 0.3:
        step = width * 0.22
        return [block((left + step, top - width * 0.35, right - step), top)]
    if kind < 0.5 and part > 0.45:
        thin = max(1.0, 1.6 * unit)
        top_floor = block(
            (left + width * 0.3, top - width * 0.4, right - width * 0.3), top
        )
        return [
            top_floor,
            block((centre - thin, top - width * 1.3, centre + thin), top),
        ]
    if kind < 0.65:
        return [[(left, top + 1), (left, top - width * 0.3), (right, top + 1)]]
    if kind < 0.75:
        return [[(left, top + 1), (centre, top - width * 0.7), (right, top + 1)]]
    return []


def windows(canvas: Canvas, boxes: list[Box], foot: float, opacity: float) -> None:
    """Small lights in rows; most are dark."""
    dice, palette, unit = canvas.dice, canvas.palette, canvas.unit
    warm: list[Shape] = []
    cool: list[Shape] = []
    step_x, step_y = 11 * unit, 15 * unit
    share = 0.42 if palette.is_night else 0.22
    for left, top, right in boxes:
        y = top + step_y
        while y < foot - step_y:
            x = left + step_x * 0.7
            while x < right - step_x * 0.7:
                if dice.random() < share:
                    kind = cool if dice.random() < 0.22 else warm
                    kind.append(pane(x, y, 4.6 * unit, 6.4 * unit))
                x += step_x
            y += step_y
    glow: Colour = mix((255, 214, 140), palette.light, 0.3)
    canvas.fill(warm, [glow], opacity=opacity)
    canvas.fill(cool, [palette.accent], opacity=opacity)


def pane(x: float, y: float, width: float, height: float) -> Shape:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
