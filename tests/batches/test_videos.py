"""Batches of videos: one settings object makes the difference."""

import base64

import pytest

from jimeng import jobs
from jimeng.batches import filling
from jimeng.documents import Batch, Task
from jimeng.providers import Registry
from tests.conftest import png
from tests.each import for_each
from tests.rest import API, data_of, errors_of

BATCHES = f"{API}/batches"
FRAME = "data:image/png;base64," + base64.b64encode(png(400, 640)).decode()
BODY = {
    "template": "{红|蓝}色的灯笼",
    "user_id": "user_123",
    "model": "doubao-seedance-1.0-pro",
    "video": {"duration": 4, "resolution": "480p"},
}


@pytest.fixture
def registry(provider) -> Registry:
    return Registry({"volcengine_ark": provider}, {"volcengine_ark": 3})


def made(batch: dict) -> list[Task]:
    where = {"batch": batch["batch_id"]}
    return list(Task.find_all(where, sort=[("batch_index", 1)]))


def test_each_prompt_becomes_a_video(client):
    """And its price is told first."""
    told = data_of(client.post(f"{BATCHES}?dry_run=1", json=BODY))
    # 864 × 480 pixels, 97 frames: 39,285 tokens at 15 yuan a million.
    assert told["cost"]["micros"] == 589_275
    assert told["cost"]["micros_of_all"] == 2 * 589_275
    assert Batch.find_one({}) is None

    tasks = made(data_of(client.post(BATCHES, json=BODY), 202))

    assert [task.prompt for task in tasks] == ["红色的灯笼", "蓝色的灯笼"]
    for task in tasks:
        assert (task.type, task.width, task.height) == ("video", 864, 480)
        assert (task.video["duration"], task.video["resolution"]) == (4, "480p")


def test_picture_is_the_first_frame_of_all(client):
    body = {**BODY, "images": [FRAME]}
    tasks = made(data_of(client.post(BATCHES, json=body), 202))

    assert [task.video["roles"] for task in tasks] == [["first_frame"]] * 2
    assert {(task.width, task.height) for task in tasks} == {(480, 864)}
    assert len({tuple(task.inputs) for task in tasks}) == 1


def test_no_more_videos_wait_than_may(client):
    """Others of the batch are created as those before them are done."""
    most = jobs.runtime().config.USER_MAX_PENDING_VIDEOS
    body = {**BODY, "prompts": [f"灯笼 {n}" for n in range(most + 4)]}
    batch = data_of(client.post(BATCHES, json=body), 202)
    while filling.fill_due():
        pass

    assert 0 < len(made(batch)) <= most


@for_each(
    "fields, wrong",
    [
        ({"video": {"duration": 30}}, "duration"),
        ({"video": {"frames": 9}}, "video.frames"),
        ({"video": None}, "video"),
        ({"model": "doubao-seedream-3.0-t2i"}, "model"),
        ({"images": [FRAME, FRAME]}, "images"),
    ],
)
def test_wrong_settings_are_refused(client, fields, wrong):
    answer = client.post(BATCHES, json={**BODY, **fields})

    assert answer.status_code == 422, answer.text
    assert list(errors_of(answer)) == [wrong]
    assert Batch.find_one({}) is None
