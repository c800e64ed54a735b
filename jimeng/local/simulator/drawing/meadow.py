"""A field of flowers that grow larger towards us."""

from collections.abc import Iterable

from jimeng.local.simulator.drawing.blossoms import petals
from jimeng.local.simulator.drawing.canvas import (
    Canvas,
    Point,
    Shape,
    ellipse,
    ribbon,
    smooth,
)
from jimeng.local.simulator.drawing.land import at, ground
from jimeng.local.simulator.drawing.palettes import Colour, Palette, mix

ROWS = 7


def greens(palette: Palette) -> tuple[Colour, Colour, Colour]:
    """Of the grass: far, between, near."""
    green = mix(palette.near, (120, 160, 90), 0.35 if palette.is_night else 0.6)
    return mix(green, palette.mist, 0.45), green, mix(green, palette.near, 0.55)


def grass(canvas: Canvas, field: list[Point]) -> None:
    """The ground below *field*."""
    canvas.fill([ground(canvas, field)], greens(canvas.palette))


def rows(canvas: Canvas, field: list[Point], numbers: Iterable[int]) -> None:
    """Blades and flowers, from row 0 at the far edge to 6 before our feet."""
    far, green, near = greens(canvas.palette)
    for number in numbers:
        part = number / (ROWS - 1)
        tone = mix(far, near, part)
        for shade in (mix(tone, near, 0.5), mix(tone, far, 0.25)):
            blades(canvas, field, part, shade)
        blooms(canvas, field, part, mix(green, near, part))


def spot(canvas: Canvas, field: list[Point], part: float) -> Point:
    """Somewhere in the row at *part*: 0 the far edge, 1 before our feet."""
    dice = canvas.dice
    x = dice.random() * canvas.width
    top = at(field, x)
    depth = (part + dice.uniform(-0.06, 0.06)) ** 1.5 if part > 0.06 else 0.015
    return x, top + (canvas.height * 1.03 - top) * depth


def blades(canvas: Canvas, field: list[Point], part: float, colour: Colour) -> None:
    dice, unit = canvas.dice, canvas.unit
    shapes: list[Shape] = []
    for _ in range(round(130 - 50 * part)):
        x, y = spot(canvas, field, part)
        tall = dice.uniform(14, 34) * unit * (0.4 + 1.9 * part)
        lean = dice.uniform(-0.5, 0.5) * tall
        wide = tall * 0.07
        shapes.append([(x - wide, y), (x + lean, y - tall), (x + wide, y)])
    canvas.fill(shapes, [colour], opacity=0.8)


def blooms(canvas: Canvas, field: list[Point], part: float, stem: Colour) -> None:
    dice, unit, palette = canvas.dice, canvas.unit, canvas.palette
    dim = 0.35 if palette.is_night else 0.0
    base = [palette.accent, (250, 214, 120), (255, 244, 236), (196, 150, 220)]
    kinds: list[list[Shape]] = [[] for _ in base]
    hearts: list[Shape] = []
    stems: list[Shape] = []
    for _ in range(round(95 - 66 * part)):
        x, y = spot(canvas, field, part)
        size = dice.uniform(4, 7) * unit * (0.55 + 3.1 * part)
        tall = size * dice.uniform(1.8, 3.4)
        top = (x + dice.uniform(-0.3, 0.3) * size, y - tall)
        if part > 0.25:
            path = smooth(
                [(x, y), (x + size * 0.15, y - tall / 2), top], 4, closed=False
            )
            stems.append(ribbon(path, [size * 0.12] * len(path)))
        kind = dice.choices(range(len(base)), (5, 2, 3, 2))[0]
        kinds[kind] += petals(*top, size, dice.uniform(0, 6), dice.uniform(0.5, 0.9))
        hearts.append(ellipse(*top, size * 0.24, size * 0.2))
    canvas.fill(stems, [stem])
    for colour, shapes in zip(base, kinds, strict=True):
        tone = mix(mix(colour, palette.mist, 0.3 * (1 - part)), palette.near, dim)
        canvas.fill(shapes, [tone])
    canvas.fill(hearts, [mix((240, 170, 60), palette.near, dim)])
