"""Tasks created by a form, with their pictures as files."""

import base64
import io

import pytest

from jimeng.documents import Task
from jimeng.providers import Registry
from tests.conftest import png
from tests.each import for_each
from tests.given_pictures import clear

VIDEO, IMAGE = "/api/v1/ai/video/task", "/api/v1/ai/image/task"
LANTERN = {"prompt": "灯笼亮了起来", "user_id": "ada", "duration": "5"}
FORM = "multipart/form-data"
FIRST, LAST = png(640, 360, "red"), png(640, 360, "blue")


@pytest.fixture
def registry(provider) -> Registry:
    offered = {"volcengine_ark": provider, "volcengine_jimeng": provider}
    return Registry(offered, dict.fromkeys(offered, 3))


def file_of(content: bytes) -> tuple[io.BytesIO, str]:
    return io.BytesIO(content), "picture.png"


def post(client, path: str = VIDEO, headers: dict | None = None, **fields: object):
    form = {**LANTERN, **fields}
    return client.post(path, data=form, headers=headers, content_type=FORM)


def task_of(answer) -> Task:
    assert answer.status_code == 202, answer.text
    return Task.find_one({"_id": answer.json["data"]["task_id"]})


def test_frames_are_files(client):
    """Numbers and booleans are text, metadata is JSON; references repeat."""
    frames = {"first_frame": file_of(FIRST), "last_frame": file_of(LAST)}
    more = {"audio": "true", "metadata": '{"order": "123"}'}
    answer = post(client, model="doubao-seedance-1.5-pro", **frames, **more)
    task = task_of(answer)

    assert answer.headers["Location"] == f"/api/v1/ai/video/result/{task.id}"
    record = client.get(f"/api/v1/tasks/{task.id}").json["data"]
    for data in (answer.json["data"], record):
        assert data["links"]["result"].endswith(answer.headers["Location"])
    assert task.video["roles"] == ["first_frame", "last_frame"]
    assert (task.video["duration"], task.video["audio"]) == (5, True)
    assert (task.metadata, len(task.inputs)) == ({"order": "123"}, 2)
    repeated = [file_of(FIRST), file_of(LAST)]
    task = task_of(post(client, model="doubao-seedance-2.0", references=repeated))
    assert task.video["roles"] == ["reference", "reference"]
    files = {"images": file_of(FIRST), "mask": file_of(clear(640, 360))}
    made = post(client, IMAGE, duration=[], model="jimeng-inpaint", n="1", **files)
    assert len(task_of(made).inputs) == 2


def test_form_and_json_are_one_request(client):
    """The same key with the same pictures: it was created already."""
    key = {"Idempotency-Key": "k"}
    made = post(client, headers=key, first_frame=file_of(FIRST))
    frame = "data:image/png;base64," + base64.b64encode(FIRST).decode()
    body = {**LANTERN, "duration": 5, "first_frame": frame}
    again = client.post(VIDEO, json=body, headers=key)
    other = post(client, headers=key, first_frame=file_of(LAST))

    assert task_of(again).id == task_of(made).id
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.json["error"] == "idempotency_key_reused"


@for_each(
    "fields, field",
    [
        *[({"duration": given}, "duration") for given in ("long", "99", ["5", "5"])],
        ({"audio": "yes"}, "audio"),
        ({"metadata": "order"}, "metadata"),
        ({"colour": "red"}, "colour"),
        ({"first_frame": "no-such"}, "images.0"),
        ({"first_frame": file_of(b"no picture")}, "images.0"),
        ({"prompt": file_of(b"words" * 1000)}, "prompt"),
    ],
)
def test_wrong_fields_are_named(client, fields, field):
    answer = post(client, **fields)

    assert answer.status_code == 422, answer.text
    assert list(answer.json["errors"]) == [field]
    assert Task.find_one({}) is None
