"""Each model, from the request to the bytes, against services that check it all."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PIL import Image
from replies import FOX

from jimeng.providers import MODELS, Expansion, InputPicture, Model, Progress
from jimeng.providers.download import fetch_picture
from jimeng.providers.models.output_size import size_of_output
from tests.conftest import png
from tests.each import for_each
from tests.given_pictures import encoded
from tests.inputs.host import Host, gives

RATIO = "16:9"


STILL = [model for model in MODELS if not model.video]
every_model_of_words = for_each("model", [m for m in STILL if not m.needs_images])
every_model_of_pictures = for_each("model", [m for m in STILL if m.takes])


SIDES = (800, 600)
RED = encoded(Image.new("RGB", SIDES, "red"), "JPEG")
BLUE = png(*SIDES, "blue")
MASK = encoded(Image.new("L", SIDES, 255), "PNG")


@pytest.fixture(scope="module")
def shelf() -> Iterator[str]:
    """Where a service fetches what travels as a link."""
    host = Host()
    host.url("/1", gives(RED))
    yield host.url("/2", gives(BLUE)).removesuffix("/2")
    host.server.shutdown()
    host.server.server_close()


def given(shelf: str, model: Model) -> tuple[InputPicture, ...]:
    """As many as the model takes, at most two, as they travel."""
    found = [
        InputPicture(RED, "image/jpeg", *SIDES, f"{shelf}/1"),
        InputPicture(BLUE, "image/png", *SIDES, f"{shelf}/2"),
    ]
    return tuple(found[: model.takes.most])


def drawn(service, request) -> Progress:
    """Submit, and poll once where that is needed: drawing takes no time."""
    progress = service.submit(request)
    return progress if progress.done else service.poll(progress.remote_id, request)


@every_model_of_words
@for_each("quality", ["standard", "hd"])
def test_one_picture_of_the_right_size(running, services, model, quality):
    """One link, to a picture of the size that was asked for; 2.1 doubles it."""
    width, height = model.resolve_size(RATIO, quality)
    seed = 7 if model.takes_seed else None
    request = replace(FOX, req_key=model.req_key, width=width, height=height, seed=seed)

    progress = drawn(services[model.provider], request)

    (url,) = progress.urls
    content = fetch_picture(url, allowed_private=[f"127.0.0.1:{running.port}"])
    with Image.open(io.BytesIO(content)) as picture:
        factor = 2 if model.id == "jimeng-2.1" else 1
        assert picture.size == (width * factor, height * factor)


@every_model_of_words
def test_check_finds_the_model(services, model):
    """The account may use all of them; for 2.1 only drawing would tell."""
    is_known = services[model.provider].check(model.req_key)

    assert is_known is (model.id != "jimeng-2.1")


@every_model_of_pictures
def test_pictures_arrive_in_order(running, services, model, shelf):
    """Byte for byte, a mask last; what comes out has the size that was reckoned."""
    takes, inputs = model.takes, given(shelf, model)
    expand = Expansion(left=0.25, top=0.4) if takes.expand else None
    mask = InputPicture(MASK, "image/png", *SIDES) if takes.mask else None
    size = size_of_output(model, None, pictures=[SIDES] * len(inputs), expand=expand)
    request = replace(
        FOX,
        prompt="" if takes.prompt == "none" else FOX.prompt,
        req_key=model.req_key,
        width=size[0],
        height=size[1],
        seed=7 if model.takes_seed else None,
        inputs=inputs,
        mask=mask,
        strength=0.7 if takes.strength else None,
        expand=expand,
    )

    progress = drawn(services[model.provider], request)

    (url,) = progress.urls
    content = fetch_picture(url, allowed_private=[f"127.0.0.1:{running.port}"])
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == size
    came = [each["sha256"] for each in running.ledger()["rows"][-1]["inputs"]]
    sent = [*inputs, *([mask] if mask else [])]
    assert came == [hashlib.sha256(each.data).hexdigest() for each in sent]
