"""Scenes as data: their subjects, positions, and the prompt words that select them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from simulator.drawing import sky, subjects
from simulator.drawing.canvas import Canvas
from simulator.drawing.land import Land, bank, ground, hill, ridge, water
from simulator.drawing.palettes import SNOW


@dataclass(frozen=True)
class Scene:
    """
    Attributes:
        horizon: Its y, as a share of the picture's height.
        sun: Minimum and maximum position of sun or moon: 0 at the top, 1 on the
            horizon.
        parts: The drawing functions, from the furthest to the nearest.
    """

    horizon: float
    sun: tuple[float, float]
    parts: tuple[Callable[[Canvas], None], ...]


def paint(canvas: Canvas) -> None:
    found = (scenes for wanted, scenes in SCENES if canvas.asks(wanted))
    scene = canvas.dice.choice(next(found, DEFAULT_SCENES))
    canvas.horizon = scene.horizon * canvas.height
    sky.heavens(canvas, *scene.sun)
    for draw in scene.parts:
        draw(canvas)
    if canvas.asks(SNOW):
        sky.snowfall(canvas)


def ridges(count: int, y: float, step: float, rise: float) -> tuple[Land, ...]:
    """Successive ridges of mountains, the distant ones higher."""
    return tuple(
        Land(ridge, 0.5 - 0.04 * i, y + step * i, rise * (1 - 0.15 * i), 0.2 * i, 0.3,
             0.4 - 0.06 * i)
        for i in range(count)
    )  # fmt: skip


MOUNTAINS = Scene(0.62, (0.3, 0.52), (
    sky.birds,
    *ridges(4, 0.45, 0.12, 0.42),
    Land(hill, 0.8, 0.9, 0.09, 0.86, 1, firs=(40, 90, 190), gap=0.8),
    ground, subjects.animals,
))  # fmt: skip
LAKE = Scene(0.6, (0.35, 0.6), (
    *ridges(3, 0.43, 0.06, 0.32),
    Land(hill, 0.5, 0.6, 0.0, 0.66, 0.01, 0.4, (80, 26, 74)),
    partial(water, spread=70), bank, subjects.animals,
))  # fmt: skip
SEA = Scene(0.55, (0.66, 0.82), (
    sky.birds,
    Land(ridge, 0.45, 0.56, 0.13, 0.12, 0),
    Land(ridge, 0.45, 0.56, 0.07, 0.32, 0),
    partial(water, spread=110), subjects.boat, bank, subjects.animals,
))  # fmt: skip
FOREST = Scene(0.6, (0.4, 0.6), (
    sky.birds,
    *(Land(hill, 1.2, 0.5 + 0.11 * i, 0.1, 0.21 * i, 0.24, 0.5 if i < 4 else 0,
           (60 - 11 * i, 70 + 38 * i, 130 + 82 * i), 0.3 if i > 1 else 0)
      for i in range(5)),
    ground, subjects.animals,
))  # fmt: skip
DUNES = Scene(0.5, (0.6, 0.64), (subjects.dunes, subjects.animals))
FLOWERS = Scene(0.55, (0.4, 0.6), (
    *(Land(hill, 1.1, 0.48 + 0.06 * i, 0.14, 0.15 + 0.2 * i, 0.25, 0.1)
      for i in range(3)),
    subjects.meadow, subjects.branch,
))  # fmt: skip
TOWN = Scene(0.68, (0.3, 0.5), (
    subjects.town, partial(water, spread=60), bank, subjects.animals,
))  # fmt: skip

# The first line that has a word of the prompt applies.
SCENES: tuple[tuple[str, tuple[Scene, ...]], ...] = (
    ("城 楼 街 赛博 霓虹 city street cyber neon skyline tokyo", (TOWN,)),
    ("花 樱 春 草原 flower garden blossom meadow spring", (FLOWERS,)),
    ("湖 江 河 lake river 倒影 reflection", (LAKE,)),
    ("海 浪 港 sea ocean beach wave 船 舟 帆 boat sail", (SEA,)),
    ("沙漠 沙丘 desert dune", (DUNES,)),
    ("森林 树林 林 forest wood", (FOREST,)),
    ("山 峰 mountain peak hill 水墨", (MOUNTAINS,)),
    (SNOW, (MOUNTAINS, FOREST, LAKE)),
)
DEFAULT_SCENES = (MOUNTAINS, LAKE, FOREST, FLOWERS, SEA)
