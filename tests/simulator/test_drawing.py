"""The pictures: of the size that was asked for, and the same from the same."""

import pytest
from PIL import ImageChops, ImageStat

from jimeng.local.simulator.drawing import draw
from jimeng.local.simulator.drawing.scenes import SCENES


def test_size_is_exact():
    """Also where it is odd, or three times as long as it is wide."""
    for size in [(512, 512), (512, 2048), (2048, 512), (936, 1664), (513, 767)]:
        assert draw("海上日落", 1, *size).size == size


def test_each_scene_can_be_drawn():
    """With guests, snow and northern lights on top, and with more than one tone."""
    for wanted, _ in SCENES:
        picture = draw(f"{wanted.split()[0]} 猫 狐 雪 极光", 3, 512, 640)
        assert min(ImageStat.Stat(picture).stddev) > 5, wanted


@pytest.mark.parametrize(("prompt", "seed"), [("一只猫", 8), ("一只狗", 7)])
def test_prompt_and_seed_decide_every_pixel(prompt, seed):
    """Others change much of it, not a pixel or two."""
    first, again = (draw("一只猫", 7, 512, 512) for _ in range(2))
    other = draw(prompt, seed, 512, 512)

    assert first.tobytes() == again.tobytes()
    difference = ImageChops.difference(first, other).convert("L")
    assert ImageStat.Stat(difference).mean[0] > 4
