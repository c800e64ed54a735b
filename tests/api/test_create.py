"""Asking for pictures: what is taken, styles, what becomes of it, what is refused."""

import re

import pytest

from jimeng.documents import Task
from tests.conftest import run_queue
from tests.rest import (
    API,
    CAT,
    CREATE,
    GENERAL,
    client_with,
    create,
    data_of,
    errors_of,
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


def test_answer_describes_the_task_and_leads_on(client):
    """Provider, model, time and place; Location, Retry-After and links."""
    answer = client.post(CREATE, data=SEED_CURL, content_type="application/json")
    other = data_of(client.post(CREATE, json={**CAT, "user_id": "b"}), 202)

    data = data_of(answer, 202)
    assert (data["status"], data["message"]) == ("pending", "任务已创建，正在处理中")
    assert data["task_id"].startswith("volcengine_img_")
    assert data["provider"] == "volcengine_jimeng"
    assert data["model"] == "doubao-seedream-3.0-t2i"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", data["created_at"])
    assert (data["position"], other["eta_seconds"] >= 0) == (0, True)
    assert data["task_id"] < other["task_id"]
    path = f"{API}/ai/image/result/{data['task_id']}"
    assert answer.headers["Location"] == path
    assert answer.headers["Retry-After"] == "3"
    assert data["links"]["result"] == f"http://localhost{path}"
    assert client.get(data["links"]["self"]).status_code == 200
    assert client.post(data["links"]["cancel"]).status_code == 200
    assert data["links"]["html"].endswith(f"/tasks/{data['task_id']}")


@pytest.mark.parametrize(
    "fields, size",
    [
        ({}, (1328, 1328)),
        ({"size": "1024X768"}, (1024, 768)),
        ({"size": " 512x2048 "}, (512, 2048)),
        ({"size": "16:9"}, (1664, 936)),
        ({"size": "1K"}, (1328, 1328)),
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


def test_delayed_task_waits(client, provider):
    body = {"type": "image", **CAT, "delay": 86_400}

    data = data_of(client.post(GENERAL, json=body), 202)
    run_queue()

    assert data["eta_seconds"] == 86_400
    assert task(client, data["task_id"])["not_before"].endswith("Z")
    assert result(client, data["task_id"])["phase"] == "queued"
    assert provider.requests == []


def test_user_with_too_many_waiting_is_told_when_to_come_back(client, config, registry):
    """
    Beyond the limit of one user: 429, words with the limit, nothing written. Where
    waiting would not help it is a 422, which names the field.
    """
    with client_with(config, registry, USER_MAX_PENDING=3) as other:
        never = other.post(CREATE, json={**CAT, "n": 4}, headers=ENGLISH)
        said = "At most 3: no user may have more pictures waiting"
        assert errors_of(never) == {"n": [said]}
        assert "Retry-After" not in never.headers
        create(other, n=2)

        answer = other.post(CREATE, json={**CAT, "n": 2})

        assert "3" in refused(answer, 429, "too_many_pending")["message"]
        assert int(answer.headers["Retry-After"]) > 0
        assert Task.collection().count_documents({}) == 1
        create(other, user_id="somebody.else", n=2)
        create(other, n=1)


def test_styles_are_listed_with_their_words(client):
    """About a dozen, each with an id, two names and a phrase of its own."""
    styles = data_of(client.get(f"{API}/styles"))

    assert len(styles) >= 12
    for name in ("id", "name_zh", "name_en", "phrase"):
        assert len({style[name] for style in styles}) == len(styles)
    assert all(style["name"] == style["name_zh"] for style in styles)
    assert all(style["name_zh"] in style["phrase"] for style in styles)
    english = data_of(client.get(f"{API}/styles", headers=ENGLISH))
    assert all(style["name"] == style["name_en"] for style in english)


def test_named_style_is_expanded(client, provider, work_off):
    """
    Whichever of its names is used; the input stays as it was given. Words of one's own
    follow the prompt unchanged.
    """
    style = data_of(client.get(f"{API}/styles"))[4]
    names = [style[name].upper() for name in ("id", "name_zh", "name_en")]

    for given, words in [
        *[(name, style["phrase"]) for name in names],
        ("  像孩子画的  ", "像孩子画的"),
    ]:
        task_id = create(client, prompt="  一只猫  ", style=given)
        work_off()
        assert provider.requests[-1].prompt == f"一只猫，{words}"
        assert task(client, task_id)["input"]["style"] == given.strip()
