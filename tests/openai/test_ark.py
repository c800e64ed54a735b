"""Ark's own SDK, unchanged, against this server; and what is refused."""

import base64
from datetime import timedelta

import pytest
from volcenginesdkarkruntime._exceptions import (
    ArkAPIError,
    ArkConflictError,
    ArkNotFoundError,
)

from jimeng.documents import Generation, Task, utcnow
from jimeng.errors import ProviderError
from jimeng.http.auth.authentication import GUEST
from jimeng.providers import Progress, Registry
from tests.conftest import png, run_queue
from tests.each import for_each
from tests.hung_videos import hang_video

TASKS = "/api/v3/contents/generations/tasks"
MODEL = "doubao-seedance-1-5-pro-251215"
TEXT = {"type": "text", "text": "灯笼随风轻摆"}
FRAME = "data:image/png;base64," + base64.b64encode(png(400, 640)).decode()


@pytest.fixture
def registry(provider) -> Registry:
    return Registry({"volcengine_ark": provider}, {"volcengine_ark": 100})


@pytest.fixture
def ark(ark_sdk):
    return ark_sdk.content_generation.tasks


def create(client, **fields: object):
    return client.post(TASKS, json={"model": MODEL, "content": [TEXT], **fields})


def test_sdk_creates_reads_and_deletes(ark, provider):
    made = ark.create(model=MODEL, content=[TEXT], duration=5, resolution="480p")
    assert ark.get(task_id=made.id).status == "queued"
    assert Task.find_one({"_id": made.id}).video["audio"]  # as at Ark

    provider.polls = [Progress("cgt-1")]
    run_queue()
    running = ark.get(task_id=made.id)
    assert (running.status, running.resolution) == ("running", "480p")
    with pytest.raises(ArkConflictError):
        ark.delete(task_id=made.id)
    with pytest.raises(ArkNotFoundError):
        ark.get(task_id="cgt-no")
    waits = ark.create(model=MODEL, content=[TEXT])
    ark.delete(task_id=waits.id)
    assert ark.get(task_id=waits.id).status == "cancelled"
    run_queue()
    assert len(provider.requests) == 1


def test_finished_video_has_links_and_usage(ark):
    made = hang_video()
    tokens = {"task_id": made.task_id, "usage_tokens": 108_900}
    Generation.collection().update_one({"_id": made.id}, {"$set": tokens}, upsert=True)
    Task.collection().update_one({"_id": made.task_id}, {"$set": {"user_id": GUEST}})

    found = ark.get(task_id=made.task_id)
    (listed,) = ark.list(status="succeeded").items
    assert found == listed
    assert found.status == "succeeded"
    assert found.usage.completion_tokens == 108_900
    assert found.content.video_url.endswith(f"{made.key}.mp4")
    assert found.content.last_frame_url.endswith("last_frame.png")
    ark.delete(task_id=made.task_id)
    with pytest.raises(ArkNotFoundError):
        ark.get(task_id=made.task_id)


def test_sdk_lists_videos(ark, client):
    """By page, state, model and id; nobody else's, and no pictures."""
    ids = [ark.create(model=MODEL, content=[TEXT], seed=n).id for n in range(3)]
    other = "doubao-seedance-1-0-pro-250528"
    ids.append(ark.create(model=other, content=[TEXT]).id)
    ark.delete(task_id=ids[0])

    found = ark.list(page_num=1, page_size=3)
    assert (found.total, [each.id for each in found.items]) == (4, ids[:0:-1])
    assert [each.id for each in ark.list(page_num=2, page_size=3).items] == ids[:1]

    def names(**wanted: object) -> list[str]:
        return [each.id for each in ark.list(**wanted).items]

    assert names(status="queued") == ids[:0:-1]
    assert names(status="cancelled") == ids[:1]
    assert names(status="expired") == []
    assert names(model=other) == ids[3:]
    assert names(task_ids=[ids[1], ids[3], "cgt-no"]) == [ids[3], ids[1]]
    assert names(service_tier="flex") == []
    assert len(names(service_tier="default")) == 4


@for_each(
    "query", ["page_num=0", "page_size=501", "page_num=x", "page_num=500&page_size=500"]
)
def test_wrong_page_is_refused(client, query):
    answer = client.get(f"{TASKS}?{query}")

    assert answer.status_code == 400
    assert answer.json["error"]["code"] == "InvalidParameter"


def test_frames_have_their_roles(client):
    frame = {"type": "image_url", "image_url": {"url": FRAME}}
    last = {**frame, "role": "last_frame"}
    first = {**frame, "role": "first_frame"}
    nothing = {"draft": None, "frames": None, "priority": 3, "watermark": False}
    content = [TEXT, first, last]
    made = create(client, content=content, generate_audio=False, **nothing)

    assert made.status_code == 200, made.text
    video = Task.find_one({"_id": made.json["id"]}).video
    assert video["roles"] == ["first_frame", "last_frame"]
    assert not video["audio"]


@for_each(
    "fields",
    [
        *({"draft": True}, {"service_tier": "flex"}, {"frames": 57}),
        {"callback_url": "https://example.com/hook"},
        *({"tools": [{"type": "web_search"}]}, {"output_format": "mov"}),
        *({"duration": "long"}, {"duration": 99}, {"resolution": ["720p"]}),
        *({"resolution": "8k"}, {"generate_audio": "yes"}, {"model": 5}),
        {"model": "doubao-seedream-4-0-250828"},
        {"content": [{"type": "video_url", "video_url": {"url": "https://x/y"}}]},
        {"content": [{"type": "image_url", "image_url": {"url": FRAME}, "role": 5}]},
        {"content": "words"},
        {"content": [{"type": "text", "text": "x --rs 1080p"}]},
    ],
)
def test_what_costs_and_is_not_offered_is_refused(client, fields):
    """With Ark's error; null is as good as nothing, and other fields are ignored."""
    answer = create(client, **fields)

    assert answer.status_code == 400, answer.text
    error = answer.json["error"]
    assert (error["code"], error["type"]) == ("InvalidParameter", "BadRequest")
    assert error["message"]
    assert Task.find_one({}) is None


def test_repeated_post_is_one_task(client):
    """The SDK repeats it by itself; a seed or a key makes another."""
    first = create(client).json["id"]
    assert create(client).json["id"] == first
    assert create(client).json["id"] != first  # once for each task
    assert create(client, seed=7).json["id"] != first
    body, key = {"model": MODEL, "content": [TEXT]}, {"Idempotency-Key": "another"}
    keyed = client.post(TASKS, json=body, headers=key)
    assert keyed.json["id"] != first


IMAGES = "/api/v3/images/generations"
PICTURES = "doubao-seedream-4-0-250828"
FOX = {"model": PICTURES, "prompt": "雪地里的红狐狸"}
SOURCE = "data:image/png;base64," + base64.b64encode(png(640, 640)).decode()


@pytest.fixture
def images(ark_sdk):
    return ark_sdk.images


def post(client, **fields: object):
    return client.post(IMAGES, json={**FOX, **fields})


def refused() -> ProviderError:
    return ProviderError("no", code="content_refused_image", charged="no")


def test_sdk_gets_a_link(images, draws, provider, client):
    usual = {"watermark": False, "sequential_image_generation": "disabled"}
    found = images.generate(**FOX, size="2K", response_format="url", **usual)

    (picture,) = found.data
    assert (found.model, picture.size) == (PICTURES, "64x64")
    assert found.usage.generated_images == 1
    assert found.usage.output_tokens == found.usage.total_tokens == 16
    link = client.get(picture.url)
    assert link.status_code == 200
    link.close()
    (sent,) = provider.requests
    assert (sent.width, sent.height, sent.prompt) == (2048, 2048, FOX["prompt"])


def test_sdk_gets_bytes_of_an_edit(images, draws, provider):
    """JPEG, as at Ark; the pictures that go in are in their order."""
    found = images.generate(
        **FOX, image=[SOURCE, SOURCE], size="1024x1024", response_format="b64_json"
    )

    content = base64.b64decode(found.data[0].b64_json)
    assert content.startswith(b"\xff\xd8")
    (sent,) = provider.requests
    assert (sent.width, len(sent.inputs)) == (1024, 2)


def test_sdk_reads_the_stream(images, draws):
    first, last = images.generate(**FOX, stream=True)

    assert first.type == "image_generation.partial_succeeded"
    assert (first.image_index, first.size, first.model) == (0, "64x64", PICTURES)
    assert first.url.endswith(".png")
    assert last.type == "image_generation.completed"
    assert last.usage["generated_images"] == 1


def test_picture_that_failed_is_named_beside_the_others(client, draws, provider):
    done = Progress("remote", done=True, images=(png(),))
    provider.polls = [refused(), done]
    answer = post(client, n=2)

    assert answer.status_code == 200, answer.text
    (failed,) = (each["error"] for each in answer.json["data"] if "error" in each)
    assert failed["code"] == "content_refused_image"
    assert answer.json["usage"]["generated_images"] == 1


def test_failed_stream_is_the_sdks_error(images, draws, provider):
    provider.polls = [refused()]
    with (
        images.generate(**FOX, stream=True) as stream,
        pytest.raises(ArkAPIError) as failed,
    ):
        list(stream)

    assert failed.value.body["task_id"]


def test_failed_pictures_are_not_asked_for_again(client, draws, provider):
    provider.polls = [refused()]
    answer = post(client)

    assert answer.status_code == 400
    assert answer.headers["x-should-retry"] == "false"
    assert answer.json["error"]["code"] == "InvalidParameter"
    assert answer.json["error"]["task_id"] in answer.json["error"]["message"]


@for_each(
    "fields, param",
    [
        *[({"model": value}, "model") for value in (None, "no-such", MODEL)],
        *[({"prompt": ""}, "prompt"), ({"size": "9000x9000"}, "size")],
        *[({"seed": "x"}, "seed"), ({"response_format": "png"}, "response_format")],
        ({"sequential_image_generation": "auto"}, "sequential_image_generation"),
        ({"tools": [{"type": "web_search"}]}, "tools"),
        ({"layer_decomposition": True}, "layer_decomposition"),
    ],
)
def test_what_is_not_offered_is_refused(client, fields, param):
    """Also what would cost more than is known here; in Ark's words."""
    answer = post(client, **fields)

    assert answer.status_code == 400, answer.text
    error = answer.json["error"]
    assert (error["code"], error["param"]) == ("InvalidParameter", param)
    assert Task.find_one({}) is None
    missing = client.post("/api/v3/images/edits", json=FOX)
    assert (missing.status_code, missing.json["error"]["code"]) == (404, "NotFound")


def test_null_is_absent_and_other_fields_are_ignored(client, draws):
    given = {"seed": 5, "guidance_scale": 2.5, "watermark": True, "image": None}
    answer = post(client, **given, tools=[], optimize_prompt_options={"mode": "fast"})

    assert answer.status_code == 200, answer.text


def test_repeated_post_of_pictures_is_one_task(hurried, client, work_off):
    """Its SDK repeats it by itself, without saying so; a seed makes another."""
    lost = post(client)
    assert (lost.status_code, lost.headers["x-should-retry"]) == (504, "false")
    made = lost.json["error"]["task_id"]
    work_off()

    assert post(client).json["task_id"] == made
    another = post(client).json["error"]["task_id"]
    assert another != made  # once for each task
    assert post(client, n=2).json["error"]["task_id"] not in {made, another}
    work_off()
    before = utcnow() - timedelta(seconds=11)
    Task.collection().update_many({}, {"$set": {"answered_at": before}})
    assert post(client).json["error"]["task_id"] not in {made, another}


def test_client_that_counts_gets_its_own(hurried, client):
    """OpenAI's SDK says whether it repeats a request."""
    made, other, joined = (
        client.post(IMAGES, json=FOX, headers={"x-stainless-retry-count": times}).json
        for times in ("0", "0", "1")
    )

    assert other["error"]["task_id"] != made["error"]["task_id"]
    assert joined["error"]["task_id"] == made["error"]["task_id"]
