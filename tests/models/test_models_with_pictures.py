"""What a model is asked beside words: judged before anything is spent."""

import math
from functools import partial

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jimeng.errors import Invalid
from jimeng.i18n import MESSAGES
from jimeng.pictures.decoder import MAX_PIXELS
from jimeng.providers import MODELS, Expansion
from jimeng.providers.models.model import (
    Parameters,
    check_parameters,
    check_picture,
)
from jimeng.providers.models.output_size import size_of_output
from tests.deterministic import DETERMINISTIC
from tests.each import for_each

BY_KEY = {model.req_key: model for model in MODELS}
WORDS = BY_KEY["jimeng_t2i_v30"]
REFERENCES = BY_KEY["jimeng_t2i_v40"]
ONE = BY_KEY["jimeng_i2i_v30"]
REPAINT = BY_KEY["jimeng_image2image_dream_inpaint"]
EXPAND = BY_KEY["jimeng_img2img_seed3_painting_edit"]
ENLARGE = BY_KEY["jimeng_i2i_seed3_tilesr_cvtob"]
ARK = BY_KEY["doubao-seedream-5-0-pro-260628"]
SIDE = Expansion(right=0.25)
MIXED = Expansion(top=0.1, left=-0.1)
given_one = partial(Parameters, pictures=1)
masked = partial(given_one, mask=True)
worded = partial(given_one, prompt="猫")


def assert_said(caught, field: str, key: str) -> None:
    """Of this field alone, with words that there are."""
    ((found, values),) = caught.value.fields[field]
    assert set(caught.value.fields) == {field}
    assert found == f"invalid.{key}"
    assert all(text.format(**values) for text in MESSAGES[found])


@for_each(
    ("model", "asked"),
    [
        (WORDS, Parameters(prompt="猫")),
        (REFERENCES, Parameters(prompt="猫")),
        (REFERENCES, worded(pictures=10, strength=0.5)),
        (ONE, worded(strength=1.0)),
        (REPAINT, worded(mask=True)),
        (REPAINT, given_one(mask=True)),
        (EXPAND, given_one(expand=SIDE)),
        (ENLARGE, given_one(strength=0.0)),
        (ARK, worded(pictures=10)),
    ],
)
def test_what_a_model_takes_is_taken(model, asked):
    check_parameters(asked, model, MODELS)


@for_each(
    ("model", "asked", "field", "key"),
    [
        (WORDS, worded(), "images", "images_unsupported"),
        (REFERENCES, worded(pictures=11), "images", "images_many"),
        (REFERENCES, given_one(), "prompt", "prompt_empty"),
        (REFERENCES, worded(pictures=0, strength=0.5), "strength", "strength_alone"),
        (ONE, worded(pictures=0), "images", "images_few"),
        (ONE, worded(pictures=2), "images", "images_many"),
        (ONE, worded(mask=True), "mask", "mask_unsupported"),
        (REPAINT, worded(), "mask", "mask_missing"),
        (REPAINT, masked(strength=0.2), "strength", "strength_unsupported"),
        (REPAINT, masked(expand=SIDE), "expand", "expand_unsupported"),
        (EXPAND, given_one(), "expand", "expand_range"),
        (EXPAND, given_one(expand=Expansion()), "expand", "expand_range"),
        (EXPAND, given_one(expand=Expansion(top=0.5)), "expand", "expand_range"),
        (EXPAND, given_one(expand=MIXED), "expand", "expand_range"),
        (ENLARGE, worded(), "prompt", "prompt_unsupported"),
        (ARK, worded(pictures=11), "images", "images_many"),
        (ARK, worded(mask=True), "mask", "mask_unsupported"),
    ],
)
def test_what_it_does_not_take_is_named(model, asked, field, key):
    with pytest.raises(Invalid) as caught:
        check_parameters(asked, model, MODELS)

    assert_said(caught, field, key)


def test_all_that_is_wrong_is_said_at_once():
    """A client that mends one field would only meet the next."""
    asked = Parameters(pictures=1, mask=True, strength=0.1, expand=SIDE)

    with pytest.raises(Invalid) as caught:
        check_parameters(asked, WORDS, MODELS)

    assert set(caught.value.fields) == {
        *("prompt", "images", "mask", "strength", "expand"),
    }


def test_models_that_would_take_it_are_named():
    """Those that are offered here, and can be sent pictures from here."""
    from_words = [model for model in MODELS if model.takes is None]

    with pytest.raises(Invalid) as caught:
        check_parameters(worded(), WORDS, [WORDS, ONE, ENLARGE])
    with pytest.raises(Invalid) as nowhere:
        check_parameters(worded(), WORDS, from_words)

    assert caught.value.fields["images"] == [
        ("invalid.images_unsupported", {"known": "jimeng-i2i-3.0, jimeng-upscale"})
    ]
    assert nowhere.value.fields["images"] == [("invalid.taken_by_none", {})]


@for_each(
    ("model", "size", "key"),
    [
        (ONE, (3001, 1000), "image_ratio"),
        (ONE, (31, 40), "image_small"),
        (ENLARGE, (4097, 4096), "image_large"),
        (ARK, (14, 100), "image_small"),
        (ARK, (4096, 255), "image_ratio"),
        # As small as it must become, too little of it would be left.
        (ARK, (60_000, 4000), None),
        (ONE, (3000, 1000), None),
        (ONE, (9000, 4000), None),
        (ENLARGE, (4096, 4096), None),
        (WORDS, (1, 1), None),
    ],
)
def test_pictures_that_cannot_be_fitted_are_refused(model, size, key):
    """They are made smaller, but never cropped or enlarged."""
    if key is None:
        check_picture(model, *size, field="images[0]")
        return
    with pytest.raises(Invalid) as caught:
        check_picture(model, *size, field="images[0]")

    assert_said(caught, "images[0]", key)


@for_each(
    ("model", "options", "drawn"),
    [
        (REPAINT, {"pictures": [(1000, 700)]}, (1000, 700)),
        (REPAINT, {"pictures": [None]}, None),
        (REPAINT, {"pictures": [(1000, 700)], "size": "1000x700"}, (1000, 700)),
        (EXPAND, {"pictures": [(1000, 700)], "expand": SIDE}, (1250, 700)),
        (EXPAND, {"pictures": [(4000, 3000)], "expand": SIDE}, (3500, 2100)),
        (EXPAND, {"pictures": [None], "expand": SIDE}, None),
        (ENLARGE, {"pictures": [(1000, 500)]}, (4096, 2048)),
        (ENLARGE, {"pictures": [(500, 1000)], "size": "4k"}, (2048, 4096)),
        (ENLARGE, {"pictures": [(500, 1000)], "quality": "hd"}, (2048, 4096)),
        (ENLARGE, {"pictures": [(500, 1000)], "size": "2048x4096"}, (2048, 4096)),
        (ENLARGE, {"pictures": [None], "size": "4K"}, None),
        (REFERENCES, {}, (2048, 2048)),
        (REFERENCES, {"pictures": [(100, 100)], "size": "16:9"}, (2560, 1440)),
        (REFERENCES, {"pictures": [None]}, None),
        (REFERENCES, {"pictures": [(300, 300)]}, (2048, 2048)),
        (ONE, {"pictures": [(4000, 3000)]}, (1536, 1152)),
    ],
)
def test_size_follows_from_what_goes_in(model, options, drawn):
    """Where it must, and where nothing else was asked for."""
    given = {"size": None, "quality": "standard", **options}

    assert size_of_output(model, **given) == drawn


@for_each("model", [REPAINT, EXPAND, ENLARGE])
def test_largest_that_comes_out_can_be_kept(model):
    """What is too large to be decoded here would be paid for, and lost."""
    most = model.takes.expand or 0
    grown = Expansion(top=most, right=most, bottom=most, left=most)
    picture = (4095, 4095)

    size = size_of_output(model, None, "hd", pictures=[picture], expand=grown)

    assert size is not None
    assert math.prod(size) < 0.8 * MAX_PIXELS


@for_each(
    ("model", "size", "pictures", "key"),
    [
        (REPAINT, "1024x1024", [(1000, 700)], "size_follows"),
        (EXPAND, "16:9", [(1000, 700)], "size_follows"),
        (REPAINT, "1024x1024", [None], "size_follows"),
        (ENLARGE, "2K", [(1000, 700)], "size_named"),
        (ENLARGE, "4096x4096", [(1000, 700)], "size_named"),
        (ENLARGE, "4096x4096", [None], "size_named"),
        (ENLARGE, "4K", [(4096, 700)], "size_reached"),
        (REFERENCES, "9000x9000", [(1000, 700)], "size_area_near"),
        (REFERENCES, "huge", [(1000, 700)], "size_area"),
    ],
)
def test_other_sizes_are_refused(model, size, pictures, key):
    """Silence about a wish would be an answer to another one."""
    with pytest.raises(Invalid) as caught:
        size_of_output(model, size, pictures=pictures)

    assert_said(caught, "size", key)


@settings(DETERMINISTIC, max_examples=400)
@given(
    model=st.sampled_from(
        [m for m in MODELS if m.takes and not (m.follows or m.video)]
    ),
    quality=st.sampled_from(["standard", "hd"]),
    width=st.integers(32, 4096),
    height=st.integers(32, 4096),
)
def test_shape_of_a_picture_is_kept(model, quality, width, height):
    """A drawn picture has the shape of the first that went in, as far as it may."""
    assume(max(width, height) <= 3 * min(width, height))

    drawn = size_of_output(model, None, quality, pictures=[(width, height)])

    assert drawn is not None
    assert model.fits(*drawn)
    assert math.log(drawn[0] / drawn[1]) == pytest.approx(
        math.log(width / height), abs=0.05
    )
