"""
SDKs of OpenAI and of Ark, as they are published: videos, and pictures of Ark's. What
they ask for again by themselves is paid for once.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from PIL import Image as Pillow

from tests import clients
from tests.clients.cutting import CuttingWay, cutting_way
from tests.printed import blocks
from tests.system.commands import BASH, NODE, PYTHON, run_printed
from tests.system.stack import VIDEOS, Stack, wait_for
from tests.system.test_openai_clients import billed, client_of, encoded, waits_for

pytestmark = [
    pytest.mark.system,
    pytest.mark.filterwarnings("ignore:The Sora API"),  # OpenAI's own, not ours
]

MODEL = "doubao-seedance-1.0-pro-fast"
SMALL = {"model": MODEL, "seconds": "2", "size": "864x480"}
BAD_GATEWAY = (
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)
# What a client may see of a request that has arrived.
CUT, REFUSED = "cut off", "502 of a proxy"
PICTURE = Pillow.new("RGB", (640, 360), "red")


@pytest.fixture(scope="module")
def stack(own_stack) -> Iterator[Stack]:
    with own_stack("sdks", **VIDEOS) as made:
        made.simulate(plain=True, strict=True)
        made.start_consumer()
        made.await_ready()
        yield made


def ark_of(url: str):
    from volcenginesdkarkruntime import Ark

    return Ark(base_url=f"{url}/api/v3", api_key="unused")


def test_openai_sdk_makes_a_video(stack):
    """Created, polled and downloaded as its own documentation shows."""
    with client_of(stack.url) as client:
        videos = client.videos
        made = videos.create_and_poll(
            prompt="lantern",
            input_reference=("a.png", encoded(PICTURE), "image/png"),
            **SMALL,
        )

        assert (made.status, made.progress, made.seconds) == ("completed", 100, "2")
        content = videos.download_content(made.id)
        assert content.response.headers["content-type"] == "video/mp4"
        assert content.read()[4:8] == b"ftyp"
        small = videos.download_content(made.id, variant="thumbnail")
        assert small.read()[8:12] == b"WEBP"
        assert made.id in [each.id for each in videos.list(limit=1)]
        assert videos.delete(made.id).deleted
        assert made.id not in [each.id for each in videos.list()]
    assert billed(stack, "lantern") == 1


def test_openai_sdk_for_node_makes_a_video(stack):
    """npm's, in a process of its own."""
    prompt = "lantern in node"
    environ = {"MODEL": MODEL, "PROMPT": prompt, "PICTURE": encoded(PICTURE).hex()}
    said = clients.node("openai_videos_client.mjs", stack.url, **environ)

    assert said == "done\n"
    assert billed(stack, prompt) == 1


@contextmanager
def losing_way(stack: Stack, prompt: str, what: str | None) -> Iterator[CuttingWay]:
    """A way on which the first request arrives, and its answer does not."""
    how = {
        None: {"cuts": 0},
        CUT: {},
        REFUSED: {"until": waits_for(stack, prompt), "answer": BAD_GATEWAY},
    }
    with cutting_way(stack.port, **how[what]) as way:
        yield way


def test_ark_sdk_makes_a_video(stack):
    """Created, polled, listed and deleted as its own documentation shows."""
    with ark_of(stack.url) as client:
        tasks = client.content_generation.tasks
        text = {"type": "text", "text": "lantern of ark"}
        frame = {"url": f"data:image/png;base64,{b64encode(encoded(PICTURE)).decode()}"}
        first = {"type": "image_url", "image_url": frame, "role": "first_frame"}
        size = {"duration": 2, "resolution": "480p"}
        made = tasks.create(model=MODEL, content=[text, first], **size).id
        wait_for(lambda: tasks.get(task_id=made).status == "succeeded")

        found = tasks.get(task_id=made)
        assert (found.duration, found.resolution) == (2, "480p")
        assert found.usage.completion_tokens > 0
        assert stack.fetch(found.content.video_url)[1] == "video/mp4"
        (listed,) = tasks.list(task_ids=[made], status="succeeded").items
        assert listed == found
        tasks.delete(task_id=made)
        assert tasks.list(task_ids=[made]).total == 0
    assert billed(stack, "lantern of ark") == 1


@pytest.mark.parametrize("what", [None, CUT])
def test_ark_sdk_makes_a_picture(stack, what):
    """Also when its first request gets no answer: it is charged once."""
    prompt = f"fox {what}"
    with losing_way(stack, prompt, what) as way, ark_of(way.url) as client:
        found = client.images.generate(
            model="doubao-seedream-4-0-250828", prompt=prompt, size="1K"
        )

    assert found.usage.generated_images == 1
    assert found.data[0].size == "1024x1024"
    assert stack.fetch(urlsplit(found.data[0].url).path)[0] == 200
    assert billed(stack, prompt) == 1


def create_by_openai(url: str, prompt: str) -> str:
    with client_of(url) as client:
        return client.videos.create(prompt=prompt, **SMALL).id


def create_by_node(url: str, prompt: str) -> str:
    environ = {"MODEL": MODEL, "PROMPT": prompt}
    return clients.node("openai_video_repeats.mjs", url, **environ).strip()


def create_by_ark(url: str, prompt: str) -> str:
    text = {"type": "text", "text": prompt}
    size = {"duration": 2, "resolution": "480p"}
    with ark_of(url) as client:
        create = client.content_generation.tasks.create
        return create(model=MODEL, content=[text], **size).id


@pytest.mark.parametrize("what", [CUT, REFUSED])
@pytest.mark.parametrize("create", [create_by_openai, create_by_node, create_by_ark])
def test_create_that_an_sdk_repeats_is_charged_once(stack, create, what):
    """Its first request has arrived: the SDK is given the video of that one."""
    prompt = f"{create.__name__} {what}"
    with losing_way(stack, prompt, what) as way:
        made = create(way.url, prompt)

        assert way.connections == 2
    with stack.database() as found:
        assert [each["_id"] for each in found.tasks.find({"prompt": prompt})] == [made]
    assert billed(stack, prompt) == 1


def test_commands_of_the_page_work(stack, tmp_path):
    """As they are printed, by a shell, by Python and by Node."""
    page = "docs/videos.en.md"
    (tmp_path / "node_modules").symlink_to(clients.PLACE / "node_modules")
    PICTURE.save(tmp_path / "lantern.jpg")
    there = stack.url, tmp_path

    price = run_printed("".join(blocks(page, "bash")), BASH, *there)
    openai, ark = blocks(page, "python")
    run_printed(openai, PYTHON, *there)
    link = run_printed(ark, PYTHON, *there).strip()
    (script,) = blocks(page, "javascript")
    run_printed(script, NODE, *there)

    for name in ("lantern.mp4", "sora.mp4", "node.mp4"):
        assert (tmp_path / name).read_bytes()[4:8] == b"ftyp"
    assert json.loads(price)["dry_run"]
    assert stack.fetch(link)[1] == "video/mp4"
