"""What a model takes in beside words: which pictures, and how they travel."""

from dataclasses import dataclass
from typing import Literal

TASKS = (
    "text-to-image",
    "image-to-image",
    "inpainting",
    "outpainting",
    "upscaling",
)
# What comes out has the size of what goes in, or follows from it.
FOLLOWS = frozenset({"inpainting", "outpainting", "upscaling"})
TRAVELS = ("base64", "data_url", "link")
PROMPTS = ("required", "optional", "none")
# Why a model's pictures cannot be sent from here: the service fetches them, and this
# server has no address that can be reached from outside, or no key to sign links with.
LACKS_ADDRESS, LACKS_SECRET = "no_address", "no_secret"


@dataclass(frozen=True, kw_only=True)
class Takes:
    """
    The pictures that a model takes in.

    Attributes:
        least: Pictures that it must be given; 0 where it also draws from words alone.
        most: Pictures that it may be given.
        mask: Whether it must be given a mask for the first of them; else it takes
            none.
        sides: Fewest and most pixels of width and of height, of each picture.
        max_pixels: Of one picture, width times height; None for no limit of its own.
        max_ratio: Longer side through the shorter.
        max_bytes: Of one picture, encoded.
        exact: Whether it must not be made smaller to fit: its pixels are the point.
        strength: What the service calls the range of ``strength``, whose 0 to 1 is
            mapped onto it; whole where both ends are. None where it takes none.
        expand: The largest share of a side that may be added at an edge; None where
            it does not expand.
        travels: How the bytes get there: ``base64`` in the body, a ``data_url`` in the
            body, or a ``link`` that the service fetches.
        prompt: Whether words are ``required``, ``optional``, or there are ``none``.
    """

    least: int = 1
    most: int = 1
    mask: bool = False
    sides: tuple[int, int] = (1, 4096)
    max_pixels: int | None = None
    max_ratio: float | None = None
    max_bytes: int = 10_000_000
    exact: bool = False
    strength: tuple[float, float] | None = None
    expand: float | None = None
    travels: Literal["base64", "data_url", "link"] = "base64"
    prompt: Literal["required", "optional", "none"] = "required"
