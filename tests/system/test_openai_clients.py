"""Clients of OpenAI's API, as they are published, at the whole product."""

import base64
import io
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import requests
from PIL import Image as Pillow

from tests import clients
from tests.clients.cutting import cutting_way
from tests.printed import blocks
from tests.system.commands import BASH, PYTHON, run_printed
from tests.system.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.system

CAT = {"model": "gpt-image-1", "prompt": "cat", "size": "512x512"}


@pytest.fixture(autouse=True, scope="module")
def plain(live_server) -> Iterator[None]:
    """Nobody looks at these pictures; they are drawn plainly, and looked for soon."""
    live_server.simulate(plain=True)
    for name in ("t2i_v30", "i2i_v30", "image2image_dream_inpaint"):
        live_server.remember_durations(f"volcengine_jimeng:jimeng_{name}", 0.3)
    yield
    live_server.simulate(plain=False)


@pytest.fixture
def sdk(live_server):
    """OpenAI's own client, with everything as it comes but the address."""
    return client_of(live_server.url)


def client_of(url: str):
    import openai  # which takes half a second, of every process that collects this

    return openai.OpenAI(base_url=f"{url}/v1", api_key="unused")


def billed(stack: Stack, *prompts: str) -> int:
    """How often these words are charged for, once all that was asked has ended."""
    with stack.database() as found:
        going_on = {"prompt": {"$in": prompts}, "open": True}
        wait_for(lambda: not found.tasks.count_documents(going_on))
    return sum(row["prompt"] in prompts for row in stack.ledger()["rows"])


def png(text: str | None) -> bytes:
    content = base64.b64decode(text or "")
    assert content.startswith(b"\x89PNG")
    return content


def waits_for(stack: Stack, prompt: str) -> Callable[[], object]:
    """What returns once there is a task with these words."""

    def is_made() -> bool:
        with stack.database() as found:
            return found.tasks.count_documents({"prompt": prompt}) > 0

    return lambda: wait_for(is_made, what="the task is made")


def encoded(image: Pillow.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


PICTURE = encoded(Pillow.new("RGB", (640, 640), "red"))
MASK = encoded(Pillow.new("RGBA", (640, 640), (0, 0, 0, 0)))


def test_sdk_gets_pictures(sdk):
    """
    As bytes where it expects them, as links else, with our own fields beside, or as a
    stream; and it lists the models.
    """
    bytes_ = sdk.images.generate(**CAT, extra_body={"seed": 7, "watermark": False})
    links = sdk.images.generate(model="dall-e-3", prompt="cat", n=2, size="512x512")
    (event,) = sdk.images.generate(**CAT, stream=True, partial_images=2)
    names = [each.id for each in sdk.models.list()]

    png(bytes_.data[0].b64_json)
    assert (bytes_.size, bytes_.output_format) == ("512x512", "png")
    assert bytes_.data[0].seed == 7
    assert bytes_.usage is None
    assert len(links.data) == 2
    assert requests.get(links.data[0].url, timeout=60).headers["Content-Type"] in {
        *("image/jpeg", "image/png")
    }
    assert event.type == "image_generation.completed"
    assert (event.size, event.usage.total_tokens) == ("512x512", 0)
    png(event.b64_json)
    assert "doubao-seedream-3.0-t2i" in names
    assert sdk.models.retrieve("gpt-image-1").owned_by == "volcengine_jimeng"


def test_sdk_edits_pictures(sdk, live_server):
    """One, several, and with a mask; each is one submission."""
    edit = partial(sdk.images.edit, model="gpt-image-1", image=PICTURE)

    one = edit(prompt="a blue hat", size="1024x1024")
    masked = edit(mask=MASK, prompt="a red hat")
    (event,) = edit(prompt="a green hat", stream=True)

    assert one.size == "1024x1024"
    for answer in (one.data[0], masked.data[0], event):
        png(answer.b64_json)
    assert event.type == "image_edit.completed"
    assert billed(live_server, "a blue hat", "a red hat", "a green hat") == 3


def test_sdk_raises_its_own_errors(sdk, live_server):
    """With what it needs to go on."""
    import openai

    with pytest.raises(openai.BadRequestError) as wrong:
        sdk.images.generate(**{**CAT, "size": "9000x9000"})
    with pytest.raises(openai.NotFoundError) as unknown:
        sdk.images.generate(**{**CAT, "model": "sdxl"})
    with pytest.raises(openai.APIStatusError) as refused:
        sdk.images.generate(**{**CAT, "prompt": "[[50411]]"})

    assert (wrong.value.code, wrong.value.param) == ("invalid_size", "size")
    assert wrong.value.request_id
    assert unknown.value.code == "model_not_found"
    assert refused.value.body["task_id"].startswith("volcengine_img_")
    assert refused.value.body["charged"] == "no"
    assert billed(live_server, "[[50411]]") == 0


def draw(url: str, prompt: str):
    return client_of(url).images.generate(**{**CAT, "prompt": prompt})


def edit(url: str, prompt: str):
    """Its body has another boundary each time."""
    images = client_of(url).images
    return images.edit(model="gpt-image-1", image=PICTURE, prompt=prompt)


@pytest.mark.parametrize("when", ["while it is drawn", "as it is answered"])
@pytest.mark.parametrize(("call", "cuts"), [(draw, 2), (edit, 1)])
def test_cut_connection_is_charged_once(live_server, call, cuts, when):
    """The SDK posts again by itself, twice, and is given what it has asked for."""
    prompt = f"{call.__name__}, cut {when}"
    until = waits_for(live_server, prompt) if when == "while it is drawn" else None
    with cutting_way(live_server.port, cuts=cuts, until=until) as way:
        answer = call(way.url, prompt)

        assert way.connections == cuts + 1
    png(answer.data[0].b64_json)
    assert billed(live_server, prompt) == 1


def test_other_clients_get_pictures(live_server):
    """npm's, and LiteLLM with the settings that the page of clients shows."""
    url, picture = live_server.url, PICTURE.hex()
    map_ = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}

    assert clients.node("openai_client.mjs", url, PICTURE=picture) == "done\n"
    told = clients.python("litellm_client.py", url, PICTURE=picture, **map_)
    assert told.endswith("done\n")


def test_commands_of_the_page_work(live_server, tmp_path):
    """As they are printed, by a shell and by Python."""
    first, of_orders = blocks("docs/clients.en.md", "bash")
    (sdk,) = blocks("docs/clients.en.md", "python")
    there = live_server.url, tmp_path

    streamed = run_printed(first, BASH, *there)
    run_printed(sdk, PYTHON, *there)
    orders = run_printed(of_orders, BASH, *there, JIMENG_KEY="")

    for name in ("cat.png", "sdk.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert streamed.endswith("image_generation.completed\n")
    assert orders.endswith('{\n  "order": "123"\n}\n')
