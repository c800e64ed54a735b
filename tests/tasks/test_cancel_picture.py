"""Each picture by itself: one that waits is cancelled, what lacks is drawn."""

import pytest

from jimeng import lanes, tasks
from jimeng.documents import Generation
from jimeng.documents.principal import Principal
from jimeng.errors import PictureUnderWay
from jimeng.jobs import endings, pump
from tests.conftest import run_queue
from tests.given_pictures import photo
from tests.inputs.test_going_in import I2I, data_url, prepared
from tests.rest import API, create, refused, task

ME = Principal("operator", is_operator=True)


def cancel(client, task_id: str, index: int):
    return client.post(f"{API}/tasks/{task_id}/pictures/{index}/cancel", json={})


def view(task_id: str) -> tasks.TaskView:
    return tasks.view(ME, tasks.find(ME, task_id))


@pytest.mark.parametrize("more", [{}, {"model": I2I, "images": [data_url(photo())]}])
def test_whoever_dies_has_cancelled_it(client, provider, work_off, monkeypatch, more):
    """What is marked ends once its turn comes, prepared or not, and is not sent."""

    def die(*args):
        raise KeyboardInterrupt

    task_id = create(client, n=2, **more)
    monkeypatch.setattr(endings, "record_failure", die)
    with pytest.raises(KeyboardInterrupt):
        tasks.cancel_picture(ME, task_id, 1)
    monkeypatch.undo()

    prepared(work_off)

    assert len(provider.requests) == 1
    found = view(task_id)
    assert [each.state for each in found.pictures] == ["done", "cancelled"]
    error = found.pictures[1].error
    assert (error["code"], error["charged"]) == ("picture_cancelled", "no")
    assert found.task.status == "completed"
    assert lanes.waiting_by_user().total() == 0


def test_one_that_was_sent_is_not_cancelled(client, provider, work_off):
    """It is charged, so it is shown."""
    task_id = create(client, n=3)
    pump.tick()
    run_queue()  # two slots
    sent = Generation.collection().find_one({"state": "generating"})["index"]

    refused(cancel(client, task_id, sent), 409, "picture_under_way")
    refused(cancel(client, task_id, 3), 404, "image_not_found")
    work_off()

    assert len(view(task_id).images) == 3
    with pytest.raises(PictureUnderWay):
        tasks.cancel_picture(ME, task_id, 0)


def test_all_of_them_one_by_one(client, provider, work_off):
    """The task has failed without having cost anything, and its place is free."""
    task_id = create(client, n=2)
    for index in (0, 1, 1):
        cancel(client, task_id, index)
    work_off()

    assert not provider.requests
    record = task(client, task_id)
    error = record["error"]
    assert (record["status"], error["code"]) == ("failed", "picture_cancelled")
    assert error["charged"] == "no"
    assert lanes.waiting_by_user().total() == 0
