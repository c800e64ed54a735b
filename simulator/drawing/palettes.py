"""Colour palettes, and the prompt words that select them."""

import random
import re
from dataclasses import dataclass

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)
SNOW = "雪 snow"  # prompt words for snowfall


def rgb(text: str) -> Colour:
    red, green, blue = bytes.fromhex(text)
    return red, green, blue


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Interpolate two colours: *share* 0 is *first*, 1 is *second*."""
    red, green, blue = (
        round(a + (b - a) * share) for a, b in zip(first, second, strict=True)
    )
    return red, green, blue


@dataclass(frozen=True)
class Palette:
    """
    Attributes:
        light: The colour of sun or moon, and of lit surfaces.
        far: The furthest hills.
        near: The foreground.
        mist: The mist between the hills.
        accent: Small details that should stand out.
        sky: The sky's colours from the top to the horizon.
    """

    name: str
    light: Colour
    far: Colour
    near: Colour
    mist: Colour
    accent: Colour
    sky: tuple[Colour, ...]

    @property
    def ground(self) -> tuple[Colour, Colour]:
        """The colours of the bare foreground: at its upper edge, and at its foot."""
        if self.name == "winter":
            return (241, 244, 250), (163, 180, 208)
        return mix(self.near, self.far, 0.12), self.near

    @property
    def is_night(self) -> bool:
        return self.name in {"night", "neon"}


# name: light, far, near, mist, accent, then the sky
COLOURS = {
    "dawn": "fff6df b7a0c4 2b2d52 fadccb e8786f 4f669f 8f8fc0 dba9bd f9c9b4 fee6c8",
    "sunset": "fff0c2 a9557f 1b1536 f9a678 ffcf7a 27265a 5f3a78 b84f78 f0806a ffc078",
    "day": "fffdf0 9dc4d8 1c4653 eaf3ec f4a259 3a86c8 6fb1e0 a9d3ea dcecea fcf2dc",
    "night": "fdf6dc 456699 050a1b 7f9fc4 ffd98a 060a20 0e1a40 1b3568 375f95 7397bd",
    "winter": "fff9f0 b5c5de 34445f f6f4f8 d9626b 6f8fc0 9fb7da cdd3e6 efdbe2 fdefe6",
    "spring": "fffbe9 a5cdbb 2f5f52 f8f0e6 f08ca6 7cc0d4 a8d6da d5e8de fae6e4 fff2e0",
    "autumn": "fff5d8 d39f78 43221f fae0b4 e0592e 5f82a6 9aa7b0 dcbf9f f6cf95 fde9c0",
    "ink": "c9523a bcc0bc 22282b f3efe6 b8432f ded9cc e8e3d7 efeae0 f4f0e7 f8f5ee",
    "neon": "ffd9ec 5f2d88 090519 c24f9f 4de3e8 0b0624 210d48 4a1a6c 96307f f0609a",
}

# The first line that has a word of the prompt applies.
KEYWORDS = (
    ("水墨 国画 山水画 ink sumi", ("ink",)),
    ("赛博 霓虹 cyber neon", ("neon",)),
    ("夜 星 月 极光 night star moon aurora 银河 galaxy", ("night",)),
    ("雪 冬 冰 snow winter ice", ("winter",)),
    ("日落 夕阳 黄昏 晚霞 sunset dusk", ("sunset",)),
    ("清晨 日出 黎明 dawn sunrise morning", ("dawn",)),
    ("秋 枫 autumn fall maple", ("autumn",)),
    ("春 花 樱 spring flower blossom garden", ("spring", "dawn", "day")),
    ("城 city street tokyo 楼", ("sunset", "night", "dawn")),
    ("海 sea ocean beach", ("sunset", "dawn", "day")),
    ("沙漠 desert dune", ("sunset", "autumn")),
    ("狐 fox", ("autumn", "dawn")),
)
DEFAULT_PALETTES = ("dawn", "sunset", "day", "autumn", "night")


def has_word(prompt: str, wanted: str) -> bool:
    """
    Whether the prompt contains one of the space-separated *wanted* words. English ones
    match as a whole word or its plural only: "ink" does not match "pink".
    """
    return any(
        re.search(rf"\b{each}s?\b", prompt) if each.isascii() else each in prompt
        for each in wanted.split()
    )


def choose_palette(prompt: str, dice: random.Random) -> Palette:
    names = next(
        (n for wanted, n in KEYWORDS if has_word(prompt, wanted)), DEFAULT_PALETTES
    )
    name = dice.choice(names)
    light, far, near, mist, accent, *sky = map(rgb, COLOURS[name].split())
    return Palette(name, light, far, near, mist, accent, tuple(sky))
