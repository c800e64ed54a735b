"""Sizes that clients have built in become sizes that the model draws."""

from itertools import product

import pytest

from jimeng.errors import Invalid
from jimeng.openai.sizes import choose
from jimeng.providers.registry import MODELS
from tests.each import for_each
from tests.openai.conftest import CAT, GENERATIONS, error_of

BY_ID = {(model.id, model.provider): model for model in MODELS}
V30 = BY_ID["doubao-seedream-3.0-t2i", "volcengine_jimeng"]  # sides 512 to 2048
V40 = BY_ID["doubao-seedream-4.0", "volcengine_jimeng"]  # 1 to 16.8 million pixels
V45 = BY_ID["doubao-seedream-4.5", "volcengine_ark"]  # 3.7 to 16.8 million pixels
FREE = [model for model in MODELS if not (model.follows or model.video)]
V21 = BY_ID["jimeng-2.1", "volcengine_jimeng"]  # sides 256 to 768


@for_each(
    ("model", "size", "found"),
    [
        (V30, "512x512", (512, 512)),
        (V30, "1024x1024", (1024, 1024)),
        (V30, "1792x1024", (1792, 1024)),
        (V30, "256x256", (512, 512)),
        (V30, "512x256", (1024, 512)),
        (V40, "512x512", (1024, 1024)),
        (V40, "1024x1024", (1024, 1024)),
        (V40, "1536x1024", (1536, 1024)),
        (V45, "1024x1024", (1920, 1920)),
        (V45, "1536x1024", (2352, 1568)),
        (V45, "1024x1792", (1452, 2541)),
        (V21, "512x512", (512, 512)),
    ],
)
def test_pixels_are_enlarged_as_little_as_possible(model, size, found):
    """In the ratio that was asked for, to the pixel."""
    assert choose(model, size) == found


@for_each(
    ("model", "size"),
    [(V30, "4096x4096"), (V30, "100x1000"), (V21, "1024x1024"), (V40, "100x1000")],
)
def test_what_cannot_be_enlarged_is_refused(model, size):
    """Nothing is cut off, and nothing is made smaller."""
    with pytest.raises(Invalid) as caught:
        choose(model, size)
    assert list(caught.value.fields) == ["size"]


@for_each(
    ("model", "quality", "found"),
    [
        (V30, "auto", (1328, 1328)),
        (V30, "standard", (1328, 1328)),
        (V30, "low", (1328, 1328)),
        (V30, "medium", (2048, 2048)),
        (V30, "high", (2048, 2048)),
        (V30, "hd", (2048, 2048)),
        (V40, "low", (1024, 1024)),
        (V40, "medium", (2048, 2048)),
        (V40, "high", (4096, 4096)),
        (V40, "max", (4096, 4096)),
        (V45, "low", (2048, 2048)),
        (V21, "high", (768, 768)),
    ],
)
def test_quality_is_a_step_of_the_area(model, quality, found):
    """As near as the model has it."""
    assert choose(model, None, None, quality) == found


@for_each(
    ("model", "size", "ratio", "quality", "found"),
    [
        (V30, "16:9", None, "auto", (1664, 936)),
        (V30, None, "16:9", "auto", (1664, 936)),
        (V30, None, "16:9", "high", (2048, 1152)),
        (V40, "2K", "16:9", "auto", (2560, 1440)),
        (V40, "4K", None, "low", (4096, 4096)),
        (V40, None, "16:9", "low", (1376, 774)),
        (V40, "2k", "9:16", "auto", (1440, 2560)),
        (V40, "5:4", None, "auto", (2285, 1828)),
        (V40, "32:18", None, "auto", (2560, 1440)),
        (V30, "1024x1024", "16:9", "high", (1024, 1024)),
    ],
)
def test_ratio_and_keyword_go_together(model, size, ratio, quality, found):
    """Pixels win over both."""
    assert choose(model, size, ratio, quality) == found


def test_every_model_draws_what_is_chosen():
    """In about that ratio, whatever the step."""
    ratios, steps = ["16:9", "9:16", "5:4", "3:1"], ["auto", "low", "medium", "high"]
    for model, ratio, step in product(FREE, ratios, [*steps, "max"]):
        width, height = choose(model, None, ratio, step)
        across, down = map(int, ratio.split(":"))
        about = pytest.approx(across / down, rel=0.03)
        assert model.fits(width, height), (model.lane, ratio, step)
        assert width / height == about, (model.lane, ratio, step)


def test_answer_tells_the_size_of_the_picture(client, draws, provider):
    """That of what came, not of what was asked for."""
    answer = client.post(GENERATIONS, json={**CAT, "size": "256x256"})

    assert (provider.requests[0].width, provider.requests[0].height) == (512, 512)
    assert answer.json["size"] == "64x64"  # what the provider of the tests draws


def test_refusal_names_what_there_is(client):
    """So that the next request is a good one."""
    answer = client.post(GENERATIONS, json={**CAT, "size": "8000x8000"})

    message = error_of(answer, 400, "invalid_size")["message"]
    assert all(each in message for each in ("512", "2048", "16:9", "2K"))
