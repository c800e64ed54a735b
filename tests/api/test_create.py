"""Asking for pictures: what is taken, styles, what becomes of it, what is refused."""

import re

import pytest

from jimeng.documents import Generation, Task
from tests.conftest import run_queue
from tests.each import for_each
from tests.rest import (
    API,
    CAT,
    CREATE,
    GENERAL,
    client_with,
    create,
    data_of,
    refused,
    result,
    task,
)

ENGLISH = {"Accept-Language": "en"}
SEED_CURL = """{
    "prompt": "一只可爱的小猫咪在花园里玩耍",
    "user_id": "user_123",
    "model": "doubao-seedream-3.0-t2i",
    "size": "1024x1024",
    "quality": "standard"
  }"""
SEED_SHELL = """{
    "prompt": "一只可爱的小猫咪在花园里玩耍",
    "user_id": "user_123",
    "model": "doubao-seedream-3.0-t2i",
    "size": "1024x1024"
  }"""
SEED_SCRIPT = '{"prompt":"一只猫","user_id":"user_123"}'


@for_each("body", [SEED_CURL, SEED_SHELL, SEED_SCRIPT])
def test_documented_requests_work_as_printed(client, body):
    """The bodies of the documentation are taken to the letter."""
    answer = client.post(CREATE, data=body, content_type="application/json")

    data = data_of(answer, 202)
    assert data["status"] == "pending"
    assert data["message"] == "任务已创建，正在处理中"
    assert data["task_id"].startswith("volcengine_img_")


def test_answer_says_where_to_look_and_when(client):
    """Location, Retry-After and the links lead on from the answer."""
    answer = client.post(CREATE, json=CAT)

    data = data_of(answer, 202)
    path = f"{API}/ai/image/result/{data['task_id']}"
    assert answer.headers["Location"] == path
    assert answer.headers["Retry-After"] == "3"
    assert data["links"]["result"] == f"http://localhost{path}"
    assert client.get(data["links"]["self"]).status_code == 200
    assert client.post(data["links"]["cancel"]).status_code == 200
    assert data["links"]["html"].endswith(f"/tasks/{data['task_id']}")


def test_answer_describes_the_task(client):
    """Provider, model, time and place stand in the first answer."""
    first = data_of(client.post(CREATE, json=CAT), 202)
    other = data_of(client.post(CREATE, json={**CAT, "user_id": "b"}), 202)

    assert first["provider"] == "volcengine_jimeng"
    assert first["model"] == "doubao-seedream-3.0-t2i"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first["created_at"])
    assert first["position"] == 0
    assert other["eta_seconds"] >= 0
    assert first["task_id"] < other["task_id"]


def test_links_are_under_the_public_address(client, config, registry):
    """Behind a proxy the links begin with the address that users see."""
    public = "https://pictures.example.com"

    with client_with(config, registry, PUBLIC_URL=public) as other:
        answer = other.post(CREATE, json=CAT, base_url=public)

    links = data_of(answer, 202)["links"].values()
    assert all(link.startswith(f"{public}/") for link in links)


@pytest.mark.parametrize(
    "fields, size",
    [
        ({}, (1328, 1328)),
        ({"size": "1024x1024"}, (1024, 1024)),
        ({"size": "1024X768"}, (1024, 768)),
        ({"size": " 512x2048 "}, (512, 2048)),
        ({"size": "16:9"}, (1664, 936)),
        ({"size": "9:16"}, (936, 1664)),
        ({"size": "21:9"}, (2016, 864)),
        ({"size": "1K"}, (1328, 1328)),
        ({"size": "2k"}, (2048, 2048)),
        ({"quality": "hd"}, (2048, 2048)),
        ({"quality": "hd", "size": "16:9"}, (2048, 1152)),
        ({"quality": "hd", "size": "1024x1024"}, (1024, 1024)),
    ],
)
def test_size_decides_the_pixels(client, provider, fields, size):
    """Pixels, ratios and names are all taken; hd acts where pixels are open."""
    create(client, **fields)

    run_queue()

    assert (provider.requests[0].width, provider.requests[0].height) == size


@pytest.mark.parametrize("seed", [0, 2**31 - 1])
def test_chosen_seed_is_used(client, provider, work_off, seed):
    """The seed reaches the provider and stands in the result."""
    task_id = create(client, seed=seed)

    work_off()

    assert provider.requests[0].seed == seed
    assert result(client, task_id)["result"]["images"][0]["seed"] == seed


@pytest.mark.parametrize(
    "prompt", ["$where", "$$ROOT", "{'$gt': 1}", "a'\"\\;<b>", "🐈" * 800]
)
def test_prompt_is_only_text(client, provider, work_off, prompt):
    """Whatever the words look like, they are drawn and come back unchanged."""
    task_id = create(client, prompt=prompt)

    work_off()

    assert provider.requests[0].prompt == prompt
    assert task(client, task_id)["prompt"] == prompt
    assert task(client, task_id)["status"] == "completed"


@for_each(
    "body",
    [
        {"type": "image", **CAT, "n": 2},
        {"type": "image_generation", **CAT, "n": 2},
        {"type": "image", "user_id": "user_123", "input": {"prompt": "一只猫", "n": 2}},
        {"type": "image", "input": {**CAT, "n": 2}, "delay": 0},
    ],
)
def test_general_form_takes_fields_beside_or_inside(client, provider, body):
    """Both ways of writing a general task ask for the same."""
    answer = client.post(GENERAL, json=body)
    run_queue()

    kept = task(client, data_of(answer, 202)["task_id"])
    assert (kept["prompt"], kept["n"], kept["user_id"]) == ("一只猫", 2, "user_123")
    assert kept["type"] == "image"
    assert len(provider.requests) == 2


def test_delayed_task_waits(client, provider):
    """A delayed task says when it may start, and is not sent before."""
    body = {"type": "image", **CAT, "delay": 86_400}

    data = data_of(client.post(GENERAL, json=body), 202)
    run_queue()

    assert data["eta_seconds"] == 86_400
    assert task(client, data["task_id"])["not_before"].endswith("Z")
    assert result(client, data["task_id"])["phase"] == "queued"
    assert provider.requests == []


def test_refused_request_writes_nothing(client):
    """A task exists only where the answer was a 202."""
    client.post(CREATE, json={**CAT, "size": "4K"})
    client.post(CREATE, json={**CAT, "prompt": " "})
    client.post(CREATE, json={**CAT, "model": "nope"})

    assert Task.collection().count_documents({}) == 0
    assert Generation.collection().count_documents({}) == 0


def test_user_with_too_many_waiting_is_told_when_to_come_back(client, config, registry):
    """Beyond the limit of one user: 429, words with the limit, nothing written."""
    with client_with(config, registry, USER_MAX_PENDING=3) as other:
        create(other, n=2)

        answer = other.post(CREATE, json={**CAT, "n": 2})

        assert "3" in refused(answer, 429, "too_many_pending")["message"]
        assert int(answer.headers["Retry-After"]) > 0
        assert Task.collection().count_documents({}) == 1
        create(other, user_id="somebody.else", n=2)
        create(other, n=1)


def test_more_than_may_ever_wait_is_not_told_to_wait(client, config, registry):
    """Waiting would not help: 422, which names the field and the limit."""
    with client_with(config, registry, USER_MAX_PENDING=2) as other:
        answer = other.post(CREATE, json={**CAT, "n": 3}, headers=ENGLISH)

        body = refused(answer, 422, "validation_failed")
        assert body["errors"] == {
            "n": ["At most 2: no user may have more pictures waiting"]
        }
        assert "Retry-After" not in answer.headers
        create(other, n=2)


@pytest.mark.parametrize("n, seed", [(2.0, 7.0), (2, 7)])
def test_integer_may_be_written_with_a_point(client, n, seed):
    """2.0 is an integer in JSON Schema, and the same request as 2."""
    given = {**CAT, "n": n, "seed": seed}
    first, again = (
        data_of(client.post(CREATE, json=body, headers={"Idempotency-Key": "k"}), 202)
        for body in (given, {**CAT, "n": 2, "seed": 7})
    )

    assert first["task_id"] == again["task_id"]
    record = task(client, first["task_id"])
    assert (record["n"], record["seed"]) == (2, 7)


def test_styles_are_listed_with_their_words(client):
    """About a dozen, each with an id, two names and a phrase of its own."""
    styles = data_of(client.get(f"{API}/styles"))

    assert len(styles) >= 12
    for name in ("id", "name_zh", "name_en", "phrase"):
        assert len({style[name] for style in styles}) == len(styles)
    assert all(style["name"] == style["name_zh"] for style in styles)
    assert all(style["name_zh"] in style["phrase"] for style in styles)


def test_names_follow_the_language(client):
    """Whoever prefers English reads English names."""
    answer = client.get(f"{API}/styles", headers={"Accept-Language": "en"})

    assert all(style["name"] == style["name_en"] for style in data_of(answer))


@for_each("named", ["id", "name_zh", "name_en"])
def test_named_style_is_expanded(client, provider, named):
    """Whichever of its names is used; the input stays as it was given."""
    style = data_of(client.get(f"{API}/styles"))[4]

    task_id = create(client, style=style[named].upper())
    run_queue()

    assert provider.requests[0].prompt == f"一只猫，{style['phrase']}"
    assert task(client, task_id)["input"]["style"] == style[named].upper()


def test_other_style_is_appended(client, provider):
    """Words of one's own follow the prompt unchanged."""
    create(client, prompt="  一只猫  ", style="  像孩子画的  ")

    run_queue()

    assert provider.requests[0].prompt == "一只猫，像孩子画的"
