"""Draws a picture from prompt, seed and size: always the same from the same."""

import random

from PIL import Image

from jimeng.local.simulator.drawing.canvas import Canvas
from jimeng.local.simulator.drawing.marks import finish
from jimeng.local.simulator.drawing.scenes import paint


def draw(prompt: str, seed: int, width: int, height: int) -> Image.Image:
    """
    Draw a landscape whose subject and colours come from words of *prompt*.

    Args:
        width: Pixels.
        height: Pixels.

    Returns:
        An RGB picture with a small mark in a corner that says it is a demo.
    """
    dice = random.Random(f"{seed} {prompt}")  # noqa: S311 - draws, guards nothing
    canvas = Canvas(width, height, prompt.lower(), dice)
    paint(canvas)
    return finish(canvas)
