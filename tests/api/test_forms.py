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
    """Numbers and booleans are text, and metadata is JSON; references are repeated."""
    frames = {"first_frame": file_of(FIRST), "last_frame": file_of(LAST)}
    more = {"audio": "true", "metadata": '{"order": "123"}'}
    task = task_of(post(client, model="doubao-seedance-1.5-pro", **frames, **more))

    assert task.video["roles"] == ["first_frame", "last_frame"]
    assert (task.video["duration"], task.video["audio"]) == (5, True)
    assert (task.metadata, len(task.inputs)) == ({"order": "123"}, 2)
    repeated = [file_of(FIRST), file_of(LAST)]
    task = task_of(post(client, model="doubao-seedance-2.0", references=repeated))
    assert task.video["roles"] == ["reference", "reference"]


def test_answer_leads_to_the_result_of_videos(client):
    answer = post(client)
    task_id = answer.json["data"]["task_id"]
    path = f"/api/v1/ai/video/result/{task_id}"

    record = client.get(f"/api/v1/tasks/{task_id}").json["data"]

    assert answer.headers["Location"] == path
    for data in (answer.json["data"], record):
        assert data["links"]["result"].endswith(path)


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


def test_pictures_and_masks_are_files(client):
    files = {"images": file_of(FIRST), "mask": file_of(clear(640, 360))}
    made = post(client, IMAGE, duration=[], model="jimeng-inpaint", n="1", **files)

    assert len(task_of(made).inputs) == 2


def test_price_of_a_form(client):
    answer = post(client, f"{VIDEO}?dry_run=1", first_frame=file_of(FIRST))

    assert answer.status_code == 200, answer.text
    assert answer.json["data"]["cost"]["micros"] > 0
    assert Task.find_one({}) is None


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


def test_other_operations_take_json_only(client):
    body = {"type": "video", **LANTERN}
    answer = client.post("/api/v1/ai/tasks", data=body, content_type=FORM)

    assert (answer.status_code, answer.json["error"]) == (415, "unsupported_media_type")


def test_form_of_another_site_creates_nothing(client):
    """No key is asked for here, and browsers send forms to any site."""
    answer = post(client, IMAGE, {"Origin": "https://evil.example"})

    assert (answer.status_code, Task.find_one({})) == (403, None)
