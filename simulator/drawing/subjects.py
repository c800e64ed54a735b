"""Subjects of a landscape: houses, a boat, dunes, flowers, a cat, a fox."""

import math

from simulator.drawing.canvas import (
    Canvas,
    Shape,
    box,
    ellipse,
    placed,
    ribbon,
    smooth,
)
from simulator.drawing.land import at, depth_colour, hill, mist
from simulator.drawing.palettes import Colour, mix


def town(canvas: Canvas) -> None:
    """Draw three rows of houses on the horizon, the nearer two with lights."""
    foot, tall = canvas.horizon, min(canvas.horizon, canvas.width) * 0.62
    for row, (depth, share) in enumerate(((0.12, 1.0), (0.42, 0.8), (0.8, 0.5))):
        boxes = houses(canvas, tall * share, 60 + 14 * row)
        colour = depth_colour(canvas, depth)
        shapes = [shape for each in boxes for shape in house(canvas, *each)]
        canvas.fill(shapes, colour, mix(colour, canvas.palette.mist, 0.5 - 0.2 * row))
        if row:
            draw_windows(canvas, boxes, 0.5 + 0.25 * row)
        mist(canvas, foot - tall * 0.06, tall * 0.4, 0.34 - 0.1 * row)


Box = tuple[float, float, float, float]  # left, top, right, bottom


def houses(canvas: Canvas, tall: float, wide: float) -> list[Box]:
    dice, foot, boxes = canvas.dice, canvas.horizon, []
    x = -dice.uniform(0, wide) * canvas.unit
    while x < canvas.width:
        width = wide * dice.uniform(0.55, 1.25) * canvas.unit
        # Towers in the middle, lower roofs at the edges.
        middle = 1.05 - abs(x / canvas.width - 0.5) * 0.66
        height = tall * dice.uniform(0.35, 1.0) ** 1.25 * middle
        boxes.append((x, foot - height, x + width, foot + 1))
        x += width * dice.uniform(0.96, 1.3)
    return boxes


def house(
    canvas: Canvas, left: float, top: float, right: float, foot: float
) -> list[Shape]:
    """A house with a stepped, pointed, sloping, gabled or flat roof."""
    width, middle = right - left, (left + right) / 2
    step = box(left + width * 0.25, top - width * 0.35, right - width * 0.25, top)
    spire = box(middle - canvas.unit, top - width * 1.3, middle + canvas.unit, top)
    peak = complex(canvas.dice.choice((left, middle)), top - width * 0.4)
    gable = [complex(left, top + 1), peak, complex(right, top + 1)]
    roofs: list[list[Shape]] = [[step], [step, spire], [gable], []]
    return [box(left, top, right, foot), *canvas.dice.choice(roofs)]


def draw_windows(canvas: Canvas, boxes: list[Box], opacity: float) -> None:
    """Draw rows of small windows, most of them dark."""
    dice, unit, palette = canvas.dice, canvas.unit, canvas.palette
    warm: list[Shape] = []
    cool: list[Shape] = []
    share = 0.42 if palette.is_night else 0.22
    for left, top, right, foot in boxes:
        for row in range(1, int((foot - top) / unit / 15)):
            for column in range(int((right - left) / unit / 11 - 0.7)):
                if dice.random() < share:
                    x, y = left + (column + 0.7) * 11 * unit, top + row * 15 * unit
                    lit = cool if dice.random() < 0.22 else warm
                    lit.append(box(x, y, x + 4.6 * unit, y + 6.4 * unit))
    canvas.fill(warm, mix((255, 214, 140), palette.light, 0.3), opacity=opacity)
    canvas.fill(cool, palette.accent, opacity=opacity)


HULL = smooth((-0.42 - 0.1j, 0.46 - 0.12j, 0.34 + 0.02j, -0.3 + 0.02j), 4)
SAILS = (
    smooth((0.02 - 1j, 0.22 - 0.55j, 0.4 - 0.16j, 0.02 - 0.14j), 5),
    smooth((-0.03 - 0.86j, -0.18 - 0.45j, -0.34 - 0.16j, -0.03 - 0.15j), 5),
)
MAST = box(-0.012, -1.04, 0.012, -0.08)


def boat(canvas: Canvas) -> None:
    """Draw a sailing boat with its reflection, apart from that of sun or moon."""
    palette, size = canvas.palette, 130 * canvas.unit
    at = complex(canvas.width - canvas.light_x, canvas.horizon + 0.12 * canvas.height)
    dark = mix(palette.near, palette.far, 0.08)
    reflections = [placed([p.conjugate() for p in sail], at, size) for sail in SAILS]
    canvas.fill(reflections, mix(palette.light, palette.near, 0.35), opacity=0.15)
    lit = palette.light, mix(palette.light, palette.accent, 0.45)
    canvas.fill([placed(each, at, size) for each in SAILS], *lit)
    canvas.fill([placed(each, at, size) for each in (HULL, MAST)], dark)
    shadow = ellipse(at + 0.05j * size, 0.55 * size, 0.03 * size)
    canvas.fill([shadow], dark, opacity=0.35)


def dunes(canvas: Canvas) -> None:
    """Draw long soft dunes, each darker towards its foot."""
    palette, height = canvas.palette, canvas.height
    for i in range(5):
        y, rise = canvas.horizon + 0.1 * i * height, (0.07 + 0.04 * i) * height
        canvas.ground = hill(canvas, y, rise, 1.25)
        lit = mix(palette.accent, palette.mist, 0.75 - 0.14 * i)
        dark = mix(lit, palette.near, 0.3 + 0.12 * i)
        tones = lit, mix(lit, dark, 0.5), dark, dark
        canvas.fill([canvas.below(canvas.ground)], *tones)


FLOWER_ROWS = 7


def meadow(canvas: Canvas) -> None:
    """Draw grass with flowers, in rows from the far edge to the foreground."""
    palette = canvas.palette
    green = mix(palette.near, (120, 160, 90), 0.35 if palette.is_night else 0.6)
    far, near = mix(green, palette.mist, 0.45), mix(green, palette.near, 0.55)
    field = hill(canvas, canvas.height * 0.66, 50 * canvas.unit, 0.7)
    canvas.fill([canvas.below(field)], far, green, near)
    for row in range(FLOWER_ROWS):
        if row == FLOWER_ROWS - 2:  # animals sit in it
            canvas.ground = [point + 0.16j * canvas.height for point in field]
            animals(canvas)
        share = row / (FLOWER_ROWS - 1)
        tone = mix(far, near, share)
        for shade in (mix(tone, near, 0.5), mix(tone, far, 0.25)):
            blades(canvas, field, share, shade)
        blooms(canvas, field, share, tone)


def spot(canvas: Canvas, field: Shape, share: float) -> complex:
    """A random point in the row at *share*: 0 the far edge, 1 the foreground."""
    top = at(field, canvas.dice.random() * canvas.width)
    depth = max(0.04, share + canvas.dice.uniform(-0.06, 0.06)) ** 1.5
    return top + 1j * (canvas.height * 1.03 - top.imag) * depth


def blades(canvas: Canvas, field: Shape, share: float, colour: Colour) -> None:
    dice, shapes = canvas.dice, []
    for _ in range(round(130 - 50 * share)):
        foot = spot(canvas, field, share)
        tall = dice.uniform(14, 34) * canvas.unit * (0.4 + 1.9 * share)
        tip = foot + tall * complex(dice.uniform(-0.5, 0.5), -1)
        shapes.append([foot - tall * 0.07, tip, foot + tall * 0.07])
    canvas.fill(shapes, colour, opacity=0.8)


def blooms(canvas: Canvas, field: Shape, share: float, green: Colour) -> None:
    dice, palette = canvas.dice, canvas.palette
    dim = 0.35 if palette.is_night else 0.0
    tones = (palette.accent, (250, 214, 120), (255, 244, 236), (196, 150, 220))
    heads: list[list[Shape]] = [[] for _ in tones]
    hearts: list[Shape] = []
    stems: list[Shape] = []
    for _ in range(round(95 - 66 * share)):
        foot = spot(canvas, field, share)
        size = dice.uniform(4, 7) * canvas.unit * (0.55 + 3.1 * share)
        head = foot + size * complex(dice.uniform(-0.3, 0.3), -dice.uniform(1.8, 3.4))
        stems.append(ribbon([foot, head], [size * 0.12] * 2))
        dice.choices(heads, (5, 2, 3, 2))[0].extend(petals(canvas, head, size))
        hearts.append(ellipse(head, size * 0.24, size * 0.2))
    canvas.fill(stems, green)
    for tone, shapes in zip(tones, heads, strict=True):
        hazy = mix(tone, palette.mist, 0.3 * (1 - share))
        canvas.fill(shapes, mix(hazy, palette.near, dim))
    canvas.fill(hearts, mix((240, 170, 60), palette.near, dim))


def petals(canvas: Canvas, at: complex, size: float) -> list[Shape]:
    """Five petals around *at*, foreshortened at random."""
    angle0, tilt = canvas.dice.uniform(0, 6), canvas.dice.uniform(0.55, 1)
    found = []
    for angle in (angle0 + i * math.tau / 5 for i in range(5)):
        out = complex(math.cos(angle), math.sin(angle) * tilt)
        flat = math.atan2(out.imag, out.real)
        found.append(ellipse(at + out * size / 2, size * 0.5, size * 0.27 * tilt, flat))
    return found


# A branch from the upper left corner, in thousandths of the shorter side, and the start
# and end of its twigs.
BRANCH = smooth(
    (-50 + 20j, 140 + 100j, 270 + 100j, 420 + 190j, 560 + 200j), closed=False
)
TWIGS = ((9, 200 + 260j), (15, 420 + 50j), (21, 460 + 320j))
PINKS = ((238, 150, 176), (250, 196, 212), (255, 232, 238))


def branch(canvas: Canvas) -> None:
    """Draw a flowering branch from an upper corner, if the prompt names one."""
    if not canvas.asks("樱 梅 桃花 blossom cherry sakura"):
        return
    dice, unit, palette = canvas.dice, canvas.unit, canvas.palette
    twigs = [BRANCH]
    for start, end in TWIGS:
        bend = (BRANCH[start] + end) / 2 + dice.uniform(-14, 14) * 1j
        twigs.append(smooth([BRANCH[start], bend, end], closed=False))
    mirrored = dice.random() < 0.5
    corner = complex(canvas.width if mirrored else 0)
    placed_twigs = [placed(each, corner, unit, mirrored=mirrored) for each in twigs]
    for i, twig in enumerate(placed_twigs):
        thick, count = (7 if i else 17) * unit, len(twig)
        widths = [thick * (1 - 0.8 * k / count) for k in range(count)]
        canvas.fill([ribbon(twig, widths)], mix(palette.near, (70, 44, 44), 0.4))
    hearts: list[Shape] = []
    for pink in PINKS:
        flowers: list[Shape] = []
        for point in (p for twig in placed_twigs for p in twig[5:]):
            if dice.random() < 0.62:
                middle = point + complex(dice.gauss(0, 20), dice.gauss(0, 17)) * unit
                size = dice.uniform(11, 20) * unit
                flowers += petals(canvas, middle, size)
                hearts.append(ellipse(middle, size * 0.16, size * 0.16))
        canvas.fill(flowers, pink, opacity=0.9)
    canvas.fill(hearts, mix(palette.accent, (150, 40, 60), 0.45), opacity=0.8)


# Animals sit at the origin and have a height of about 1.
CAT_SIDE = (0.13 - 0.62j, 0.2 - 0.46j, 0.29 - 0.22j, 0.27 - 0.05j, 0.2 + 0.01j)
CAT_TAIL = smooth(
    (0.16 - 0.05j, 0.36 - 0.01j, 0.52 - 0.1j, 0.52 - 0.27j, 0.6 - 0.38j), closed=False
)
CAT_EAR = (0.03 - 0.87j, 0.155 - 1.03j, 0.185 - 0.78j)
CAT = (
    smooth((*CAT_SIDE, *(-point.conjugate() for point in reversed(CAT_SIDE)))),
    ribbon(CAT_TAIL, [0.085 - 0.035 * i / len(CAT_TAIL) for i in range(len(CAT_TAIL))]),
    CAT_EAR,
    [-point.conjugate() for point in CAT_EAR],
    ellipse(-0.75j, 0.19, 0.155),
    ellipse(0.6 - 0.385j, 0.026, 0.026),
)


def cat(canvas: Canvas, at: complex, size: float) -> None:
    """Draw a cat from behind, with a lit outline."""
    mirrored = canvas.dice.random() < 0.5
    shapes = [placed(each, at, size, mirrored=mirrored) for each in CAT]
    near, palette = canvas.palette.near, canvas.palette
    side = 1 if at.real < canvas.width / 2 else -1
    rim = complex(side, -1) * 2.2 * canvas.unit
    edge = [[point + rim for point in shape] for shape in shapes]
    canvas.fill(edge, mix(palette.light, near, 0.25), opacity=0.75)
    canvas.fill(shapes, mix(near, palette.far, 0.05), mix(near, (0, 0, 0), 0.3))


FOX_TAIL = smooth(
    (0.22 - 0.05j, 0.42 - 0.03j, 0.6 - 0.12j, 0.66 - 0.32j, 0.56 - 0.5j), closed=False
)
FOX_TAIL_WIDTHS = [
    0.07 + 0.17 * math.sin(math.pi * (i / len(FOX_TAIL)) ** 0.9) ** 1.2
    for i in range(len(FOX_TAIL))
]
RED, DEEP, CHEST, BLACK = (226, 98, 40), (180, 68, 34), (255, 248, 240), (36, 32, 40)
# From back to front: colours and outline.
FOX: tuple[tuple[tuple[Colour, ...], Shape], ...] = (
    ((RED, DEEP), ribbon(FOX_TAIL, FOX_TAIL_WIDTHS)),
    ((CHEST,), ribbon(FOX_TAIL[-11:], FOX_TAIL_WIDTHS[-11:])),
    ((BLACK,), (-0.84j, 0.085 - 1.05j, 0.1 - 0.76j)),
    ((RED, DEEP), smooth((
        -0.05 - 0.66j, -0.15 - 0.5j, -0.13 - 0.27j, -0.12 - 0.05j, -0.17,
        -0.02 + 0.01j, 0.08 + 0.01j, 0.24 + 0.01j,
        0.31 - 0.12j, 0.28 - 0.3j, 0.18 - 0.48j, 0.09 - 0.64j,
    ))),
    ((CHEST,), smooth((-0.06 - 0.63j, -0.145 - 0.5j, -0.125 - 0.3j, -0.06 - 0.42j))),
    ((RED,), smooth((
        -0.36 - 0.685j, -0.24 - 0.76j, -0.14 - 0.85j, -0.01 - 0.87j, 0.09 - 0.79j,
        0.1 - 0.66j, -0.02 - 0.6j, -0.16 - 0.625j, -0.3 - 0.655j,
    ))),
    ((RED,), (-0.15 - 0.83j, -0.1 - 1.07j, -0.84j)),
    ((DEEP,), (-0.115 - 0.86j, -0.092 - 0.99j, -0.04 - 0.86j)),
    ((CHEST,), smooth((
        -0.33 - 0.672j, -0.18 - 0.7j, -0.05 - 0.7j, -0.62j, -0.15 - 0.628j,
    ))),
    ((BLACK,), ellipse(-0.355 - 0.685j, 0.022, 0.018)),
    ((BLACK,), ellipse(-0.15 - 0.755j, 0.017, 0.02)),
    ((BLACK,), smooth((-0.125 - 0.09j, -0.17, -0.02 + 0.01j, -0.02 - 0.08j))),
)  # fmt: skip


def fox(canvas: Canvas, at: complex, size: float) -> None:
    """Draw a fox in profile, with white chest and tail tip."""
    mirrored = at.real < canvas.width / 2
    dim = 0.25 if canvas.palette.is_night else 0.0
    for colours, shape in FOX:
        tones = [mix(each, canvas.palette.near, dim) for each in colours]
        canvas.fill([placed(shape, at, size, mirrored=mirrored)], *tones)


def animals(canvas: Canvas) -> None:
    """Draw the animals that the prompt names, in the foreground."""
    shares = [0.3, 0.68]
    canvas.dice.shuffle(shares)
    for wanted, animal, tall in (("猫 喵 cat kitten", cat, 215), ("狐 fox", fox, 235)):
        if canvas.asks(wanted):
            spot = at(canvas.ground, shares.pop() * canvas.width)
            # At the very bottom, the demo mark would cover the tail.
            if spot.imag > canvas.height - 90 * canvas.unit:
                spot = at(canvas.ground, min(spot.real, 0.56 * canvas.width))
            animal(canvas, spot + 5j * canvas.unit, tall * canvas.unit)
