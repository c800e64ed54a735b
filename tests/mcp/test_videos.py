"""Videos by agents: which models there are, the price first, then the video."""

import pytest

from jimeng.documents import Task
from jimeng.providers import Registry
from tests.hung_videos import finish_video
from tests.mcp.test_tools import conforms

LANTERN = {"prompt": "灯笼随风轻摆", "duration": 5}


@pytest.fixture
def registry(provider) -> Registry:
    offered = {"volcengine_ark": provider, "volcengine_jimeng": provider}
    return Registry(offered, dict.fromkeys(offered, 3))


def test_models_are_those_of_pictures_or_of_videos(agent):
    pictures = agent.done("list_models")["models"]
    videos = agent.done("list_models", makes="video")["models"]

    assert not {each["id"] for each in pictures} & {each["id"] for each in videos}
    found = next(each for each in videos if each["id"] == "doubao-seedance-1.5-pro")
    assert found["video"]["audio"]
    assert 5 in found["video"]["durations"]
    assert found["price"]["unit"] == "million_tokens"


def test_price_comes_first(agent):
    result = agent.call("generate_video", **LANTERN, dry_run=True)

    said = conforms(result, "generate_video")
    assert said["dry_run"] and said["cost"]["micros"] > 0
    assert Task.find_one({}) is None


def test_dear_choices_are_in_the_price(agent):
    model = {"model": "doubao-seedance-1.5-pro", "dry_run": True}
    silent, loud = (
        agent.done("generate_video", **LANTERN, **model, audio=audio)["cost"]["micros"]
        for audio in (False, True)
    )

    assert loud == 2 * silent


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
