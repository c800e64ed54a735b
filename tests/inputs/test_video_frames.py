"""Frames of elsewhere: what they are is known when they have come, and checked then."""

import pytest

from jimeng.documents import Generation, Task
from jimeng.providers import Registry
from tests.conftest import come_due, png
from tests.inputs.host import gives
from tests.rest import API, data_of

ARK, VISUAL = "doubao-seedance-1.0-pro", "jimeng-video-3.0"


@pytest.fixture
def registry(provider) -> Registry:
    names = ("volcengine_ark", "volcengine_jimeng")
    return Registry(dict.fromkeys(names, provider), dict.fromkeys(names, 3))


def create(client, **fields: object) -> Task:
    body = {"prompt": "灯笼", "user_id": "ada", **fields}
    answer = client.post(f"{API}/ai/video/task", json=body)
    found = Task.find_one({"_id": data_of(answer, 202)["task_id"]})
    assert found is not None
    return found


def prepared(work_off, task: Task) -> Task:
    for _ in range(4):
        come_due(state="preparing")
        work_off()
    found = Task.find_one({"_id": task.id})
    assert found is not None
    return found


def test_adaptive_video_has_the_ratio_of_its_frame(client, host, provider, work_off):
    """And is estimated and priced for that."""
    url = host.url("/tall.png", gives(png(600, 900)))
    task = create(client, model=ARK, first_frame=url, resolution="480p")
    assert (task.width, task.height) == (864, 480)

    found = prepared(work_off, task)

    (request,) = provider.requests
    assert (request.width, request.height) == (544, 736)
    assert (found.width, found.height) == (544, 736)
    (generation,) = Generation.find_all({"task_id": task.id})
    assert (generation.width, generation.height) == (544, 736)


@pytest.mark.parametrize("size", [(900, 600), (600, 900)])
def test_frames_that_must_be_alike_are_checked_before_they_are_paid_for(
    client, host, provider, work_off, size
):
    first = host.url("/first.png", gives(png(480, 320, "teal")))
    last = host.url("/last.png", gives(png(*size, "red")))
    task = create(client, model=VISUAL, first_frame=first, last_frame=last)

    found = prepared(work_off, task)

    is_alike = size == (900, 600)
    assert len(provider.requests) == is_alike
    failed = {0: {"code": "input_invalid", "charged": "no"}}
    assert found.failures == ({} if is_alike else failed)
