"""Whole pictures as rows of data: what stands where, and the words that ask for it."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from jimeng.local.simulator.drawing import land, sky, subjects
from jimeng.local.simulator.drawing.canvas import Canvas, Shape
from jimeng.local.simulator.drawing.palettes import has_word, mix

SNOW = "雪 snow"
LIGHTS = "极光 aurora"
BLOSSOM = "樱 梅 桃花 blossom cherry sakura"
ANIMALS = (
    ("猫 喵 cat kitten", subjects.cat, 215),
    ("狐 fox", subjects.fox, 235),
)


Outline = Callable[[Canvas, float, float, float], Shape]


@dataclass(frozen=True)
class Layer:
    """
    Land over the whole width, and the firs on it.

    Attributes:
        outline: `ridge` or `hill` of `land`.
        shape: A ridge's roughness, a hill's waves.
        y: Where it is on average, as a share of the picture's height.
        rise: How far it goes up and down, likewise, in a picture that is not tall.
        depth: 0 the furthest, 1 the foreground.
        foot: How far below `y` it has faded into mist.
        mist: Opacity of the fog at its foot.
        firs: How many there are, and the sizes of the smallest and the tallest.
        gap: How open the row of firs is in the middle, from 0 to 1.
        is_high: It may have snow on it.
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
    is_high: bool = False


@dataclass(frozen=True)
class Scene:
    """
    Attributes:
        horizon: As a share of the picture's height.
        sun: How low sun or moon stands, from and to: 0 at the top, 1 on the horizon.
        layers: From the furthest to the nearest; the last is the foreground.
        subject: Draws what is particular, before the water that mirrors it, and
            returns the foreground if that is part of it.
        glitter: Width of the light's reflection on water below the horizon, in
            thousandths of the shorter side; 0 where there is none.
        front: Draws what stands before the animals, given the foreground.
        has_birds: A flock is in the sky.
        has_boat: A boat sails where the light's reflection is not.
    """

    horizon: float
    sun: tuple[float, float]
    layers: tuple[Layer, ...] = ()
    subject: Callable[[Canvas, float], Shape | None] | None = None
    glitter: float = 0.0
    front: Callable[[Canvas, Shape, str], None] | None = None
    has_birds: bool = False
    has_boat: bool = False


def paint(canvas: Canvas, scene: Scene, words: str) -> None:
    height, width, unit = canvas.height, canvas.width, canvas.unit
    horizon = scene.horizon * height
    light_x = heavens(canvas, scene, words)
    outline: Shape = []
    for layer in scene.layers:
        outline = draw_layer(canvas, layer, words)
    if scene.subject:
        outline = scene.subject(canvas, horizon) or outline
    if scene.glitter:
        land.water(canvas, horizon, light_x, scene.glitter)
        if scene.has_boat:
            at = complex(width - light_x, horizon + 0.12 * height)
            subjects.boat(canvas, at, 130 * unit)
        outline = land.bank(canvas)
    elif not scene.subject:
        canvas.fill([land.below(canvas, outline)], *canvas.palette.ground)
    animals(canvas, outline, words)
    if scene.front:
        scene.front(canvas, outline, words)
    if has_word(words, SNOW):
        sky.snowfall(canvas)


def heavens(canvas: Canvas, scene: Scene, words: str) -> float:
    """Paint what is above the horizon; returns the x of sun or moon."""
    dice, is_night = canvas.dice, canvas.palette.is_night
    horizon = scene.horizon * canvas.height
    x = dice.choice((0.27, 0.36, 0.64, 0.73)) * canvas.width
    if is_night:
        sky.specks(canvas, 260, (255, 250, 235), horizon, 1.5)
    if has_word(words, LIGHTS):
        sky.northern_lights(canvas, horizon)
    radius = (46 if is_night else 62) * canvas.unit * dice.uniform(0.9, 1.3)
    sky.light(canvas, complex(x, horizon * dice.uniform(*scene.sun)), radius)
    if canvas.palette.name != "ink":
        sky.clouds(canvas, horizon)
    if scene.has_birds:
        sky.birds(canvas, (1.5 * canvas.width - x) % canvas.width, 0.2 * canvas.height)
    return x


def draw_layer(canvas: Canvas, layer: Layer, words: str) -> Shape:
    y = layer.y * canvas.height
    rise = layer.rise * min(canvas.height, 1.2 * canvas.width)
    outline = layer.outline(canvas, y, rise, layer.shape)
    winter = canvas.palette.name == "winter" or has_word(words, SNOW)
    foot = y + layer.foot * canvas.height
    count, *sizes = layer.firs
    land.firs(canvas, outline, layer.depth, count, sizes, gap=layer.gap)
    land.layer(canvas, outline, layer.depth, foot, snowy=winter and layer.is_high)
    if layer.mist:
        land.mist(canvas, foot - 0.12 * canvas.height, 0.18 * canvas.height, layer.mist)
    return outline


def animals(canvas: Canvas, outline: Shape, words: str) -> None:
    """Put those that *words* name on the foreground."""
    shares = [0.3, 0.68]
    canvas.dice.shuffle(shares)
    for wanted, animal, tall in ANIMALS:
        if has_word(words, wanted):
            place = land.at(outline, shares.pop() * canvas.width)
            # At the very bottom the mark of the demo would lie on the tail.
            if place.imag > canvas.height - 90 * canvas.unit:
                place = land.at(outline, min(place.real, 0.56 * canvas.width))
            animal(canvas, place + 5j * canvas.unit, tall * canvas.unit)


def dunes(canvas: Canvas, horizon: float) -> Shape:
    """Long soft waves of sand, each darker towards its foot."""
    palette, height = canvas.palette, canvas.height
    outline: Shape = []
    for i in range(5):
        y, rise = horizon + 0.1 * i * height, (0.07 + 0.04 * i) * height
        outline = land.hill(canvas, y, rise, 1.25)
        lit = mix(palette.accent, palette.mist, 0.75 - 0.14 * i)
        dark = mix(lit, palette.near, 0.3 + 0.12 * i)
        canvas.fill([land.below(canvas, outline)], lit, mix(lit, dark, 0.5), dark, dark)
    return outline


# How far below its upper edge somebody sits in a meadow, as a share of the height.
SEAT = 0.16j


def meadow(canvas: Canvas, _horizon: float) -> Shape:
    field = land.hill(canvas, canvas.height * 0.66, 50 * canvas.unit, 0.7)
    canvas.fill([land.below(canvas, field)], *subjects.greens(canvas.palette))
    subjects.flowers(canvas, field, range(5))
    return [point + SEAT * canvas.height for point in field]


def meadow_front(canvas: Canvas, seat: Shape, words: str) -> None:
    field = [point - SEAT * canvas.height for point in seat]
    subjects.flowers(canvas, field, range(5, subjects.FLOWER_ROWS))
    if has_word(words, BLOSSOM):
        subjects.branch(canvas)


def ridges(count: int, y: float, step: float, rise: float) -> tuple[Layer, ...]:
    """Mountains one behind the other, those in the distance high."""
    return tuple(
        Layer(land.ridge, 0.5 - 0.04 * i, y + step * i, rise * (1 - 0.15 * i), 0.2 * i,
              0.3, 0.4 - 0.06 * i, is_high=i < 2)
        for i in range(count)
    )  # fmt: skip


MOUNTAINS = Scene(
    0.62,
    (0.3, 0.52),
    (
        *ridges(4, 0.45, 0.12, 0.42),
        Layer(land.hill, 0.8, 0.9, 0.09, 0.86, 1, firs=(40, 90, 190), gap=0.8),
    ),
    has_birds=True,
)
LAKE = Scene(
    0.6,
    (0.35, 0.6),
    (
        *ridges(3, 0.43, 0.06, 0.32),
        Layer(land.hill, 0.5, 0.6, 0.0, 0.66, 0.01, 0.4, (80, 26, 74)),
    ),
    glitter=70,
)
SEA = Scene(
    0.55,
    (0.66, 0.82),
    (
        Layer(land.ridge, 0.45, 0.56, 0.13, 0.12, 0),
        Layer(land.ridge, 0.45, 0.56, 0.07, 0.32, 0),
    ),
    glitter=110,
    has_birds=True,
    has_boat=True,
)
FOREST = Scene(
    0.6,
    (0.4, 0.6),
    tuple(
        Layer(land.hill, 1.2, 0.5 + 0.11 * i, 0.1, 0.21 * i, 0.24, 0.5 if i < 4 else 0,
              (60 - 11 * i, 70 + 38 * i, 130 + 82 * i), 0.3 if i > 1 else 0)
        for i in range(5)
    ),
    has_birds=True,
)  # fmt: skip
DUNES = Scene(0.5, (0.6, 0.64), subject=dunes)
FLOWERS = Scene(
    0.55,
    (0.4, 0.6),
    tuple(
        Layer(land.hill, 1.1, 0.48 + 0.06 * i, 0.14, 0.15 + 0.2 * i, 0.25, 0.1)
        for i in range(3)
    ),
    subject=meadow,
    front=meadow_front,
)
TOWN = Scene(0.68, (0.3, 0.5), subject=subjects.town, glitter=60)

# The first line with a word of the prompt wins.
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


def choose_scene(words: str, dice: random.Random) -> Scene:
    scenes = (scenes for wanted, scenes in SCENES if has_word(words, wanted))
    return dice.choice(next(scenes, DEFAULT_SCENES))
