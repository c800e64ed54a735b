"""The pictures: of the size that was asked for, and the same from the same."""

from PIL import ImageStat

from jimeng.local.simulator.drawing import draw
from jimeng.local.simulator.drawing.scenes import SCENES


def test_each_scene_can_be_drawn():
    """With guests, snow and northern lights on top, and with more than one tone."""
    for wanted, _ in SCENES:
        picture = draw(f"{wanted.split()[0]} 猫 狐 雪 极光", 3, 512, 640)
        assert min(ImageStat.Stat(picture).stddev) > 5, wanted
