"""The pictures: always the same from the same, and of what the prompt names."""

import random

import pytest
from PIL import ImageChops, ImageStat

from jimeng.local.simulator.drawing import draw
from jimeng.local.simulator.drawing.palettes import choose_palette, has_word
from jimeng.local.simulator.drawing.scenes import SCENES

SIZES = [(512, 512), (512, 2048), (2048, 512), (936, 1664), (513, 767)]


@pytest.mark.parametrize("size", SIZES)
def test_size_is_exact(size):
    """Also where it is odd, or three times as long as it is wide."""
    assert draw("海上日落", 1, *size).size == size


@pytest.mark.parametrize("words", [wanted.split()[0] for wanted, _ in SCENES])
def test_each_scene_can_be_drawn(words):
    """With guests, snow and northern lights on top, and with more than one tone."""
    picture = draw(f"{words} 猫 狐 雪 极光", 3, 512, 640)

    assert picture.mode == "RGB"
    assert min(ImageStat.Stat(picture).stddev) > 5


def test_same_from_the_same():
    """Prompt, seed and size decide every pixel."""
    first, second = (draw("一只猫", 7, 512, 512) for _ in range(2))

    assert first.tobytes() == second.tobytes()


@pytest.mark.parametrize(("prompt", "seed"), [("一只猫", 8), ("一只狗", 7)])
def test_other_seed_or_prompt_is_another_picture(prompt, seed):
    """They change much of it, not a pixel or two."""
    first, second = draw("一只猫", 7, 512, 512), draw(prompt, seed, 512, 512)

    difference = ImageChops.difference(first, second).convert("L")
    assert ImageStat.Stat(difference).mean[0] > 4


def test_words_choose_the_colours():
    """A night is darker than snow."""
    night = draw("夜 山", 1, 512, 512).convert("L")
    snow = draw("雪 山", 1, 512, 512).convert("L")

    assert ImageStat.Stat(night).mean[0] + 40 < ImageStat.Stat(snow).mean[0]


@pytest.mark.parametrize(
    ("prompt", "wanted", "found"),
    [
        ("two cats at night", "cat", True),
        ("a pink scarf", "ink", False),
        ("education", "cat", False),
        ("小猫咪", "猫", True),
    ],
)
def test_words_are_whole_in_english(prompt, wanted, found):
    """Chinese has no spaces between them."""
    assert has_word(prompt, wanted) is found


def test_ink_is_asked_for_by_name():
    """A style in the prompt wins over the time of day."""
    assert choose_palette("水墨 夜 山", random.Random(1)).name == "ink"
