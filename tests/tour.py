"""
Take the pictures of ``docs/tour*.md`` from the screenshots that the browser's tests
leave: ``make screenshots``.
"""

import sys
from pathlib import Path

from PIL import Image

from tests.browser.shots import SHOTS

IMAGES = Path(__file__).parent.parent / "docs" / "images"
THEMES = ("light", "dark")
MAX_HEIGHT = 1.1  # of the width, in a wide window
# Without the failures, which have a picture of their own; and the form alone.
HEIGHTS = {"create": 0.67, "pictures": 0.4}
# Picture -> screenshot and width.
PICTURES = {
    "create": ("feed", 1280),
    "pictures": ("create-from-pictures", 1280),
    "running": ("feed-running", 390),
    "failed": ("filter-failed", 1280),
    "picture": ("picture", 1280),
    "expand": ("picture-expand", 1280),
    "gallery": ("gallery", 1280),
    "selecting": ("gallery-selecting", 1280),
    "tasks": ("filter", 1280),
    "account": ("account", 1280),
    "key": ("account-key-made", 1280),
    "usage": ("account-usage", 1280),
    "sign-in": ("sign-in", 1280),
    "queue": ("admin-queue", 1280),
    "failures": ("admin-failures", 1280),
    "audit": ("admin-audit", 1280),
}


def main() -> None:
    for name, (shot, width) in PICTURES.items():
        for language, suffix in (("zh", ""), ("en", ".en")):
            # Not every state is taken in every look.
            both = [f"{shot}-{language}-{each}-{width}.png" for each in THEMES]
            taken = [SHOTS / each for each in both if (SHOTS / each).exists()]
            if not taken:
                sys.exit(f"{both[0]} is missing: run the browser's tests first")
            source = taken[0]
            with Image.open(source) as whole:
                picture = whole.convert("RGB")
            if width > 1000:
                most = int(picture.width * HEIGHTS.get(name, MAX_HEIGHT))
                picture = picture.crop((0, 0, picture.width, min(picture.height, most)))
            picture.save(IMAGES / f"{name}{suffix}.webp", quality=80, method=6)


if __name__ == "__main__":
    main()
