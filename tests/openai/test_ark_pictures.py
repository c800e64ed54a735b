"""``/api/v3/images/generations``: Ark's own SDK, unchanged, and OpenAI's there."""

import base64
from datetime import timedelta

import openai
import pytest
from volcenginesdkarkruntime._exceptions import ArkAPIError

from jimeng.documents import Task, utcnow
from jimeng.errors import ProviderError
from jimeng.providers import Progress, Registry
from tests.conftest import png
from tests.each import for_each

URL = "/api/v3/images/generations"
MODEL = "doubao-seedream-4-0-250828"
VIDEO_MODEL = "doubao-seedance-1-5-pro-251215"
FOX = {"model": MODEL, "prompt": "雪地里的红狐狸"}
SOURCE = "data:image/png;base64," + base64.b64encode(png(640, 640)).decode()


@pytest.fixture
def registry(provider) -> Registry:
    return Registry({"volcengine_ark": provider}, {"volcengine_ark": 100})


@pytest.fixture
def ark(ark_sdk):
    return ark_sdk.images


def post(client, **fields: object):
    return client.post(URL, json={**FOX, **fields})


def refused() -> ProviderError:
    return ProviderError("no", code="content_refused_image", charged="no")


def test_sdk_gets_a_link(ark, draws, provider, client):
    usual = {"watermark": False, "sequential_image_generation": "disabled"}
    found = ark.generate(**FOX, size="2K", response_format="url", **usual)

    (picture,) = found.data
    assert (found.model, picture.size) == (MODEL, "64x64")
    assert found.usage.generated_images == 1
    assert found.usage.output_tokens == found.usage.total_tokens == 16
    link = client.get(picture.url)
    assert link.status_code == 200
    link.close()
    (sent,) = provider.requests
    assert (sent.width, sent.height, sent.prompt) == (2048, 2048, FOX["prompt"])


def test_sdk_gets_bytes_of_an_edit(ark, draws, provider):
    """JPEG, as at Ark; the pictures that go in are in their order."""
    found = ark.generate(
        **FOX, image=[SOURCE, SOURCE], size="1024x1024", response_format="b64_json"
    )

    content = base64.b64decode(found.data[0].b64_json)
    assert content.startswith(b"\xff\xd8")
    (sent,) = provider.requests
    assert (sent.width, len(sent.inputs)) == (1024, 2)


def test_sdk_reads_the_stream(ark, draws):
    first, last = ark.generate(**FOX, stream=True)

    assert first.type == "image_generation.partial_succeeded"
    assert (first.image_index, first.size, first.model) == (0, "64x64", MODEL)
    assert first.url.endswith(".png")
    assert last.type == "image_generation.completed"
    assert last.usage["generated_images"] == 1


def test_openai_sdk_works_at_this_path(way, draws, provider):
    """Gateways use it for Ark."""
    client = openai.OpenAI(
        base_url="http://localhost/api/v3", api_key="key", http_client=way
    )
    found = client.images.generate(**FOX, size="1024x1024", n=2)

    assert len(found.data) == len(provider.requests) == 2
    assert all(each.url for each in found.data)


def test_picture_that_failed_is_named_beside_the_others(client, draws, provider):
    done = Progress("remote", done=True, images=(png(),))
    provider.polls = [refused(), done]
    answer = post(client, n=2)

    assert answer.status_code == 200, answer.text
    (failed,) = (each["error"] for each in answer.json["data"] if "error" in each)
    assert failed["code"] == "content_refused_image"
    assert answer.json["usage"]["generated_images"] == 1


def test_failed_stream_is_the_sdks_error(ark, draws, provider):
    provider.polls = [refused()]
    with (
        ark.generate(**FOX, stream=True) as stream,
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
        *[({"model": value}, "model") for value in (None, "no-such", VIDEO_MODEL)],
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


def test_repeated_post_is_one_task(hurried, client, work_off):
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
        client.post(URL, json=FOX, headers={"x-stainless-retry-count": times}).json
        for times in ("0", "0", "1")
    )

    assert other["error"]["task_id"] != made["error"]["task_id"]
    assert joined["error"]["task_id"] == made["error"]["task_id"]
