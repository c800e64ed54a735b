"""``MODELS_FILE``: what it adds, changes and takes away, mistakes, and prices."""

import json
import re
from pathlib import Path

import pytest

from jimeng.config import Config
from jimeng.errors import ConfigError
from jimeng.providers import MODELS, PROVIDERS, Registry
from jimeng.providers.models.file import load_models
from jimeng.providers.models.model import AS_OF, FEN, PRICES, Takes
from jimeng.providers.models.output_size import resolve_size
from tests.each import for_each

VISUAL, ARK = "volcengine_jimeng", "volcengine_ark"
NEW = {
    "id": "new-model",
    "provider": ARK,
    "req_key": "ep-2026",
    "sides": [512, 2048],
    "sizes": {"1:1": "1024x1024", "16:9": "1280x720"},
}
V30 = {"id": "doubao-seedream-3.0-t2i", "provider": VISUAL}
V40 = {"id": "doubao-seedream-4.0", "provider": VISUAL}


@pytest.fixture
def load(tmp_path):
    """Load the models with a file of *rows*, or of text."""

    def load(*rows, text=None, **more):
        file = tmp_path / "models.json"
        file.write_text(json.dumps(rows) if text is None else text, "utf-8")
        models = load_models(str(file), PROVIDERS, **more)
        return {(m.id, m.provider): m for m in models}

    return load


def test_without_a_file_the_models_are_the_built_in_ones():
    """Visual's first, then Ark's."""
    assert load_models("", PROVIDERS) == MODELS


def test_new_model_is_added(load):
    """What is left out is as usual: on Ark the answer is the picture."""
    models = load({**NEW, "takes_seed": False, "extra": {"guidance_scale": 2.5}})

    model = models["new-model", ARK]
    assert len(models) == len(MODELS) + 1
    assert model.sizes["16:9"] == model.hd_sizes["16:9"] == (1280, 720)
    assert (model.is_synchronous, model.answer_within) == (True, 180.0)
    assert (model.takes_seed, model.extra) == (False, {"guidance_scale": 2.5})


def test_known_models_are_changed(load):
    """
    Fields that are not written stay, and so does the place. One that is taken away
    stays at another provider.
    """
    area = {"sides": None, "area": [262144, 4194304], "max_ratio": 3}
    models = load(
        {**V30, "max_images": 2, "keywords": {"xl": "2000x2000"}, **area},
        {**V40, "offered": False},
        {"id": "doubao-seedance-2.0", "provider": ARK, "req_key": "ep-1"},
    )

    model = models[V30["id"], VISUAL]
    assert (model.max_images, model.req_key) == (2, "jimeng_t2i_v30")
    assert resolve_size(model, "XL") == (2000, 2000)
    assert model.fits(3024, 1296)  # by limits of the other kind
    assert next(iter(models)) == (V30["id"], VISUAL)
    assert ("doubao-seedream-4.0", VISUAL) not in models
    assert ("doubao-seedream-4.0", ARK) in models
    assert models["doubao-seedance-2.0", ARK].req_key == "ep-1"
    assert models["doubao-seedance-2.0", ARK].video.audio


@for_each("name", ["models.md", "models.en.md"])
def test_example_of_the_documentation_works(load, name):
    """What the page shows can be copied."""
    page = Path(__file__).parents[2] / "docs" / name
    (example,) = re.findall(r"```json\n(.*?)```", page.read_text("utf-8"), re.DOTALL)

    models = load(text=example)

    assert models["doubao-seedream-3.0-t2i", ARK].extra == {"guidance_scale": 2.5}
    assert ("jimeng-2.1", VISUAL) not in models


@for_each(
    ("change", "field"),
    [
        ({"colour": 1}, "colour"),
        ({"id": ""}, "id"),
        ({"id": "a b"}, "id"),
        ({"id": 7}, "id"),
        ({"provider": "openai"}, "provider"),
        ({"provider": []}, "provider"),
        ({"req_key": None}, "req_key"),
        ({"req_key": "doubao-seedream-4-0-250828"}, "id"),
        ({"aliases": "x"}, "aliases"),
        ({"aliases": ["doubao-seedream-4.5"]}, "id"),
        ({"sizes": []}, "sizes"),
        ({"sizes": {"16:9": "1280x720"}}, "sizes"),
        ({"sizes": {"1:1": "1024"}}, "sizes"),
        ({"sizes": {"1:1": [1024, 1024]}}, "sizes"),
        ({"sizes": {"1:1": "1024x1024", "5:4": "1280x1024"}}, "sizes"),
        ({"sizes": {"1:1": "1024x1040"}}, "sizes"),
        ({"sizes": {"1:1": "256x256"}}, "sizes"),
        ({"hd_sizes": {"1:1": "1024x1024"}}, "hd_sizes"),
        ({"keywords": {"4K": "4096x4096"}}, "keywords"),
        ({"keywords": {"1x1": "1024x1024"}}, "keywords"),
        ({"keywords": {"1:2": "1024x1024"}}, "keywords"),
        ({"sides": None}, "sides"),
        ({"sides": [2048, 512]}, "sides"),
        ({"sides": [512, "2048"]}, "sides"),
        ({"sides": [512]}, "sides"),
        ({"area": [1, 99999999], "max_ratio": 3}, "sides"),
        ({"sides": None, "area": [1, 99999999]}, "max_ratio"),
        ({"max_ratio": 0.5}, "max_ratio"),
        ({"max_prompt": 0}, "max_prompt"),
        ({"max_prompt": 1.5}, "max_prompt"),
        ({"max_images": 5}, "max_images"),
        ({"max_images": True}, "max_images"),
        ({"takes_seed": 1}, "takes_seed"),
        ({"typical": "5"}, "typical"),
        ({"slow": float("nan")}, "slow"),
        ({"answer_within": 601}, "answer_within"),
        ({"is_synchronous": False}, "is_synchronous"),
        ({"extra": []}, "extra"),
        ({"extra": {"sequential_image_generation": "auto"}}, "extra"),
        ({"offered": "no"}, "offered"),
        ({"offered": False}, "offered"),
        *(({"price": each}, "price") for each in (-1, 0.5, "20", [], [5, 1], True)),
        ({"price": [[None, 1], [5, 2]]}, "price"),
        ({"price": [[5, 1]]}, "price"),
        ({"price": [[9, 1], [5, 2], [None, 3]]}, "price"),
        ({"price": [[0, 1], [None, 2]]}, "price"),
    ],
)
def test_mistake_is_named_by_row_and_field(load, change, field):
    with pytest.raises(ConfigError, match=f'models.json: row 2: "{field}[".]'):
        load({**V30, "max_images": 3}, {**NEW, **change})


@for_each("field", ["id", "provider", "req_key", "sizes"])
def test_what_lacks_is_named(load, field):
    """A new model has no table to take the rest from."""
    row = {name: value for name, value in NEW.items() if name != field}

    with pytest.raises(ConfigError, match=f'row 1: "{field}": .*[Mm]issing'):
        load(row)


def test_only_what_is_there_can_be_taken_away(load):
    """A mistyped name would go unnoticed."""
    with pytest.raises(ConfigError, match='row 1: "id": is no model'):
        load({"id": "jimeng-9", "provider": VISUAL, "offered": False})


@for_each("text", ["", "{", "{}", "[1]", "7", "[" * 100_000])
def test_what_is_no_list_of_models_is_refused(load, text):
    """The file is named, and the start is off."""
    with pytest.raises(ConfigError, match=r"^MODELS_FILE .*models\.json: "):
        load(text=text)


@for_each("is_directory", [True, False])
def test_file_that_cannot_be_read_is_refused(tmp_path, is_directory):
    """A setting that does nothing would be worse."""
    path = tmp_path if is_directory else tmp_path / "none.json"

    with pytest.raises(ConfigError, match=f"^MODELS_FILE {path}: "):
        Registry.from_config(Config(MODELS_FILE=str(path)))


RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")
NEW_VIDEO = {
    "id": "new-video",
    "provider": ARK,
    "req_key": "ep-2027",
    "takes": {"least": 0, "most": 1, "travels": "data_url", "prompt": "optional"},
    "video": {
        "durations": [5, 10],
        "resolutions": {"720p": dict.fromkeys(RATIOS, "1280x720")},
        "default_resolution": "720p",
        "first_and_last": False,
    },
}


def test_video_model_is_added(load):
    """It is polled, also on Ark, and starts from text unless the row says otherwise."""
    model = load(NEW_VIDEO)["new-video", ARK]

    assert (model.makes, model.task) == ("video", "text-to-video")
    assert (model.is_synchronous, model.answer_within) == (False, 10.0)
    assert model.video.durations == (5, 10)
    assert model.video.resolutions["720p"]["9:16"] == (1280, 720)


@for_each(
    ("change", "field"),
    [
        ({"sizes": {"1:1": "1024x1024"}}, "video"),
        ({"is_synchronous": True}, "video"),
        ({"task": "image-to-video"}, "takes"),
        ({"task": "text-to-image"}, "task"),
        ({"video": None, "task": "text-to-video"}, "sizes"),
        ({"extra": {"generate_audio": True}}, "extra"),
        ({"takes": None}, "takes"),
        ({"durations": [10, 5]}, "video"),
        ({"durations": []}, "video"),
        ({"default_duration": 6}, "video"),
        ({"default_resolution": "4k"}, "video"),
        ({"resolutions": {"720p": {"1:1": "960x960"}}}, "video"),
        ({"cameras": ["left"]}, "video"),
        ({"first_and_last": True}, "takes"),
        ({"req_keys": {"sideways": "x"}}, "video"),
        ({"colour": 1}, "video"),
    ],
)
def test_mistake_in_a_video_row_is_named(load, change, field):
    row = dict(NEW_VIDEO)
    if set(change) <= {"sizes", "is_synchronous", "task", "video", "extra", "takes"}:
        row |= change
    else:
        row["video"] = {**row["video"], **change}
    with pytest.raises(ConfigError, match=f'models.json: row 1: "{field}[".]'):
        load(row)


SIZED = {"sides": [512, 2048], "sizes": {"1:1": "1024x1024"}}
TAKING = {"id": "new", "provider": VISUAL, "req_key": "key"}


def test_models_may_take_pictures(load):
    """
    What is left out is as usual; a whole scale stays whole. The size may follow from
    the picture. With base64 4.0 needs no public address; with null it draws from words
    alone.
    """
    takes = {"most": 3, "travels": "data_url", "strength": [0, 100], "max_ratio": 2.5}
    known = {"least": 0, "most": 10, "max_bytes": 4_000_000, "travels": "base64"}
    models = load(
        {**TAKING, **SIZED, "task": "image-to-image", "takes": takes},
        {
            **TAKING,
            "id": "mask",
            "req_key": "mask",
            "task": "inpainting",
            "takes": {"mask": True},
        },
        {**V40, "takes": known},
        {**V40, "provider": ARK, "takes": None},
    )

    model, masked = models["new", VISUAL], models["mask", VISUAL]
    assert model.takes == Takes(
        most=3, travels="data_url", strength=(0, 100), max_ratio=2.5
    )
    assert (model.takes_images, model.needs_images) == (True, True)
    assert (masked.follows, masked.sizes, masked.hd_sizes) == (True, {}, {})
    taken, words = models[V40["id"], VISUAL].takes, models[V40["id"], ARK]
    assert (taken.travels, taken.most) == ("base64", 10)
    assert (words.takes, words.takes_images) == (None, False)


@for_each(
    ("row", "words"),
    [
        ({**SIZED, "takes": {"most": 0}}, '"takes.most": Must be greater'),
        ({**SIZED, "takes": {"colour": 1}}, '"takes.colour": Unknown'),
        ({**SIZED, "takes": []}, '"takes": Invalid'),
        ({**SIZED, "takes": {"sides": None}}, '"takes.sides": Field may not be null'),
        ({**SIZED, "takes": {"travels": "post"}}, "Must be one of: base64, data_url"),
        ({**SIZED, "takes": {"strength": [1, 1]}}, "Must be .least, most."),
        ({**SIZED, "takes": {"least": 5, "most": 2}}, '"least" above "most"'),
        ({**SIZED, "takes": {"least": 1}}, "must require none for text-to-image"),
        ({**SIZED, "task": "image-to-image"}, "at least one picture for image-to"),
        ({**SIZED, "task": "painting"}, '"task": Must be one of: text-to-image'),
        ({"task": "inpainting", "takes": {}}, '"mask" goes with the task inpainting'),
        (
            {**SIZED, "task": "image-to-image", "takes": {"expand": 0.4}},
            '"expand" goes with the task outpainting',
        ),
        (
            {**SIZED, "task": "inpainting", "takes": {"mask": True}},
            "a size that follows from the picture",
        ),
        ({"task": "upscaling", "takes": {}}, '"keywords": must say'),
        ({"sides": [1, 2], "sizes": {}}, '"sizes": must have 1:1'),
    ],
)
def test_mistake_about_pictures_is_named(load, row, words):
    with pytest.raises(ConfigError, match=words):
        load({**TAKING, **row})


BY_KEY = {model.req_key: model for model in MODELS}


def test_prices_of_the_table():
    """Larger pictures may cost more; what nobody knows is neither free nor guessed."""
    assert set(PRICES) <= set(BY_KEY)
    price = BY_KEY["doubao-seedream-5-0-pro-260628"].price
    for size, fen in ((1600, 1631), 30), ((1600, 1632), 60):
        assert price.of(*size) == fen * FEN
    assert BY_KEY["jimeng_img2img_seed3_painting_edit"].price is None
    assert BY_KEY["jimeng_t2i_v40"].price.of(4096, 4096) == 220_000
    assert BY_KEY["jimeng_t2i_v40"].price.as_of == AS_OF


def test_operators_price_goes_first(load):
    """Flat, or by pixels; it has no date. Null is the table's."""

    def price(of: object):
        return load({**V40, "price": of})[V40["id"], VISUAL].price

    assert price(18).of(1, 1) == 180_000
    stepped = price([[1_000_000, 10], [None, 15]])
    assert (stepped.of(1000, 1000), stepped.of(1000, 1001)) == (100_000, 150_000)
    assert stepped.as_of is None
    assert price(None).of(1, 1) == 220_000


def test_accounts_may_have_prices_of_their_own(load):
    row = {**V40, "account_prices": {"studio": [[1_000_000, 30], [None, 10]]}}

    model = load(row, accounts=["main", "studio"])[V40["id"], VISUAL]

    assert str(model.price) == "220000"
    assert str(model.account_prices["studio"]) == "1000000:300000,100000"
    with pytest.raises(ConfigError, match="'studio', which is none of main"):
        load(row)
