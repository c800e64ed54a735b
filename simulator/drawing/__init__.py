"""Draw a picture from prompt, seed and size, deterministically."""

import random

from PIL import Image

from simulator.drawing.canvas import Canvas
from simulator.drawing.marks import finish
from simulator.drawing.scenes import paint


def draw(prompt: str, seed: int, width: int, height: int) -> Image.Image:
    """
    Draw a landscape, with subject and colours from keywords in *prompt*.

    Args:
        width: Pixels.
        height: Pixels.

    Returns:
        An RGB picture, with a small demo mark in a corner.
    """
    return finish(painted(prompt, seed, width, height))


def scene_of(prompt: str, seed: int, width: int, height: int) -> Image.Image:
    """The same without grain and mark, for the frames of a video."""
    return painted(prompt, seed, width, height).image


def painted(prompt: str, seed: int, width: int, height: int) -> Canvas:
    dice = random.Random(f"{seed} {prompt}")  # noqa: S311 - draws, guards nothing
    canvas = Canvas(width, height, prompt.lower(), dice)
    paint(canvas)
    return canvas
