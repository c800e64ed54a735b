"""The sky: sun, moon, clouds, rain and snow."""

import math

from PIL import Image, ImageDraw, ImageFilter

from simulator.drawing.canvas import Canvas, ellipse, smooth
from simulator.drawing.palettes import WHITE, Colour, mix

# Shares of the radius: x, y and size of the moon's dark spots.
MOON_SPOTS = ((-0.3, -0.25, 0.22), (0.28, 0.1, 0.3), (-0.15, 0.42, 0.17))
BIRD = (-1 - 0.4j, -0.5 - 0.5j, 0, 0.5 - 0.5j, 1 - 0.4j, 0.5 - 0.3j, 0.2j, -0.5 - 0.3j)


def heavens(canvas: Canvas, low: float, high: float) -> None:
    """
    Paint the sky down to the horizon.

    Args:
        low: Minimum position of sun or moon: 0 at the top, 1 on the horizon.
        high: Its maximum position.
    """
    dice, palette = canvas.dice, canvas.palette
    canvas.light_x = dice.choice((0.27, 0.36, 0.64, 0.73)) * canvas.width
    if palette.is_night:
        specks(canvas, 260, (255, 250, 235), canvas.horizon, 1.5)
    if canvas.asks("极光 aurora"):
        northern_lights(canvas)
    radius = (46 if palette.is_night else 62) * canvas.unit * dice.uniform(0.9, 1.3)
    at = complex(canvas.light_x, canvas.horizon * dice.uniform(low, high))
    light(canvas, at, radius)
    if palette.name != "ink":
        clouds(canvas)


def light(canvas: Canvas, at: complex, radius: float) -> None:
    """Paint sun or moon, with a glow."""
    palette = canvas.palette
    if palette.name != "ink":
        canvas.glow(at, radius * (6 if palette.is_night else 9), 0.55)
        canvas.glow(at, radius * 2.6, 0.6)
    canvas.fill([ellipse(at, radius, radius)], palette.light)
    if palette.is_night:
        shade = mix(palette.light, palette.sky[2], 0.12)
        spots = [
            ellipse(at + complex(x, y) * radius, size * radius, size * radius)
            for x, y, size in MOON_SPOTS
        ]
        canvas.fill(spots, shade, opacity=0.45)


def specks(
    canvas: Canvas, count: int, colour: Colour, height: float, density: float = 1.0
) -> None:
    """
    Paint stars or snowflakes down to *height*: many small ones, few large.

    Args:
        density: Their concentration towards the top; 1 is uniform.
    """
    dice, unit = canvas.dice, canvas.unit
    for radius, share, opacity in ((1.0, 0.6, 0.5), (1.6, 0.3, 0.75), (2.6, 0.1, 1.0)):
        dots = []
        for _ in range(round(count * share)):
            y = height * dice.random() ** density
            size = radius * unit * dice.uniform(0.6, 1.3)
            dots.append(ellipse(complex(dice.random() * canvas.width, y), size, size))
        canvas.fill(dots, colour, opacity=opacity)


def snowfall(canvas: Canvas) -> None:
    specks(canvas, 240, WHITE, canvas.height)
    dice, radius = canvas.dice, 7 * canvas.unit
    for _ in range(24):  # near flakes, large and faint
        at = complex(dice.random() * canvas.width, dice.random() * canvas.height)
        canvas.fill([ellipse(at, radius, radius)], WHITE, opacity=0.3)


def clouds(canvas: Canvas) -> None:
    """Paint long soft bands of cloud."""
    dice, horizon = canvas.dice, canvas.horizon
    width, height = 160, max(24, round(125 * horizon / canvas.width))
    mask = Image.new("L", (width, height))
    pen = ImageDraw.Draw(mask)
    for _ in range(9):
        x, y = dice.uniform(-10, width + 10), dice.uniform(0.15, 0.85) * height
        for _ in range(dice.randint(4, 8)):
            rx, ry = dice.uniform(6, 22), dice.uniform(0.6, 2.0)
            cx, cy = x + dice.gauss(0, 14), y + dice.gauss(0, 1.3)
            box = (cx - rx, cy - ry, cx + rx, cy + ry)
            pen.ellipse(box, round(127.5 * dice.uniform(0.4, 1)))
    colour = canvas.palette.sky[-1]
    if not canvas.palette.is_night:
        colour = mix(colour, WHITE, 0.45)
    soft = mask.filter(ImageFilter.GaussianBlur(1.6))
    canvas.veil(soft, colour, horizon * 0.12, horizon * 0.9)


def northern_lights(canvas: Canvas) -> None:
    """Paint green and violet curtains of light."""
    width, height = 256, 128
    for colour, base in (((90, 240, 190), 0.62), ((150, 120, 255), 0.45)):
        mask = Image.new("L", (width, height))
        phase, bend = canvas.dice.uniform(0, 6), canvas.dice.uniform(1.2, 2.2)
        for x in range(width):
            wave = math.sin(phase + bend * x * math.tau / width)
            foot = height * (base + 0.16 * wave)
            ray = 0.55 + 0.45 * math.sin(x * 0.37 + phase) * math.sin(x * 0.13)
            tall = height * 0.42 * (0.6 + 0.4 * ray)
            for y in range(max(0, round(foot - tall)), min(height, round(foot))):
                fade = max(0.0, 1 - (foot - y) / tall) ** 1.5 * min(1, (foot - y) / 4)
                mask.putpixel((x, y), round(165 * ray * fade))
        canvas.veil(mask.filter(ImageFilter.GaussianBlur(2)), colour, 0, canvas.horizon)


def birds(canvas: Canvas) -> None:
    """Draw a loose flock, apart from sun or moon."""
    dice, unit, flock = canvas.dice, canvas.unit, []
    x, y = (1.5 * canvas.width - canvas.light_x) % canvas.width, 0.2 * canvas.height
    for i in range(5):
        shift = complex(i * 34, abs(i - 2) * 13)
        shift += complex(*dice.choices(range(-13, 14), k=2))
        size, lift = dice.uniform(11, 19) * unit, dice.uniform(0.6, 1.4)
        outline = [complex(p.real, p.imag * lift) * size for p in BIRD]
        flock.append([complex(x, y) + shift * unit + p for p in smooth(outline, 5)])
    canvas.fill(flock, mix(canvas.palette.near, canvas.palette.sky[-1], 0.15))
