"""``MODELS_FILE`` of models that take pictures: what may be said, and what may not."""

import json

import pytest

from jimeng.errors import ConfigError
from jimeng.providers import PROVIDERS
from jimeng.providers.models.file import load_models
from jimeng.providers.models.model import Takes
from tests.each import for_each

VISUAL, ARK = "volcengine_jimeng", "volcengine_ark"
SIZED = {"sides": [512, 2048], "sizes": {"1:1": "1024x1024"}}
NEW = {"id": "new", "provider": VISUAL, "req_key": "key"}


@pytest.fixture
def load(tmp_path):
    """The model of that row, among all the others."""

    def load(row: dict):
        file = tmp_path / "models.json"
        file.write_text(json.dumps([row]), "utf-8")
        models = load_models(str(file), PROVIDERS)
        key = row["id"], row["provider"]
        return {(m.id, m.provider): m for m in models}[key]

    return load


def test_new_model_may_take_pictures(load):
    """What is left out is as usual; a whole scale stays whole."""
    takes = {"most": 3, "travels": "data_url", "strength": [0, 100], "max_ratio": 2.5}

    model = load({**NEW, **SIZED, "task": "image-to-image", "takes": takes})

    assert model.takes == Takes(
        most=3, travels="data_url", strength=(0, 100), max_ratio=2.5
    )
    assert (model.takes_images, model.needs_images) == (True, True)


def test_size_may_follow_from_the_picture(load):
    """Then there are no sizes to be named."""
    model = load({**NEW, "task": "inpainting", "takes": {"mask": True}})

    assert model.follows
    assert (model.sizes, model.hd_sizes) == ({}, {})


def test_known_model_may_travel_another_way(load):
    """An account for which 4.0 takes base64 needs no public address."""
    takes = {"least": 0, "most": 10, "max_bytes": 4_000_000, "travels": "base64"}

    model = load({"id": "doubao-seedream-4.0", "provider": VISUAL, "takes": takes})

    assert model.takes is not None
    assert (model.takes.travels, model.takes.most) == ("base64", 10)


def test_pictures_may_be_taken_away(load):
    """Null: it draws from words alone."""
    model = load({"id": "doubao-seedream-4.5", "provider": ARK, "takes": None})

    assert (model.takes, model.takes_images) == (None, False)


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
        (
            {"task": "inpainting", "takes": {}},
            '"mask" goes with the task inpainting',
        ),
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
def test_mistakes_are_named(load, row, words):
    """By the file, the row and the field."""
    with pytest.raises(ConfigError, match=words):
        load({**NEW, **row})
