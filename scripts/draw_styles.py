"""
Draw the little pictures of the styles: one scene, in each style's colours and hand.

    python scripts/draw_styles.py

Writes ``static/styles.webp``, a strip in the order of `jimeng.tasks.styles.STYLES`,
from ``scripts/styles/``. Details on top are random with a fixed seed. Needs
Chromium, by Playwright.
"""

import io
import math
import random
import shutil
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter
from playwright.sync_api import sync_playwright

from jimeng.tasks.styles import STYLES

HERE = Path(__file__).parent
OUT = HERE.parent / "static" / "styles.webp"
FULL = (480, 360)  # pixels in which they are painted
TILE = (112, 84)  # of each in the strip: blocks of WebP are 16 wide
QUALITY = 46
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser")


def rendered() -> dict[str, Image.Image]:
    """The drawn styles, by name."""
    found = {}
    with sync_playwright() as tools:
        path = next(filter(None, map(shutil.which, BROWSERS)), None)
        browser = tools.chromium.launch(executable_path=path)
        page = browser.new_page(
            viewport={"width": 240, "height": 180}, device_scale_factor=2
        )
        for path in sorted((HERE / "styles").glob("*.svg")):
            page.set_content(
                "<style>*{margin:0}svg{display:block;width:240px;height:180px}</style>"
                + path.read_text("utf-8")
            )
            shot = page.screenshot()
            found[path.stem] = Image.open(io.BytesIO(shot)).convert("RGB")
        browser.close()
    return found


def noise(size: tuple[int, int], spread: float, seed: int) -> Image.Image:
    """Grey grain around the middle."""
    chance = random.Random(seed)  # noqa: S311 - it hides nothing
    grain = bytes(
        max(0, min(255, round(chance.gauss(128, spread))))
        for _ in range(size[0] * size[1])
    )
    return Image.frombytes("L", size, grain)


def film(photo: Image.Image) -> Image.Image:
    """Faded and warm, with grain, and a light leak at the edge."""
    faded = ImageEnhance.Color(photo).enhance(0.55)
    red, green, blue = faded.split()
    red = red.point(lambda v: 46 + v * 0.80)
    green = green.point(lambda v: 40 + v * 0.74)
    blue = blue.point(lambda v: 58 + v * 0.56)
    warm = Image.merge("RGB", (red, green, blue))
    leak = Image.new("RGB", FULL)
    draw = ImageDraw.Draw(leak)
    for x in range(170):
        share = (1 - x / 170) ** 1.6
        draw.line((x, 0, x, FULL[1]), fill=tuple(int(share * c) for c in (255, 96, 30)))
    warm = ImageChops.screen(warm, leak)
    grain = noise((120, 90), 13, 3).resize(FULL, Image.Resampling.BICUBIC)
    return ImageChops.overlay(warm, Image.merge("RGB", (grain,) * 3))


def oil(photo: Image.Image) -> Image.Image:
    """Thick strokes that go round the sun, along the hills, and level on the water."""
    chance = random.Random(11)  # noqa: S311 - it hides nothing
    base = ImageEnhance.Color(photo).enhance(1.9)
    base = ImageEnhance.Contrast(base).enhance(1.15)
    base = base.filter(ImageFilter.GaussianBlur(4))
    canvas = base.copy()
    draw = ImageDraw.Draw(canvas)
    for length, width, count in ((46, 15, 900), (30, 10, 1700), (18, 6, 1500)):
        for _ in range(count):
            x, y = chance.uniform(0, 480), chance.uniform(0, 360)
            if y < 190:
                angle = math.atan2(y - 92, x - 368) + math.pi / 2
            elif y < 262:
                angle = 0.9 if x % 120 < 60 else -0.9
            else:
                angle = 0.06
            angle += chance.gauss(0, 0.18)
            colour = base.getpixel((min(int(x), 479), min(int(y), 359)))
            light = chance.gauss(0, 17)
            tint = [round(c + light + chance.gauss(0, 9)) for c in colour]
            tint = [max(0, min(255, c)) for c in tint]
            dx, dy = math.cos(angle) * length / 2, math.sin(angle) * length / 2
            line = (x - dx, y - dy, x + dx, y + dy)
            draw.line(line, fill=tuple(tint), width=width)
            edge = tuple(min(255, c + 34) for c in tint)
            nx, ny = -math.sin(angle) * width / 2.6, math.cos(angle) * width / 2.6
            draw.line(
                (line[0] - nx, line[1] - ny, line[2] - nx, line[3] - ny),
                fill=edge,
                width=max(1, width // 6),
            )
    return canvas


def main() -> None:
    found = rendered()
    photo = found["photo"]
    found |= {"film": film(photo), "oil": oil(photo)}
    strip = Image.new("RGB", (TILE[0] * len(STYLES), TILE[1]))
    for index, style in enumerate(STYLES):
        how = Image.Resampling.BOX if style.id == "pixel" else Image.Resampling.LANCZOS
        small = found[style.id].resize(TILE, how)
        strip.paste(small, (TILE[0] * index, 0))
    strip.save(OUT, "WEBP", quality=QUALITY, method=6)
    print(OUT, OUT.stat().st_size)  # noqa: T201 - a command-line script


if __name__ == "__main__":
    main()
