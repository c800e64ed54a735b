"""Each model, from the request to the bytes, against services that check it all."""

import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from ark_replies import API_KEY
from PIL import Image
from visual_replies import ACCESS_KEY, FOX, SECRET_KEY

from jimeng.local.simulator import Simulator
from jimeng.providers import MODELS, Progress
from jimeng.providers.ark import ArkProvider
from jimeng.providers.fetch import fetch_picture
from jimeng.providers.visual import VisualProvider

RATIO = "16:9"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        ark_key=API_KEY,
        duration=0.0,
        plain=True,
    ) as running:
        yield running


@pytest.fixture(scope="module")
def services(simulator) -> Iterator[dict]:
    keys = (ACCESS_KEY, SECRET_KEY)
    made = {
        "volcengine_jimeng": VisualProvider(*keys, endpoint=simulator.url),
        "volcengine_ark": ArkProvider(API_KEY, base_url=f"{simulator.url}/api/v3"),
    }
    yield made
    for each in made.values():
        each.close()


every_model_of_words = pytest.mark.parametrize(
    "model",
    [model for model in MODELS if not model.needs_images],
    ids=lambda model: f"{model.provider}-{model.id}",
)


def drawn(service, request) -> Progress:
    """Submit, and poll once where that is needed: drawing takes no time."""
    progress = service.submit(request)
    return progress if progress.done else service.poll(progress.remote_id, request)


@every_model_of_words
@pytest.mark.parametrize("quality", ["standard", "hd"])
def test_one_picture_of_the_right_size(simulator, services, model, quality):
    """One link, to a picture of the size that was asked for; 2.1 doubles it."""
    width, height = model.resolve_size(RATIO, quality)
    seed = 7 if model.takes_seed else None
    request = replace(FOX, req_key=model.req_key, width=width, height=height, seed=seed)

    progress = drawn(services[model.provider], request)

    (url,) = progress.urls
    content = fetch_picture(url, allowed_private=[f"127.0.0.1:{simulator.port}"])
    with Image.open(io.BytesIO(content)) as picture:
        factor = 2 if model.id == "jimeng-2.1" else 1
        assert picture.size == (width * factor, height * factor)


@every_model_of_words
def test_check_finds_the_model(services, model):
    """The account may use all of them; for 2.1 only drawing would tell."""
    is_known = services[model.provider].check(model.req_key)

    assert is_known is (model.id != "jimeng-2.1")
