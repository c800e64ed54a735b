"""Pictures that go in, and videos: named by links, given to a model that takes them."""

import pytest

from jimeng.documents import Task
from jimeng.providers import Registry
from tests.each import for_each
from tests.given_pictures import photo
from tests.hung_videos import finish_video
from tests.inputs.test_going_in import data_url, prepared, sent
from tests.mcp.test_tools import conforms, count
from tests.rest import task


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


def test_record_names_what_went_in(older, client, drawn):
    made = older.done("edit_image", images=[drawn["link"]], prompt="x", wait_seconds=0)

    kept = task(client, made["task_id"])
    assert kept["made_from"][0]["picture"] == drawn["id"]
    assert kept["input"]["prompt"] == "x"
    assert made["phase"] == "preparing"


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


NO_PICTURES = (
    *("no_such_picture", "http://127.0.0.1/a.png", "data:image/png;base64,AAAA"),
)


@for_each(
    ("given", "named"),
    [
        ({"prompt": "x"}, "images"),
        *[({"prompt": "x", "images": value}, "images") for value in ([], "x")],
        *[({"prompt": "x", "images": [value]}, "images.0") for value in NO_PICTURES],
        ({"prompt": "x", "images": ["a"], "strength": 2}, "strength"),
        ({"prompt": "x", "images": ["a"], "expand": {"up": 1}}, "expand"),
        ({"prompt": "x", "images": ["a"], "model": "jimeng-3.0"}, "images"),
        ({"images": ["a"], "expand": {"right": 0.9}}, "0.4"),
        ({"prompt": "x", "images": ["a"] * 14, "mask": "b"}, "jimeng-inpaint"),
    ],
)
def test_wrong_wish_is_told_in_words(older, given, named):
    """Before anything is kept."""
    assert named in older.refused("edit_image", **given)
    assert count() == 0


def test_equal_call_joins(older, drawn):
    """The same pictures in the same order, and nothing is kept or drawn twice."""
    call = {"images": [drawn["id"], data_url(photo())], "prompt": "x"}
    first = older.done("edit_image", **call, wait_seconds=0)
    again = older.done("edit_image", **call, wait_seconds=0)
    turned = {**call, "images": call["images"][::-1]}
    other = older.done("edit_image", **turned, wait_seconds=0)

    assert (again["task_id"], again["joined"]) == (first["task_id"], True)
    assert other["task_id"] != first["task_id"]


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
