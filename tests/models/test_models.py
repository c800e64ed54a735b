"""The table of models: each consistent in itself, and what its numbers promise."""

from itertools import product
from math import prod
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jimeng.config import Config
from jimeng.errors import Invalid, NoProvider
from jimeng.providers import MODELS, Registry
from jimeng.providers.models import RATIOS, Model
from jimeng.providers.models.file import check_names, checked
from jimeng.providers.models.model import TASKS, TRAVELS
from jimeng.providers.models.output_size import resolve_size
from scripts.tables.models import tables
from tests.conftest import FakeProvider
from tests.deterministic import DETERMINISTIC
from tests.each import for_each

VISUAL, ARK = "volcengine_jimeng", "volcengine_ark"
LIMITS = {VISUAL: 2, ARK: 2}
KEYS = {"VOLCENGINE_ACCESS_KEY": "AK", "VOLCENGINE_SECRET_KEY": "SK"}

SIZED = [model for model in MODELS if not (model.follows or model.video)]


def registry_of(*providers: str) -> Registry:
    return Registry({name: FakeProvider() for name in providers}, LIMITS)


def listed(model: Model) -> list[str]:
    sizes = [*model.sizes.values(), *model.hd_sizes.values(), *model.keywords.values()]
    return [f"{width}x{height}" for width, height in sizes]


def test_listed_sizes_are_within_the_limits():
    """What is listed is accepted, also when it is written out: a retry does that."""
    for model in SIZED:
        for size in listed(model):
            assert model.fits(*resolve_size(model, size)), (model.lane, size)


def test_ratio_is_what_it_says():
    """Within one percent: sizes are rounded to what a model can draw."""
    for model, ratio, quality in product(SIZED, RATIOS, ["standard", "hd"]):
        width, height = resolve_size(model, ratio, quality)
        across, down = map(int, ratio.split(":"))
        about = pytest.approx(across / down, rel=0.01)
        assert width / height == about, (model.lane, ratio, quality)


def test_hd_is_near_the_largest():
    """It is never less than standard, and little larger would fit."""
    for model, ratio in product(SIZED, RATIOS):
        width, height = model.hd_sizes[ratio]
        assert width * height >= prod(model.sizes[ratio]), (model.lane, ratio)
        # 1.09² is a picture of a fifth more pixels.
        larger = round(width * 1.09), round(height * 1.09)
        assert not model.fits(*larger), (model.lane, ratio)


@settings(DETERMINISTIC, max_examples=400)
@given(
    model=st.sampled_from(SIZED),
    width=st.integers(1, 20_000),
    height=st.integers(1, 20_000),
)
def test_pixels_are_accepted_or_explained(model, width, height):
    try:
        size = resolve_size(model, f"{width}x{height}")
    except Invalid as error:
        ((key, values),) = error.fields["size"]
        assert key in {"invalid.size_near", "invalid.size_area_near"}
        assert all(ratio in values["named"] for ratio in RATIOS)
        assert not model.fits(width, height)
        assert model.fits(*map(int, values["nearest"].split("x")))
        return
    if model.fits(width, height):
        assert size == (width, height)
    else:  # enlarged, keeping the ratio
        assert size[0] >= width and size[1] >= height
        assert abs(size[0] * height - size[1] * width) <= max(width, height)
    assert model.sides is None or all(
        model.sides[0] <= each <= model.sides[1] for each in size
    )
    assert model.area is None or model.area[0] <= prod(size) <= model.area[1]
    assert model.max_ratio is None or max(size) / min(size) <= model.max_ratio


def test_words_of_sizes_are_understood_in_any_case():
    others = ["", "1024", "1024x", "0x0", "-1x5", "9K", "0:4", "１x１"]
    for model in SIZED:
        assert resolve_size(model, None) == model.sizes["1:1"], model.lane
        for word, size in model.keywords.items():
            assert resolve_size(model, word.lower()) == size, (model.lane, word)
    for model, size in product(SIZED, others):
        with pytest.raises(Invalid):
            pytest.fail(f"{model.lane} takes {size!r}: {resolve_size(model, size)}")


def test_rows_keep_the_rules_of_an_operator_s():
    """Names are clear, and a slow picture arrives before its answer is given up."""
    check_names(MODELS)
    assert len({model.lane for model in MODELS}) == len(MODELS)
    for model in MODELS:
        assert checked(model) is model
        assert model.task in TASKS, model.lane
        assert model.takes is None or model.takes.travels in TRAVELS, model.lane
        assert 0 < model.typical < model.slow, model.lane
        waits = not model.is_synchronous or model.slow < model.answer_within
        assert waits, model.lane


@for_each(
    ("name", "req_key"),
    [
        (None, "jimeng_t2i_v30"),
        ("doubao-seedream-3.0-t2i", "jimeng_t2i_v30"),
        ("jimeng-3.0", "jimeng_t2i_v30"),
        ("doubao-seedream-3-0-t2i-250415", "jimeng_t2i_v30"),
        ("jimeng_t2i_v31", "jimeng_t2i_v31"),
        ("jimeng-4.0", "jimeng_t2i_v40"),
        ("doubao-seedream-4-0-250828", "doubao-seedream-4-0-250828"),
        ("jimeng-4.6", "jimeng_seedream46_cvtob"),
        ("doubao-seedream-5.0", "doubao-seedream-5-0-260128"),
        ("doubao-seedream-5-0-lite-260128", "doubao-seedream-5-0-260128"),
        (("doubao-seedream-4.0", None), "jimeng_t2i_v40"),
        (("doubao-seedream-4.0", ARK), "doubao-seedream-4-0-250828"),
        (("doubao-seedream-4.0", VISUAL), "jimeng_t2i_v40"),
        ((None, ARK), "doubao-seedream-4-0-250828"),
        ((None, VISUAL), "jimeng_t2i_v30"),
    ],
)
def test_model_is_found_by_any_of_its_names(name, req_key):
    """Where both providers have it, Visual's is meant unless another one is named."""
    asked = name if isinstance(name, tuple) else (name,)
    assert registry_of(ARK, VISUAL).model(*asked).req_key == req_key


@for_each(
    ("name", "provider"),
    [("doubao-seedream-3.0-t2i", ARK), ("doubao-seedream-4.5", VISUAL), ("x", None)],
)
def test_nothing_is_put_in_the_place_of_a_model(name, provider):
    """Prices, sizes and seeds differ; the words say what there is."""
    with pytest.raises(Invalid) as caught:
        registry_of(ARK, VISUAL).model(name, provider)

    ((_, values),) = caught.value.fields["model"]
    assert "doubao-seedream-4.0" in values["known"]


@for_each(
    ("env", "providers", "default"),
    [
        (KEYS, {VISUAL}, "doubao-seedream-3.0-t2i"),
        ({"ARK_API_KEY": "K"}, {ARK}, "doubao-seedream-4.0"),
        ({**KEYS, "ARK_API_KEY": "K"}, {VISUAL, ARK}, "doubao-seedream-3.0-t2i"),
    ],
)
def test_keys_decide_what_is_offered(env, providers, default):
    config = Config.from_env(env)
    registry = Registry.from_config(config)

    assert config.has_credentials
    assert {model.provider for model in registry.models.values()} == providers
    assert registry.model(None).id == registry.default().id == default


def test_without_keys_nothing_is_offered():
    registry = Registry.from_config(Config())

    assert (registry.models, registry.default(), registry.lanes) == ({}, None, {})
    with pytest.raises(NoProvider):
        registry.model(None)


def test_lanes_have_the_limits_of_their_services():
    """What answers with the picture holds a worker, so four at a time are most."""
    config = Config.from_env(
        {**KEYS, "ARK_API_KEY": "K", "VOLCENGINE_CONCURRENCY": "9"}
    )
    lanes = Registry.from_config(config).lanes

    assert lanes["volcengine_jimeng:jimeng_t2i_v30"] == 9
    assert lanes["volcengine_jimeng:jimeng_high_aes_general_v21_L"] == 4
    assert lanes["volcengine_ark:doubao-seedream-4-5-251128"] == 2


@for_each(("language", "name"), [("zh", "models.md"), ("en", "models.en.md")])
def test_documentation_is_that_of_the_table(language, name):
    """``python -m scripts.tables models`` prints the part that must change."""
    page = (Path(__file__).parents[2] / "docs" / name).read_text("utf-8")

    assert tables(language) in page
