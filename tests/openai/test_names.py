"""``GET /v1/models``, and which names and sizes of clients lead to which of ours."""

from dataclasses import replace
from itertools import product

import pytest

from jimeng.config import Config
from jimeng.config.values import parse_names
from jimeng.errors import ConfigError, Invalid
from jimeng.openai import model_names
from jimeng.openai.sizes import choose
from jimeng.providers.registry import MODELS
from tests.each import for_each
from tests.openai.conftest import CAT, GENERATIONS, error_of

DEFAULT = "doubao-seedream-3.0-t2i"


@pytest.fixture
def led(app, config):
    """The operator's own table."""
    app.config["JIMENG"] = replace(
        config,
        OPENAI_MODELS=parse_names(
            "gpt-image-1=jimeng-3.1, gpt-image-*=jimeng-4.0, dall-e-2=none,"
            f"best=default, {DEFAULT}=none"
        ),
    )
    return app.test_client()


def ids(client) -> list[str]:
    listed = client.get("/v1/models").json
    assert listed["object"] == "list"
    assert all(each["object"] == "model" for each in listed["data"])
    return [each["id"] for each in listed["data"]]


def test_models_are_listed_as_clients_want_them(client):
    listed = ids(client)

    assert DEFAULT in listed
    assert len(listed) == len(set(listed))
    one = client.get("/v1/models/jimeng-3.0").json
    assert (one["id"], one["owned_by"]) == ("jimeng-3.0", "volcengine_jimeng")
    assert isinstance(one["created"], int)
    assert one["jimeng"]["model"] == DEFAULT
    for name in ("gpt-image-1", "gpt-image-2-mini", "chatgpt-image-latest", "dall-e-3"):
        found = client.get(f"/v1/models/{name}").json["jimeng"]
        assert found["model"] == DEFAULT, "names that are built into clients"
    error_of(client.get("/v1/models/sdxl"), 404, "model_not_found")


def test_operator_says_where_names_lead(led):
    """The first row that fits; also away from what is built in, and to nothing."""
    found = {
        name: led.get(f"/v1/models/{name}").json["jimeng"]["model"]
        for name in ("gpt-image-1", "GPT-Image-2", "dall-e-3", "best", "jimeng-3.1")
    }

    assert found == {
        "gpt-image-1": "jimeng-3.1",
        "GPT-Image-2": "doubao-seedream-4.0",
        "dall-e-3": DEFAULT,
        "best": DEFAULT,
        "jimeng-3.1": "jimeng-3.1",
    }
    for name in ("dall-e-2", DEFAULT):
        answer = led.post(GENERATIONS, json={**CAT, "model": name})
        error = error_of(answer, 404, "model_not_found")
        assert error["param"] == "model" and "jimeng-3.1" in error["message"]
    listed = ids(led)
    assert {"gpt-image-1", "best"} <= set(listed)
    assert not {"gpt-image-*", "dall-e-2", DEFAULT} & set(listed)


@for_each("text", ["a", "a=", "=b", "a=b,c"])
def test_table_with_a_mistake_stops_the_start(text):
    with pytest.raises(ConfigError, match="OPENAI_MODELS must be name=model"):
        Config.from_env({"OPENAI_MODELS": text})


def test_table_leads_to_what_is_offered(app, config):
    """Else the server does not start, and says what there is."""
    wrong = replace(config, OPENAI_MODELS=("gpt-image-1=sdxl",))

    with pytest.raises(ConfigError, match=f"gpt-image-1 leads to sdxl.*{DEFAULT}"):
        model_names.check(wrong)


BY_ID = {(model.id, model.provider): model for model in MODELS}
V30 = BY_ID["doubao-seedream-3.0-t2i", "volcengine_jimeng"]  # sides 512 to 2048
V40 = BY_ID["doubao-seedream-4.0", "volcengine_jimeng"]  # 1 to 16.8 million pixels
V45 = BY_ID["doubao-seedream-4.5", "volcengine_ark"]  # 3.7 to 16.8 million pixels
FREE = [model for model in MODELS if not (model.follows or model.video)]
V21 = BY_ID["jimeng-2.1", "volcengine_jimeng"]  # sides 256 to 768


@for_each(
    ("model", "size", "ratio", "quality", "found"),
    [
        (V30, "512x512", None, "auto", (512, 512)),
        (V30, "1792x1024", None, "auto", (1792, 1024)),
        (V30, "256x256", None, "auto", (512, 512)),
        (V30, "512x256", None, "auto", (1024, 512)),
        (V40, "512x512", None, "auto", (1024, 1024)),
        (V40, "1536x1024", None, "auto", (1536, 1024)),
        (V45, "1024x1024", None, "auto", (1920, 1920)),
        (V45, "1536x1024", None, "auto", (2352, 1568)),
        (V45, "1024x1792", None, "auto", (1452, 2541)),
        (V21, "512x512", None, "auto", (512, 512)),
        # A quality is a step of the area.
        (V30, None, None, "auto", (1328, 1328)),
        (V30, None, None, "low", (1328, 1328)),
        (V30, None, None, "medium", (2048, 2048)),
        (V30, None, None, "high", (2048, 2048)),
        (V40, None, None, "low", (1024, 1024)),
        (V40, None, None, "medium", (2048, 2048)),
        (V40, None, None, "high", (4096, 4096)),
        (V40, None, None, "max", (4096, 4096)),
        (V21, None, None, "high", (768, 768)),
        # Ratio and keyword go together; pixels win over both.
        (V30, "16:9", None, "auto", (1664, 936)),
        (V30, None, "16:9", "auto", (1664, 936)),
        (V30, None, "16:9", "high", (2048, 1152)),
        (V40, "2K", "16:9", "auto", (2560, 1440)),
        (V40, "4K", None, "low", (4096, 4096)),
        (V40, None, "16:9", "low", (1408, 792)),
        # In any terms it is the ratio of the model's table.
        (V30, "21:9", None, "auto", (2016, 864)),
        (V30, "7/3", None, "auto", (2016, 864)),
        (V21, None, "21:9", "hd", (756, 324)),
        (V40, "2k", "9:16", "auto", (1440, 2560)),
        (V40, "5:4", None, "auto", (2320, 1856)),
        (V30, "5:4", None, "high", (2048, 1632)),
        (V40, "1023:767", None, "auto", (2368, 1776)),
        (V40, "32:18", None, "auto", (2560, 1440)),
        (V30, "1024x1024", "16:9", "high", (1024, 1024)),
    ],
)
def test_size_is_what_was_asked_for(model, size, ratio, quality, found):
    """Pixels are enlarged as little as possible, in their ratio, to the pixel."""
    assert choose(model, size, ratio, quality) == found


@for_each(
    ("model", "size"),
    [
        *((V30, "4096x4096"), (V30, "100x1000"), (V21, "1024x1024")),
        *((V40, "100x1000"), (V40, "1:10"), (V30, "9:1")),
    ],
)
def test_what_cannot_be_enlarged_is_refused(model, size):
    """Nothing is cut off, and nothing is made smaller."""
    with pytest.raises(Invalid) as caught:
        choose(model, size)
    assert list(caught.value.fields) == ["size"]


def test_every_model_draws_what_is_chosen():
    """In about that ratio, whatever the step."""
    ratios, steps = ["16:9", "9:16", "5:4", "3:1"], ["auto", "low", "medium", "high"]
    for model, ratio, step in product(FREE, ratios, [*steps, "max"]):
        width, height = choose(model, None, ratio, step)
        across, down = map(int, ratio.split(":"))
        about = pytest.approx(across / down, rel=0.03)
        assert model.fits(width, height), (model.lane, ratio, step)
        assert width / height == about, (model.lane, ratio, step)
