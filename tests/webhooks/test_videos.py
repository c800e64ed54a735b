"""Events of videos: what kind they are of, their length, their links and their cost."""

import pytest

from jimeng import batches
from jimeng.providers import Registry
from tests.batches.conftest import fill
from tests.hung_videos import finish_video
from tests.rest import API, data_of
from tests.webhooks.conftest import USER, WEBHOOKS

LANTERN = {"prompt": "灯笼随风轻摆", "user_id": USER, "metadata": {"order": "7"}}
HOST = "https://pictures.example.com"


@pytest.fixture
def registry(provider) -> Registry:
    return Registry({"volcengine_ark": provider}, {"volcengine_ark": 3})


def order(client, **fields: object) -> str:
    answer = client.post(f"{API}/ai/video/task", json={**LANTERN, **fields})
    return data_of(answer, 202)["task_id"]


def test_completed_video_has_its_links_and_its_cost(client, receiver, deliver):
    query = {"user_id": USER}
    secret = data_of(client.get(f"{WEBHOOKS}/secret", query_string=query))["secret"]
    task_id = order(client, resolution="480p", webhook_url=receiver.url)
    finish_video(task_id)
    deliver()

    (got,) = receiver.received
    body = got.verified(secret)
    data = body["data"]
    result = data_of(client.get(f"{API}/ai/video/result/{task_id}"))
    assert (body["type"], data["type"]) == ("task.completed", "video")
    assert (data["task_id"], data["metadata"]) == (task_id, {"order": "7"})
    (output,), (video,) = data["outputs"], result["result"]["videos"]
    assert (output["kind"], output["content_type"]) == ("video", "video/mp4")
    for name in ("width", "height", "duration", "fps", "has_audio", "bytes"):
        assert output[name] == video[name]
    for name in ("url", "poster_url"):
        assert output[name].removeprefix(HOST) == video[name].removeprefix(HOST)
    assert output["url"].startswith(f"{HOST}/v/")
    assert output["last_frame_url"] is None
    assert data["cost_micros"] == output["cost_micros"] == result["cost_micros"] > 0
    assert data["links"]["result"] == f"{HOST}{API}/ai/video/result/{task_id}"


def test_batch_of_videos_tells_of_each_and_of_its_end(
    client, endpoint, receiver, deliver
):
    endpoint(receiver.url)
    body = {"prompts": ["灯笼", "风筝"], "user_id": USER, "video": {"duration": 5}}
    batch = data_of(client.post(f"{API}/batches", json=body), 202)
    fill()
    page = client.get(f"{API}/tasks/user/{USER}?type=video")
    for each in data_of(page):
        client.post(f"{API}/tasks/{each['task_id']}/cancel")
    fill()
    batches.announce_ended()
    deliver()

    told = [each.json for each in receiver.received]
    of_tasks = [each["data"] for each in told if each["type"] == "task.cancelled"]
    assert [each["type"] for each in of_tasks] == ["video", "video"]
    assert {each["batch_id"] for each in of_tasks} == {batch["batch_id"]}
    (end,) = (each["data"] for each in told if each["type"] == "batch.completed")
    assert end["batch_id"] == batch["batch_id"]
    assert end["pictures"]["total"] == 2
