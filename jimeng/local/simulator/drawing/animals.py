"""Who sits in the foreground: a cat, a fox."""

import math

from jimeng.local.simulator.drawing.canvas import (
    Canvas,
    ellipse,
    placed,
    ribbon,
    smooth,
)
from jimeng.local.simulator.drawing.palettes import Colour, Palette, mix


def cat(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Sits with its back to us and looks at the view."""
    half = [(0.13, -0.62), (0.2, -0.46), (0.29, -0.22), (0.27, -0.05), (0.2, 0.01)]
    body = smooth([*half, *((-a, b) for a, b in reversed(half))])
    path = smooth(
        [(0.16, -0.05), (0.36, -0.01), (0.52, -0.1), (0.52, -0.27), (0.6, -0.38)],
        closed=False,
    )
    tail = ribbon(path, [0.085 - 0.035 * i / len(path) for i in range(len(path))])
    ear = [(0.03, -0.87), (0.155, -1.03), (0.185, -0.78)]
    parts = [body, tail, ear, [(-a, b) for a, b in ear]]
    parts += [ellipse(0, -0.75, 0.19, 0.155), ellipse(0.6, -0.385, 0.026, 0.026)]
    mirrored = canvas.dice.random() < 0.5
    shapes = [placed(each, x, y, size, mirrored=mirrored) for each in parts]
    near = canvas.palette.near
    rim = 2.2 * canvas.unit
    side = rim if x < canvas.width / 2 else -rim
    edge = [[(a + side, b - rim) for a, b in each] for each in shapes]
    canvas.fill(edge, [mix(canvas.palette.light, near, 0.25)], opacity=0.75)
    canvas.fill(
        shapes, [mix(near, canvas.palette.far, 0.05), mix(near, (0, 0, 0), 0.3)]
    )


# What a fox is made of, from the back to the front: a colour, and an outline that
# is smoothed where it is soft. The origin is where it sits; its height is about 1.
FOX_PARTS = (
    ("black", False, ((0.0, -0.84), (0.085, -1.05), (0.1, -0.76))),
    ("fur", True, (
        (-0.05, -0.66), (-0.15, -0.5), (-0.13, -0.27), (-0.12, -0.05), (-0.17, 0.0),
        (-0.02, 0.01), (0.08, 0.01), (0.24, 0.01),
        (0.31, -0.12), (0.28, -0.3), (0.18, -0.48), (0.09, -0.64),
    )),
    ("white", True, ((-0.06, -0.63), (-0.145, -0.5), (-0.125, -0.3), (-0.06, -0.42))),
    ("red", True, (
        (-0.36, -0.685), (-0.24, -0.76), (-0.14, -0.85), (-0.01, -0.87),
        (0.09, -0.79), (0.1, -0.66), (-0.02, -0.6), (-0.16, -0.625), (-0.3, -0.655),
    )),
    ("red", False, ((-0.15, -0.83), (-0.1, -1.07), (0.0, -0.84))),
    ("deep", False, ((-0.115, -0.86), (-0.092, -0.99), (-0.04, -0.86))),
    ("white", True, (
        (-0.33, -0.672), (-0.18, -0.7), (-0.05, -0.7), (0.0, -0.62), (-0.15, -0.628),
    )),
    ("black", False, ellipse(-0.355, -0.685, 0.022, 0.018)),
    ("black", False, ellipse(-0.15, -0.755, 0.017, 0.02)),
    ("black", True, ((-0.125, -0.09), (-0.17, 0.0), (-0.02, 0.01), (-0.02, -0.08))),
)  # fmt: skip
FOX_TAIL = ((0.22, -0.05), (0.42, -0.03), (0.6, -0.12), (0.66, -0.32), (0.56, -0.5))


def fox(canvas: Canvas, x: float, y: float, size: float) -> None:
    """Sits in profile, with a white chest and a white tip of its tail."""
    mirrored = x < canvas.width / 2
    coat = fox_coat(canvas.palette)
    path = smooth(FOX_TAIL, closed=False)
    count = len(path) - 1
    swell = [math.sin(math.pi * (i / count) ** 0.9) ** 1.2 for i in range(count)]
    widths = [*(0.07 + 0.17 * each for each in swell), 0.01]
    parts = [
        ("fur", False, ribbon(path, widths)),
        ("white", False, ribbon(path[-11:], widths[-11:])),
        *FOX_PARTS,
    ]
    for colour, soft, outline in parts:
        shape = smooth(outline) if soft else outline
        canvas.fill([placed(shape, x, y, size, mirrored=mirrored)], coat[colour])


def fox_coat(palette: Palette) -> dict[str, list[Colour]]:
    """The colours of a fox in the light of *palette*."""
    dim = 0.25 if palette.is_night else 0.0
    red = mix((226, 98, 40), palette.near, dim)
    deep = mix((176, 62, 28), palette.near, dim + 0.1)
    return {
        "fur": [red, deep],
        "red": [red],
        "deep": [deep],
        "white": [mix((255, 248, 240), palette.near, dim * 0.6)],
        "black": [mix(palette.near, (40, 24, 24), 0.5)],
    }
