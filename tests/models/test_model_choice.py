"""Choosing a model, through the whole product."""

from dataclasses import replace

import pytest

from jimeng import jobs
from jimeng.providers import MODELS, Progress, Registry
from tests.conftest import FakeProvider, png
from tests.each import for_each
from tests.rest import API, CAT, CREATE, create, data_of, errors_of, result, task

VISUAL, ARK = "volcengine_jimeng", "volcengine_ark"
DRAWN = Progress("", done=True, images=(png(),), request_id="R1")


@pytest.fixture
def ark() -> FakeProvider:
    """Answers with the picture, as often as it is asked."""
    made = FakeProvider()
    made.submits = [DRAWN] * 8
    return made


@pytest.fixture
def registry(provider, ark) -> Registry:
    return Registry({VISUAL: provider, ARK: ark}, {VISUAL: 2, ARK: 2})


def test_ark_draws_in_one_call(client, ark, provider, work_off):
    task_id = create(client, model="doubao-seedream-5.0", size="2K", n=2)

    work_off()

    found = result(client, task_id)
    assert found["status"] == "completed"
    assert [each["seed"] for each in found["result"]["images"]] == [None, None]
    record = task(client, task_id)
    assert (record["model"], record["provider"]) == ("doubao-seedream-5.0-lite", ARK)
    assert (record["seed"], record["provider_task_ids"]) == (None, [])
    assert [each.seed for each in ark.requests] == [None, None]
    assert {(each.width, each.height) for each in ark.requests} == {(2048, 2048)}
    assert provider.requests == []


@pytest.mark.parametrize(
    ("fields", "wrong", "words"),
    [
        ({"model": "doubao-seedream-4.0", "seed": 7}, "seed", "种子"),
        ({"model": "doubao-seedream-4.0", "size": "5000x5000"}, "size", "1048576"),
        ({"model": "doubao-seedream-4.0", "size": "4096x1024"}, "size", "3 倍"),
        ({"model": "doubao-seedream-4.5", "size": "9000x9000"}, "size", "3686400"),
        ({"model": "doubao-seedream-4.5", "size": "1K"}, "size", "2K 4K"),
        ({"model": "jimeng-2.1", "size": "1024x1024"}, "size", "256 到 768"),
        ({"model": "jimeng-3.1", "provider": ARK}, "model", "doubao-seedream-4.5"),
        ({"model": "doubao-seedream-9"}, "model", "jimeng-4.6"),
        ({"model": "doubao-seedance-2.0"}, "model", "jimeng-3.1"),
    ],
)
def test_what_a_model_does_not_take_is_refused(
    client, provider, ark, work_off, fields, wrong, words
):
    errors = errors_of(client.post(CREATE, json={**CAT, **fields}))

    assert list(errors) == [wrong]
    assert words in errors[wrong][0]
    work_off()
    assert provider.requests == ark.requests == []


def test_picture_without_a_seed_is_tried_again(client, provider, work_off):
    task_id = create(client, model="jimeng-4.0", size="16:9", quality="hd")
    client.post(f"{API}/tasks/{task_id}/cancel", json={})

    again = data_of(client.post(f"{API}/tasks/{task_id}/retry", json={}), 202)

    record = task(client, again["task_id"])
    assert (record["model"], record["provider"]) == ("doubao-seedream-4.0", VISUAL)
    assert (record["width"], record["height"]) == (5404, 3040)
    assert record["seed"] is None


def test_page_of_a_picture_without_a_seed(client, work_off):
    task_id = create(client, model="doubao-seedream-4.5", user_id="guest")
    work_off()

    page = client.get(f"/tasks/{task_id}").text

    assert "doubao-seedream-4.5" in page
    assert "None" not in page


def test_models_say_what_can_be_asked(client):
    """Names, sizes, limits, pictures and modes; null where a model has none."""
    models = data_of(client.get(f"{API}/models"))

    by_key = {(each["id"], each["provider"]): each for each in models}
    assert len(by_key) == len(models) == len(MODELS)
    assert [each["id"] for each in models if each["default"]] == [
        *("doubao-seedream-3.0-t2i", "jimeng-video-3.0")
    ]
    lite = by_key["doubao-seedream-5.0-lite", ARK]
    assert lite["takes_seed"] is False
    assert "doubao-seedream-5-0-260128" in lite["aliases"]
    assert (lite["max_prompt"], lite["max_images"]) == (800, 4)
    assert lite["sizes"]["keywords"] == {"2K": "2048x2048", "3K": "3072x3072"}
    assert (lite["sizes"]["min_side"], lite["sizes"]["min_area"]) == (None, 3_686_400)
    assert lite["sizes"]["max_ratio"] == 16
    assert lite["sizes"]["hd_ratios"]["16:9"] == "4096x2304"

    by_id = {each["id"]: each for each in models}
    words = by_id["doubao-seedream-3.0-t2i"]
    assert (words["task"], words["takes_images"]) == ("text-to-image", False)
    assert (words["inputs"], words["inputs_unavailable"]) == (None, None)
    repaint = by_id["jimeng-inpaint"]
    assert (repaint["task"], repaint["takes_images"]) == ("inpainting", True)
    assert repaint["inputs"] == {
        **{"min": 1, "max": 1, "min_side": 32, "max_side": 4096, "max_ratio": 3},
        **{"mask": True, "strength": False, "expand": None, "prompt": "optional"},
    }
    assert by_id["jimeng-outpaint"]["inputs"]["expand"] == 0.4
    assert by_id["jimeng-upscale"]["inputs"]["prompt"] == "none"
    assert by_id["doubao-seedream-5.0-pro"]["inputs"]["max"] == 10

    assert by_id["jimeng-3.1"]["video"] is None
    seedance = by_id["doubao-seedance-2.0"]
    assert (seedance["makes"], seedance["task"]) == ("video", "text-to-video")
    video = seedance["video"]
    assert video["modes"] == [
        *("text-to-video", "first-frame", "first-and-last-frame", "references"),
    ]
    assert video["durations"] == list(range(4, 16))
    assert video["resolutions"]["4k"]["16:9"] == "3840x2160"
    assert (video["audio"], video["return_last_frame"]) == (True, True)
    assert (video["max_references"], video["cameras"]) == (9, [])
    assert by_id["jimeng-video-3.0"]["video"]["modes"][-1] == "camera"


@for_each(
    ("settings", "words"),
    [
        ({}, "PUBLIC_URL"),
        ({"PUBLIC_URL": "https://192.168.1.7"}, "PUBLIC_URL"),
        (
            {"PUBLIC_URL": "https://pictures.example.com", "SECRET_KEY": ""},
            "SECRET_KEY",
        ),
        ({"PUBLIC_URL": "https://pictures.example.com"}, None),
    ],
)
def test_models_say_why_pictures_cannot_be_sent_from_here(
    client, config, settings, words
):
    """A provider that fetches them must be able to; the model draws from words."""
    keys = {"VOLCENGINE_ACCESS_KEY": "AK", "VOLCENGINE_SECRET_KEY": "SK"}
    changed = replace(config, **{"SECRET_KEY": "s" * 40, **keys, **settings})
    jobs.configure(changed, Registry.from_config(changed))

    models = data_of(client.get(f"{API}/models", headers={"Accept-Language": "en"}))
    found = next(each for each in models if each["id"] == "jimeng-4.6")

    assert found["takes_images"] is (words is None)
    assert found["inputs"]["max"] == 14
    assert (words is None) == (found["inputs_unavailable"] is None)
    assert words is None or words in found["inputs_unavailable"]


def test_one_default_where_a_service_lacks_the_usual_one(client, config, ark):
    """With Ark alone it is Ark's first, of pictures and of videos."""
    jobs.configure(config, Registry({ARK: ark}, {ARK: 2}))

    models = data_of(client.get(f"{API}/models"))
    record = task(client, create(client))

    usual = {each["makes"]: each["id"] for each in models if each["default"]}
    assert usual["image"] == record["model"] == "doubao-seedream-4.0"
    assert usual["video"] == "doubao-seedance-1.0-pro"


def test_flags_in_a_style_are_refused(client):
    """A style may be any text; it is sent with the prompt, and would be obeyed."""
    body = {**CAT, "model": "doubao-seedance-1.0-pro"}
    path = f"{API}/ai/video/task"

    refused = client.post(path, json={**body, "style": "ink --rs 1080p"})

    assert refused.status_code == 422
    assert "--rs" in str(errors_of(refused)["prompt"])
    assert client.post(path, json={**body, "style": "ink"}).status_code == 202
