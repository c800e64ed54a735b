"""
The little pictures of the styles: one strip, of which each choice shows its part.

`scripts/draw_styles.py` draws it. Browsers fetch it when the choices are first seen.
"""

from pathlib import Path

from jimeng.styles import STYLES
from jimeng.web.versions import version

FILE = "styles.webp"
LARGER = 1.04  # than its place: at the edges half pixels of its neighbour would show
NONE = """\
.swatch { background: linear-gradient(to top right, #0000 49%, var(--edge) 49% 51%,\
 #0000 51%) var(--sunken); }"""


def rules(folder: Path) -> str:
    """
    What each choice shows; the first is no style, and a struck out field.

    Args:
        folder: Of the static files.
    """
    address = f"static/{FILE}?v={version(folder / FILE)}"
    count = len(STYLES)
    look = f"0 50% / {100 * count * LARGER:g}% {100 * LARGER:g}%"
    rows = [NONE, f".chip + .chip > .swatch {{ background: url({address}) {look}; }}"]
    for place in range(count):
        where = f".styles :nth-child({place + 2}) > .swatch"
        beyond = place * LARGER + (LARGER - 1) / 2  # widths of one, to the left
        share = 100 * beyond / (count * LARGER - 1)
        rows.append(f"{where} {{ background-position-x: {share:.5g}%; }}")
    return "\n".join(rows)
