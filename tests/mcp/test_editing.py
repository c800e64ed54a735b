"""Pictures that go in, and videos: named by links, given to a model that takes them."""

from base64 import b64encode
from random import Random

import pytest
from PIL import Image as Pillow

from jimeng.documents import Task
from jimeng.http.requests import MAX_BODY_BYTES
from jimeng.providers import Registry
from tests.given_pictures import encoded
from tests.hung_videos import finish_video
from tests.inputs.test_going_in import prepared, sent
from tests.mcp.test_tools import conforms


@pytest.fixture
def drawn(older, work_off, provider) -> dict:
    """A picture of this caller's."""
    made = older.done("generate_image", prompt="x", wait_seconds=0)
    work_off()
    (image,) = older.done("get_task", task_id=made["task_id"])["images"]
    provider.requests.clear()
    return {"link": image["url"], "id": f"{made['task_id']}_0"}


@pytest.mark.parametrize("by", ["link", "id"])
def test_picture_is_changed_in_one_call(agent, drawn, by, soon, work_off, provider):
    soon(lambda: prepared(work_off))

    result = agent.call(
        "edit_image", images=[drawn[by]], prompt="戴上帽子", model="jimeng-i2i-3.0"
    )

    assert result["structuredContent"]["status"] == "completed", result
    assert [part["type"] for part in result["content"]] == [
        *("text", "image", "resource_link")
    ]
    assert len(sent(provider).inputs) == 1


def test_picture_of_more_than_a_mebibyte_is_in_the_call_itself(
    agent, soon, work_off, provider
):
    """As clients send what a user has attached."""
    noise = Pillow.frombytes("RGB", (800, 600), Random(1).randbytes(800 * 600 * 3))
    png = encoded(noise, "PNG")
    soon(lambda: prepared(work_off))

    result = agent.call(
        "edit_image",
        images=[f"data:image/png;base64,{b64encode(png).decode()}"],
        prompt="戴上帽子",
        model="jimeng-i2i-3.0",
    )

    assert len(png) > MAX_BODY_BYTES
    assert result["structuredContent"]["status"] == "completed", result
    assert len(sent(provider).inputs) == 1


@pytest.mark.parametrize(
    ("more", "does"),
    [
        ({"prompt": "x"}, "image-to-image"),
        ({}, "upscaling"),
        ({"expand": {"right": 0.4}}, "outpainting"),
    ],
)
def test_model_is_one_for_what_is_wished(older, drawn, more, does):
    """Words change a picture, edges make it grow, and without either it is enlarged."""
    models = {m["id"]: m["task"] for m in older.done("list_models")["models"]}

    made = older.done("edit_image", images=[drawn["id"]], **more, wait_seconds=0)

    found = models[made["model"]]
    assert found == does or (does, found) == ("image-to-image", "text-to-image")


LANTERN = {"prompt": "灯笼随风轻摆", "duration": 5}


@pytest.fixture
def registry(provider) -> Registry:
    offered = {"volcengine_ark": provider, "volcengine_jimeng": provider}
    return Registry(offered, dict.fromkeys(offered, 3))


def test_models_are_those_of_pictures_or_of_videos(agent):
    pictures = conforms(agent.call("list_models"), "list_models")["models"]
    videos = agent.done("list_models", makes="video")["models"]

    usual = [each["id"] for each in pictures if each["default"]]
    assert usual == ["doubao-seedream-3.0-t2i"]
    assert {"id", "sizes", "max_images", "takes_seed"} <= pictures[0].keys()
    assert not {each["id"] for each in pictures} & {each["id"] for each in videos}
    found = next(each for each in videos if each["id"] == "doubao-seedance-1.5-pro")
    assert found["video"]["audio"]
    assert 5 in found["video"]["durations"]
    assert found["price"]["unit"] == "million_tokens"


def test_price_comes_first(agent):
    """With what dear choices add to it."""
    call = {**LANTERN, "model": "doubao-seedance-1.5-pro", "dry_run": True}
    silent, loud = (
        conforms(agent.call("generate_video", **call, audio=audio), "generate_video")
        for audio in (False, True)
    )

    assert silent["dry_run"] and silent["cost"]["micros"] > 0
    assert loud["cost"]["micros"] == 2 * silent["cost"]["micros"]
    assert Task.find_one({}) is None


def test_video_is_gone_on_with_until_its_links_are_there(agent):
    made = agent.done("generate_video", **LANTERN)
    assert "get_task" in made["next"]
    assert agent.done("generate_video", **LANTERN)["task_id"] == made["task_id"]
    running = agent.done("get_task", task_id=made["task_id"])
    assert (running["progress"], running["phase"]) == (0, "queued")
    finish_video(made["task_id"])

    result = agent.call("get_task", task_id=made["task_id"])

    said = conforms(result, "get_task")
    (video,) = said["videos"]
    assert video["url"].endswith(".mp4") and video["poster_url"]
    _, poster, link = result["content"]
    assert (poster["type"], poster["mimeType"]) == ("image", "image/jpeg")
    assert (link["uri"], link["mimeType"]) == (video["url"], "video/mp4")
