"""The place that a picture takes, and how much of its prompt is shown beside it."""

import re

import pytest

from tests.each import for_each
from tests.hung import hang


@for_each(
    ("prompt", "is_long"),
    [("猫" * 90, False), ("猫" * 91, True), ("a" * 180, False), ("a\n" * 6, True)],
)
def test_long_prompts_are_folded(client, prompt, is_long):
    """Five lines of the narrow column are shown; what fits in them has no "more"."""
    (picture,) = hang(prompt)

    page = client.get(f"/pictures/{picture}").text

    assert ('class="prompt-more"' in page) is is_long


def test_place_of_a_picture_is_known_before_it_comes(client):
    """The stylesheet has its shape, and no page a style of its own."""
    (picture,) = hang("宽", size=(2016, 864))
    rules = client.get("/app.css").text

    page = client.get(f"/pictures/{picture}").text

    (shape,) = set(re.findall(r'data-ratio="(\d+)"', page))
    assert f'[data-ratio="{shape}"] {{ --ratio: {int(shape) / 100}; }}' in rules
    assert int(shape) / 100 == pytest.approx(2016 / 864, rel=0.02)
