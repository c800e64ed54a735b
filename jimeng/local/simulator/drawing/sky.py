"""What is above the horizon: sun or moon, stars, clouds, northern lights, snow."""

import math

from PIL import Image, ImageDraw, ImageFilter

from jimeng.local.simulator.drawing.canvas import Canvas, ellipse, smooth
from jimeng.local.simulator.drawing.palettes import mix


def light(canvas: Canvas, x: float, y: float, radius: float) -> None:
    """Sun or moon, with the glow around it."""
    palette = canvas.palette
    reach = radius * (6 if palette.is_night else 9)
    if palette.name != "ink":
        canvas.glow(x, y, reach, palette.light, 0.55)
        canvas.glow(x, y, radius * 2.6, palette.light, 0.6)
    canvas.fill([ellipse(x, y, radius, radius)], [palette.light])
    if palette.is_night:
        shade = mix(palette.light, palette.sky[2], 0.12)
        spots = [(-0.3, -0.25, 0.22), (0.28, 0.1, 0.3), (-0.15, 0.42, 0.17)]
        spots += [(0.35, -0.45, 0.12)]
        canvas.fill(
            [
                ellipse(x + a * radius, y + b * radius, *([r * radius] * 2))
                for a, b, r in spots
            ],
            [shade],
            opacity=0.45,
        )


def stars(canvas: Canvas, horizon: float) -> None:
    """Dense at the top, few near the horizon."""
    dice, unit = canvas.dice, canvas.unit
    for opacity, size, share in ((0.45, 0.9, 0.6), (0.75, 1.3, 0.3), (1.0, 2.0, 0.1)):
        dots = []
        for _ in range(round(260 * share)):
            y = horizon * dice.random() ** 1.5
            radius = size * unit * dice.uniform(0.7, 1.2)
            dots.append(ellipse(dice.random() * canvas.width, y, radius, radius))
        canvas.fill(dots, [(255, 250, 235)], opacity=opacity)


def clouds(canvas: Canvas, top: float, bottom: float) -> None:
    """Long soft bands."""
    dice = canvas.dice
    wide = 160
    high = max(24, round(wide * (bottom - top) / canvas.width))
    mask = Image.new("L", (wide, high))
    pen = ImageDraw.Draw(mask)
    for _ in range(9):
        x, y = dice.uniform(-10, wide + 10), dice.uniform(0.15, 0.85) * high
        for _ in range(dice.randint(4, 8)):
            rx, ry = dice.uniform(6, 22), dice.uniform(0.6, 2.0)
            cx, cy = x + dice.gauss(0, 14), y + dice.gauss(0, 1.3)
            value = round(127.5 * dice.uniform(0.4, 1))
            pen.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), value)
    soft = mask.filter(ImageFilter.GaussianBlur(1.6))
    colour = mix(canvas.palette.sky[-1], (255, 255, 255), 0.45)
    if canvas.palette.is_night:
        colour = canvas.palette.sky[-1]
    canvas.veil(soft, colour, top, bottom)


def northern_lights(canvas: Canvas, horizon: float) -> None:
    """Curtains of green and violet."""
    dice = canvas.dice
    for colour, base in (((90, 240, 190), 0.62), ((150, 120, 255), 0.45)):
        wide, high = 256, 128
        mask = Image.new("L", (wide, high))
        phase, bend = dice.uniform(0, 6), dice.uniform(1.2, 2.2)
        for x in range(wide):
            foot = high * (base + 0.16 * math.sin(phase + bend * x * math.tau / wide))
            ray = 0.55 + 0.45 * math.sin(x * 0.37 + phase) * math.sin(x * 0.13)
            tall = high * 0.42 * (0.6 + 0.4 * ray)
            for y in range(max(0, round(foot - tall)), min(high, round(foot))):
                up = (foot - y) / tall
                edge = min(1.0, (foot - y) / 4)
                mask.putpixel((x, y), round(165 * ray * edge * max(0.0, 1 - up) ** 1.5))
        canvas.veil(mask.filter(ImageFilter.GaussianBlur(2)), colour, 0, horizon)


def birds(canvas: Canvas, x: float, y: float, count: int = 5) -> None:
    """A loose flock."""
    dice, unit = canvas.dice, canvas.unit
    shapes = []
    for i in range(count):
        size = dice.uniform(11, 19) * unit
        bx = x + (i * 34 + dice.uniform(-12, 12)) * unit
        by = y + (abs(i - count / 3) * 13 + dice.uniform(-14, 14)) * unit
        lift = dice.uniform(0.25, 0.6)
        top = [
            (-1, -lift),
            (-0.5, -lift * 1.15),
            (0, 0),
            (0.5, -lift * 1.15),
            (1, -lift),
        ]
        back = [(0.5, -lift * 0.85), (0, 0.22), (-0.5, -lift * 0.85)]
        outline = [(bx + a * size, by + b * size) for a, b in top + back]
        shapes.append(smooth(outline, 5))
    canvas.fill(shapes, [mix(canvas.palette.near, canvas.palette.sky[-1], 0.15)])


def snowfall(canvas: Canvas) -> None:
    """Flakes, the near ones large and faint."""
    dice, unit = canvas.dice, canvas.unit
    for size, share, opacity in ((1.8, 0.6, 0.8), (3.2, 0.3, 0.7), (7.0, 0.1, 0.3)):
        flakes = []
        for _ in range(round(240 * share)):
            x, y = dice.random() * canvas.width, dice.random() * canvas.height
            radius = size * unit * dice.uniform(0.6, 1.3)
            flakes.append(ellipse(x, y, radius, radius))
        canvas.fill(flakes, [(255, 255, 255)], opacity=opacity)
