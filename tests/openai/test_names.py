"""``GET /v1/models``, and the names by which clients ask for them."""

from dataclasses import replace

import pytest

from jimeng.config import Config
from jimeng.config.values import parse_names
from jimeng.errors import ConfigError
from jimeng.openai import model_names
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
    """Each once, with the fields that their SDKs need."""
    listed = ids(client)

    assert DEFAULT in listed
    assert len(listed) == len(set(listed))
    one = client.get("/v1/models/jimeng-3.0").json
    assert (one["id"], one["owned_by"]) == ("jimeng-3.0", "volcengine_jimeng")
    assert isinstance(one["created"], int)
    assert one["jimeng"]["model"] == DEFAULT
    error_of(client.get("/v1/models/sdxl"), 404, "model_not_found")


@for_each(
    "name", ["gpt-image-1", "gpt-image-2-mini", "chatgpt-image-latest", "dall-e-3"]
)
def test_names_built_into_clients_are_known(client, name):
    """They lead to the server's default model."""
    assert client.get(f"/v1/models/{name}").json["jimeng"]["model"] == DEFAULT


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
        error_of(
            led.post(GENERATIONS, json={**CAT, "model": name}), 404, "model_not_found"
        )
    listed = ids(led)
    assert {"gpt-image-1", "best"} <= set(listed)
    assert not {"gpt-image-*", "dall-e-2", DEFAULT} & set(listed)


@for_each("text", ["a", "a=", "=b", "a=b,c"])
def test_table_with_a_mistake_stops_the_start(text):
    """Naming the setting."""
    with pytest.raises(ConfigError, match="OPENAI_MODELS must be name=model"):
        Config.from_env({"OPENAI_MODELS": text})


def test_table_leads_to_what_is_offered(app, config):
    """Else the server does not start, and says what there is."""
    wrong = replace(config, OPENAI_MODELS=("gpt-image-1=sdxl",))

    with pytest.raises(ConfigError, match=f"gpt-image-1 leads to sdxl.*{DEFAULT}"):
        model_names.check(wrong)
