"""``/v1/videos``, as OpenAI's SDKs speak."""

import io

import openai
import pytest

from jimeng.documents import Task
from jimeng.providers import Progress, Registry
from tests.conftest import png, run_queue
from tests.each import for_each
from tests.hung_videos import SMALL, finish_video
from tests.openai.conftest import SDK, error_of

VIDEOS = "/v1/videos"
LANTERN = {"prompt": "灯笼随风轻摆"}
MODEL = "doubao-seedance-1.0-pro"


@pytest.fixture
def registry(provider) -> Registry:
    return Registry({"volcengine_ark": provider}, {"volcengine_ark": 3})


def create(client, **fields: object) -> dict:
    answer = client.post(VIDEOS, json={**LANTERN, **fields})
    assert answer.status_code == 200, answer.text
    return answer.json


def test_video_is_created_and_polled(client, provider):
    provider.polls = [Progress("remote-1")]
    made = create(client, model="sora-2", seconds="5", size="1280x720")

    assert (made["object"], made["status"], made["progress"]) == ("video", "queued", 0)
    assert (made["model"], made["seconds"], made["size"]) == (MODEL, "5", "1248x704")
    assert made["prompt"] == LANTERN["prompt"]
    names = ("error", "completed_at", "expires_at", "remixed_from_video_id")
    assert [made[name] for name in names] == [None] * 4
    run_queue()
    answer = client.get(f"{VIDEOS}/{made['id']}")
    assert answer.json["status"] == "in_progress"
    assert int(answer.headers["openai-poll-after-ms"]) >= 1000
    assert set(openai.types.Video.model_fields) <= set(answer.json)


@for_each(
    "size, resolution, ratio",
    [
        ("1280x720", "720p", "16:9"),
        ("720x1280", "720p", "9:16"),
        ("1792x1024", "1080p", "16:9"),
        ("480p", "480p", "16:9"),
        ("9:16", "720p", "9:16"),
        (None, "720p", "16:9"),
    ],
)
def test_size_is_the_nearest_of_the_model(client, size, resolution, ratio):
    task = Task.find_one({"_id": create(client, size=size)["id"]})

    assert (task.video["resolution"], task.video["ratio"]) == (resolution, ratio)


@for_each(
    "model, seconds, made",
    [
        ("sora-2", "4", 5),
        ("sora-2", "8", 10),
        (None, "12", 10),
        ("jimeng-video-3.0", "10", 10),
    ],
)
def test_length_is_the_nearest_for_names_of_other_services(
    client, provider, config, configure, model, seconds, made
):
    """Their clients offer 4, 8 and 12 seconds only; this model takes 5 and 10."""
    registry = Registry({"volcengine_jimeng": provider}, {"volcengine_jimeng": 3})
    configure(config, registry)

    assert create(client, model=model, seconds=seconds)["seconds"] == str(made)


def test_form_with_a_first_frame(client, provider):
    """As the SDKs send it: a form, whose numbers are text."""
    form = {**LANTERN, "model": MODEL, "seconds": "4", "size": "720x1280"}
    frame = (io.BytesIO(png(400, 640)), "frame.png")
    made = client.post(VIDEOS, data={**form, "input_reference": frame})

    assert made.status_code == 200, made.text
    task = Task.find_one({"_id": made.json["id"]})
    assert (task.video["roles"], task.video["ratio"]) == (["first_frame"], "adaptive")
    assert (task.width, task.height) == (704, 1248)
    assert len(task.inputs) == 1


@for_each(
    "fields, param",
    [
        ({"model": "no-such"}, "model"),
        ({"model": "doubao-seedream-3.0-t2i"}, "model"),
        *[({"seconds": value}, "seconds") for value in ("99", "13", "soon")],
        ({"size": "huge"}, "resolution"),
        *[({"prompt": value}, "prompt") for value in ("", "x --rs 1080p")],
        ({"audio": True}, "audio"),
    ],
)
def test_wrong_fields_are_refused_by_name(client, provider, fields, param):
    answer = client.post(VIDEOS, json={**LANTERN, "model": MODEL, **fields})

    assert answer.status_code in (400, 404), answer.text
    assert answer.json["error"]["param"] == param
    assert Task.find_one({}) is None


def test_repeated_request_joins_its_first(client):
    """The SDKs repeat a POST by themselves, and count."""
    first = client.post(VIDEOS, json=LANTERN, headers=SDK).json
    again = {"x-stainless-retry-count": "1"}
    second = client.post(VIDEOS, json=LANTERN, headers=again)

    assert second.json["id"] == first["id"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert client.post(VIDEOS, json=LANTERN, headers=SDK).json["id"] != first["id"]


@for_each("order", ["desc", "asc"])
def test_list_is_read_page_by_page(client, order):
    """As theirs: `after` is the last one of the page before, in either order."""
    Task.collection().delete_many({})
    ids = [create(client, prompt=each)["id"] for each in "abc"]
    if order == "desc":
        ids.reverse()

    first = client.get(f"{VIDEOS}?limit=2&order={order}").json
    rest = client.get(f"{VIDEOS}?limit=2&order={order}&after={first['last_id']}").json
    usual = client.get(f"{VIDEOS}?limit=2").json

    assert [each["id"] for each in first["data"]] == ids[:2]
    assert (first["first_id"], first["has_more"]) == (ids[0], True)
    assert [each["id"] for each in rest["data"]] == ids[2:]
    assert not rest["has_more"]
    assert (usual == first) is (order == "desc")


def test_content_is_the_mp4_or_its_thumbnail(client, provider):
    """Until it is deleted: then the video is in the trash."""
    made = create(client)
    run_queue()
    error_of(client.get(f"{VIDEOS}/{made['id']}/content"), 404, "image_not_found")
    finish_video(made["id"])

    got = client.get(f"{VIDEOS}/{made['id']}").json
    assert (got["status"], got["progress"]) == ("completed", 100)
    assert got["url"].endswith(".mp4")
    content = client.get(f"{VIDEOS}/{made['id']}/content")
    assert (content.data, content.content_type) == (SMALL, "video/mp4")
    part = {"Range": "bytes=0-1"}
    assert client.get(f"{VIDEOS}/{made['id']}/content", headers=part).data == SMALL[:2]
    small = client.get(f"{VIDEOS}/{made['id']}/content?variant=thumbnail")
    assert small.data[8:12] == b"WEBP"
    gone = client.delete(f"{VIDEOS}/{made['id']}").json
    assert gone == {"id": made["id"], "object": "video.deleted", "deleted": True}
    error_of(client.get(f"{VIDEOS}/{made['id']}"), 404, "task_not_found")
    assert Task.collection().find_one({"_id": made["id"]})["purge_at"]
