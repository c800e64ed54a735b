"""Whole pictures: what stands where, and the words that ask for it."""

import random
from collections.abc import Callable

from jimeng.local.simulator.drawing import animals, blossoms, city, figures, land, sky
from jimeng.local.simulator.drawing.canvas import Canvas, Point
from jimeng.local.simulator.drawing.meadow import grass, rows
from jimeng.local.simulator.drawing.palettes import has_word, mix

Scene = Callable[[Canvas, str], None]

CAT = "猫 喵 cat kitten"
FOX = "狐 fox"
SNOW = "雪 snow"
BOAT = "船 舟 帆 boat sail"
LIGHTS = "极光 aurora"
BLOSSOM = "樱 梅 桃花 blossom cherry sakura"


def heavens(canvas: Canvas, words: str, horizon: float, low: float) -> float:
    """
    Paint what is above *horizon*; returns the x of sun or moon.

    Args:
        low: Where it stands: 0 at the top, 1 on the horizon.
    """
    dice, palette = canvas.dice, canvas.palette
    side = dice.choice((0.27, 0.36, 0.64, 0.73))
    x, y = side * canvas.width, horizon * low
    if palette.is_night:
        sky.stars(canvas, horizon)
    if has_word(words, LIGHTS):
        sky.northern_lights(canvas, horizon)
    radius = (46 if palette.is_night else 62) * canvas.unit * dice.uniform(0.9, 1.3)
    sky.light(canvas, x, y, radius)
    if palette.name != "ink":
        sky.clouds(canvas, horizon * 0.12, horizon * 0.9)
    return x


def guests(
    canvas: Canvas, words: str, outline: list[Point], *, free: float | None = None
) -> None:
    """
    Put the animals that *words* name on the foreground.

    Args:
        free: An x that they should not hide.
    """
    unit, dice = canvas.unit, canvas.dice
    places = [0.3, 0.68]
    dice.shuffle(places)
    if free is not None:
        places.sort(key=lambda place: abs(place * canvas.width - free))
    for wanted, animal, tall in ((CAT, animals.cat, 215), (FOX, animals.fox, 235)):
        if has_word(words, wanted):
            x = places.pop() * canvas.width
            # At the very bottom the mark of the demo would lie on the tail.
            if land.at(outline, x) > canvas.height - 90 * unit:
                x = min(x, 0.56 * canvas.width)
            y = land.at(outline, x) + 5 * unit
            animal(canvas, x, y, tall * unit)
    if has_word(words, SNOW):
        sky.snowfall(canvas)


def mountains(canvas: Canvas, words: str) -> None:
    """Ranges that fade into mist, and firs in front."""
    height, unit = canvas.height, canvas.unit
    heavens(canvas, words, height * 0.62, canvas.dice.uniform(0.3, 0.52))
    sky.birds(canvas, canvas.width * 0.42, height * 0.2)
    tall = min(height * 0.42, canvas.width * 0.5)
    for i in range(4):
        part = i / 4
        y = height * (0.45 + 0.12 * i)
        outline = land.ridge(canvas, y, tall * (1 - 0.3 * part), 0.5 - 0.04 * i)
        snowy = i < 2 and is_snowy(canvas, words)
        land.layer(canvas, outline, part * 0.8, y + height * 0.32, snowy=snowy)
        land.mist(canvas, y + height * 0.2, height * 0.2, 0.4 - 0.06 * i)
    front = land.hill(canvas, height * 0.9, 90 * unit, 0.8)
    firs(canvas, front, 26, 0.86, (90, 190))
    canvas.fill([land.ground(canvas, front)], canvas.palette.ground)
    guests(canvas, words, front)


def firs(
    canvas: Canvas,
    outline: list[Point],
    count: int,
    depth: float,
    sizes: tuple[float, float],
) -> None:
    """Firs along *outline*, in loose groups with a clearing in the middle."""
    dice, unit = canvas.dice, canvas.unit
    shapes = []
    for _ in range(count):
        side = dice.random() ** 1.7 * 0.42
        x = (side if dice.random() < 0.5 else 1 - side) * canvas.width
        size = dice.uniform(*sizes) * unit
        shapes.append(figures.pine(canvas, x, land.at(outline, x) + 12 * unit, size))
    colour = land.depth_colour(canvas, depth)
    canvas.fill(shapes, [colour, mix(colour, canvas.palette.mist, 0.12)])


def lake(canvas: Canvas, words: str) -> None:
    """Mountains that are mirrored in still water."""
    height, unit = canvas.height, canvas.unit
    horizon = height * 0.6
    x = heavens(canvas, words, horizon, canvas.dice.uniform(0.35, 0.6))
    tall = min(horizon * 0.55, canvas.width * 0.4)
    for i in range(3):
        y = horizon - tall * (0.52 - 0.2 * i)
        outline = land.ridge(canvas, y, tall * (1 - 0.3 * i), 0.5 - 0.05 * i)
        snowy = i < 2 and is_snowy(canvas, words)
        land.layer(canvas, outline, 0.1 + 0.24 * i, horizon + 1, snowy=snowy)
    shoreline = [(0.0, horizon), (canvas.width + 0.0, horizon)]
    firs(canvas, shoreline, 70, 0.66, (26, 74))
    land.mist(canvas, horizon - 24 * unit, 120 * unit, 0.4)
    land.water(canvas, horizon, 0.28)
    land.ripples(canvas, horizon)
    land.glitter(canvas, x, horizon, 70 * unit)
    guests(canvas, words, bank(canvas))


def sea(canvas: Canvas, words: str) -> None:
    """A low sun over open water, islands and a sail."""
    height, unit, dice = canvas.height, canvas.unit, canvas.dice
    horizon = height * 0.55
    x = heavens(canvas, words, horizon, dice.uniform(0.66, 0.82))
    sky.birds(canvas, canvas.width - x, height * 0.22, 6)
    for depth, rise in ((0.12, 130), (0.32, 70)):
        outline = land.ridge(canvas, horizon + 12 * unit, rise * unit, 0.45)
        canvas.fill(
            [[*outline, (canvas.width + 1, horizon + 1), (-1, horizon + 1)]],
            [
                land.depth_colour(canvas, depth),
                mix(canvas.palette.mist, canvas.palette.far, 0.4),
            ],
        )
    land.water(canvas, horizon, 0.3)
    land.ripples(canvas, horizon, 130)
    land.glitter(canvas, x, horizon, 110 * unit)
    boat_x = canvas.width - x + dice.uniform(-0.08, 0.08) * canvas.width
    figures.boat(canvas, boat_x, horizon + 0.12 * height, 130 * unit)
    guests(canvas, words, bank(canvas), free=boat_x)


def bank(canvas: Canvas) -> list[Point]:
    """Land in front of water, where somebody may sit."""
    return land.shore(canvas, min(0.2 * canvas.height, 170 * canvas.unit))


def is_snowy(canvas: Canvas, words: str) -> bool:
    return canvas.palette.name == "winter" or has_word(words, SNOW)


def forest(canvas: Canvas, words: str) -> None:
    """Rows of firs, each further one paler."""
    height, dice = canvas.height, canvas.dice
    heavens(canvas, words, height * 0.6, dice.uniform(0.4, 0.6))
    outline: list[Point] = []
    for i in range(5):
        part = i / 4
        y = height * (0.5 + 0.11 * i)
        outline = land.hill(canvas, y, height * 0.1, 1.2)
        sizes = (70 + 150 * part, 130 + 330 * part)
        firs_everywhere(canvas, outline, round(60 - 44 * part), part * 0.85, sizes)
        land.layer(canvas, outline, part * 0.85, y + height * 0.24)
        if i < 4:
            land.mist(canvas, y + height * 0.06, height * 0.16, 0.5)
    canvas.fill([land.ground(canvas, outline)], canvas.palette.ground)
    sky.birds(canvas, canvas.width * dice.uniform(0.35, 0.5), height * 0.18)
    guests(canvas, words, outline)


def firs_everywhere(
    canvas: Canvas,
    outline: list[Point],
    count: int,
    depth: float,
    sizes: tuple[float, float],
) -> None:
    dice, unit = canvas.dice, canvas.unit
    shapes = []
    for i in range(count):
        x = (i + dice.uniform(-0.6, 0.6)) / count * canvas.width * 1.04
        # A gap to look through, in the nearer rows.
        middle = abs(x / canvas.width - 0.5)
        size = dice.uniform(*sizes) * unit * (0.55 + 0.9 * middle if depth > 0.3 else 1)
        shapes.append(
            figures.pine(
                canvas,
                x,
                land.at(outline, min(max(x, 0), canvas.width)) + 8 * unit,
                size,
            )
        )
    colour = land.depth_colour(canvas, depth)
    canvas.fill(
        shapes,
        [mix(colour, canvas.palette.near, 0.12), mix(colour, canvas.palette.mist, 0.3)],
    )


def dunes(canvas: Canvas, words: str) -> None:
    """Long soft waves of sand under a large sun."""
    height = canvas.height
    heavens(canvas, words, height * 0.5, 0.62)
    outline: list[Point] = []
    for i in range(5):
        y = height * (0.5 + 0.1 * i)
        outline = land.hill(canvas, y, height * (0.07 + 0.04 * i), 1.25)
        lit = mix(canvas.palette.accent, canvas.palette.mist, 0.75 - 0.14 * i)
        dark = mix(lit, canvas.palette.near, 0.2 + 0.12 * i)
        canvas.fill([land.ground(canvas, outline)], [lit, mix(lit, dark, 0.35), dark])
        canvas.fill(land.lee(outline, height * 0.16), [dark, mix(lit, dark, 0.45)])
    guests(canvas, words, outline)


def flowers(canvas: Canvas, words: str) -> None:
    """Hills with a field of flowers, or a branch in bloom before them."""
    height, unit, dice = canvas.height, canvas.unit, canvas.dice
    heavens(canvas, words, height * 0.55, dice.uniform(0.4, 0.6))
    for i in range(3):
        y = height * (0.48 + 0.06 * i)
        outline = land.hill(canvas, y, height * 0.14, 1.1)
        land.layer(canvas, outline, 0.15 + 0.2 * i, y + height * 0.25)
    land.mist(canvas, height * 0.6, height * 0.14, 0.4)
    field = land.hill(canvas, height * 0.66, 50 * unit, 0.7)
    grass(canvas, field)
    rows(canvas, field, range(5))
    seat = [(x, y + height * 0.16) for x, y in field]
    guests(canvas, words, seat)
    rows(canvas, field, range(5, 7))
    if has_word(words, BLOSSOM):
        pinks = [(238, 150, 176), (250, 196, 212), (255, 232, 238)]
        blossoms.branch(canvas, pinks)


def town(canvas: Canvas, words: str) -> None:
    """A skyline and its lights, mirrored in a river."""
    height, unit = canvas.height, canvas.unit
    horizon = height * 0.68
    x = heavens(canvas, words, horizon, canvas.dice.uniform(0.3, 0.5))
    city.skyline(canvas, horizon)
    land.water(canvas, horizon, 0.32)
    land.ripples(canvas, horizon)
    land.glitter(canvas, x, horizon, 60 * unit)
    guests(canvas, words, bank(canvas))


# The first line with a word of the prompt wins.
SCENES: tuple[tuple[str, tuple[Scene, ...]], ...] = (
    ("城 楼 街 赛博 霓虹 city street cyber neon skyline tokyo", (town,)),
    ("花 樱 春 草原 flower garden blossom meadow spring", (flowers,)),
    ("湖 江 河 lake river 倒影 reflection", (lake,)),
    (f"海 浪 港 sea ocean beach wave {BOAT}", (sea,)),
    ("沙漠 沙丘 desert dune", (dunes,)),
    ("森林 树林 林 forest wood", (forest,)),
    ("山 峰 mountain peak hill 水墨", (mountains,)),
    (SNOW, (mountains, forest, lake)),
)


def choose_scene(words: str, dice: random.Random) -> Scene:
    for wanted, scenes in SCENES:
        if has_word(words, wanted):
            return dice.choice(scenes)
    return dice.choice((mountains, lake, forest, flowers, sea))
