"""
Put the screenshots of each state side by side, six widths to a sheet, to be looked at:
``screenshots/sheets/<state>-<language>-<theme>.png``, by ``make screenshots``.
"""

import re
from pathlib import Path

from PIL import Image

from tests.browser.shots import SHOTS

# Width of the window -> scale, and whether a row ends with it.
ROWS = (
    ((360, 0.75), (390, 0.75), (768, 0.6), (1024, 0.5)),
    ((1280, 0.55), (1920, 0.42)),
)
MOST = 700  # pixels of a long page
GAP, GROUND = 12, "magenta"
NAME = re.compile(r"(?P<state>.+-(zh|en)-(light|dark))-(?P<width>\d+)\.png")


def sheet(shots: dict[int, Path]) -> Image.Image:
    """One state in one look: *shots* by the width of their window."""
    rows = []
    for row in ROWS:
        ready = []
        for width, scale in row:
            if width in shots:
                with Image.open(shots[width]) as whole:
                    ratio = width * scale / whole.width
                    size = (round(width * scale), round(whole.height * ratio))
                    small = whole.convert("RGB").resize(size, Image.Resampling.BOX)
                ready.append(small.crop((0, 0, small.width, min(small.height, MOST))))
        if ready:
            rows.append(ready)
    wide = max(sum(each.width + GAP for each in row) for row in rows)
    high = sum(max(each.height for each in row) + GAP for row in rows)
    canvas = Image.new("RGB", (wide, high), GROUND)
    top = 0
    for row in rows:
        left = 0
        for each in row:
            canvas.paste(each, (left, top))
            left += each.width + GAP
        top += max(each.height for each in row) + GAP
    return canvas


def main() -> None:
    states: dict[str, dict[int, Path]] = {}
    for path in sorted(SHOTS.glob("*.png")):
        if found := NAME.fullmatch(path.name):
            states.setdefault(found["state"], {})[int(found["width"])] = path
    (SHOTS / "sheets").mkdir(exist_ok=True)
    for state, shots in states.items():
        path = SHOTS / "sheets" / f"{state}.png"
        newest = max(each.stat().st_mtime for each in shots.values())
        if not path.exists() or path.stat().st_mtime < newest:
            sheet(shots).save(path)
    print(f"{len(states)} sheets in {SHOTS / 'sheets'}")


if __name__ == "__main__":
    main()
