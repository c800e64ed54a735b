"""Asking for pictures: what is taken, refused and estimated; what becomes of it."""

import re

import pytest
from mongoengine import get_db

from jimeng.documents import Generation, Input, Task
from jimeng.errors import ProviderError
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
    errors_of,
    refused,
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


def test_user_with_too_many_waiting_is_told_when_to_come_back(client, config, registry):
    """Nothing counts for the day. Where waiting would not help it is a 422, which names
    the field."""
    changes = {"USER_MAX_PENDING": 3, "USER_DAILY_QUOTA": 10}
    with client_with(config, registry, **changes) as other:
        never = other.post(CREATE, json={**CAT, "n": 4}, headers=ENGLISH)
        said = "At most 3: no user may have more pictures waiting"
        assert errors_of(never) == {"n": [said]}
        assert "Retry-After" not in never.headers
        create(other, n=2)

        answer = other.post(CREATE, json={**CAT, "n": 2})

        assert "3" in refused(answer, 429, "too_many_pending")["message"]
        assert int(answer.headers["Retry-After"]) > 0
        assert '"daily-pictures";r=8' in answer.headers["RateLimit"]
        assert Task.collection().count_documents({}) == 1
        create(other, user_id="somebody.else", n=2)
        create(other, n=1)
        run_queue()
        create(other)  # what is sent waits no longer


def test_named_style_is_expanded(client, provider, work_off):
    """By any of its names; words of one's own follow the prompt unchanged."""
    styles = data_of(client.get(f"{API}/styles"))
    assert len(styles) >= 12
    for name in ("id", "name_zh", "name_en", "phrase"):
        assert len({each[name] for each in styles}) == len(styles)
    assert all(each["name"] == each["name_zh"] in each["phrase"] for each in styles)
    english = data_of(client.get(f"{API}/styles", headers=ENGLISH))
    assert all(each["name"] == each["name_en"] for each in english)
    style = styles[4]
    names = [style[name].upper() for name in ("id", "name_zh", "name_en")]

    for given, words in [
        *[(name, style["phrase"]) for name in names],
        ("  像孩子画的  ", "像孩子画的"),
    ]:
        task_id = create(client, prompt="  一只猫  ", style=given)
        work_off()
        assert provider.requests[-1].prompt == f"一只猫，{words}"
        assert task(client, task_id)["input"]["style"] == given.strip()


def nothing_is_left() -> bool:
    kinds = (Task, Generation, Input)
    audited = get_db()["audit"].count_documents({})
    return not audited and not any(
        kind.collection().count_documents({}) for kind in kinds
    )


@pytest.mark.parametrize("ask", ["1", "true"])
@pytest.mark.parametrize("route", [CREATE, GENERAL])
def test_estimate_creates_nothing(client, provider, work_off, route, ask):
    """Model, count, sides and price; no limit is touched, and nothing is sent."""
    body = {**CAT, "n": 3, "size": "16:9", "metadata": {"order": "1"}}
    body |= {"type": "image"} if route == GENERAL else {}

    answer = client.post(f"{route}?dry_run={ask}", json=body)

    assert data_of(answer) == {
        "dry_run": True,
        "model": "doubao-seedream-3.0-t2i",
        "provider": "volcengine_jimeng",
        "n": 3,
        "width": 1664,
        "height": 936,
        "cost": {
            "currency": "CNY",
            "micros": 200_000,
            "micros_of_all": 600_000,
            "fen": 20,
            "fen_of_all": 60,
            "as_of": "2026-09-30",
        },
        "estimate": {
            "allowed": True,
            "reason": None,
            "message": None,
            "reopens_at": None,
        },
    }
    assert "RateLimit" not in answer.headers
    work_off()
    assert provider.requests == []
    assert nothing_is_left()


@for_each("query", ["dry_run=yes", "dry_run=", "dry_run=1&dry_run=1"])
def test_slip_costs_nothing(client, query):
    """What is wrong is told as without, before it is sent."""
    wrong = errors_of(client.post(f"{CREATE}?dry_run=1", json={**CAT, "n": 9}))
    assert wrong == errors_of(client.post(CREATE, json={**CAT, "n": 9}))
    assert "dry_run" in errors_of(client.post(f"{CREATE}?{query}", json=CAT))
    assert nothing_is_left()
    assert "task_id" in data_of(client.post(f"{CREATE}?dry_run=0", json=CAT), 202)
    Task.collection().delete_many({})
    Generation.collection().delete_many({})


FAILED = ProviderError("no", code="provider_failed")
LOST = ProviderError("?", code="submit_unknown", charged="unknown", maybe_accepted=True)


def estimate(client, task_id: str, **body):
    return client.post(f"{API}/tasks/{task_id}/retry?dry_run=1", json=body)


def test_only_what_is_lacking_is_counted(client, provider, work_off):
    """As the retry would ask for it; nothing is made or sent."""
    provider.submits = [FAILED, FAILED]
    made = create(client, n=3)
    work_off()
    sent = len(provider.requests)

    found = data_of(estimate(client, made))
    work_off()

    assert (found["n"], found["dry_run"], found["width"]) == (2, True, 1328)
    assert found["cost"]["fen_of_all"] == 2 * found["cost"]["fen"] > 0
    assert (Task.objects.count(), len(provider.requests)) == (1, sent)
    again = data_of(client.post(f"{API}/tasks/{made}/retry"), 202)["task_id"]
    assert Task.objects.get(id=again).n == found["n"]


@pytest.mark.parametrize(
    ("failure", "body", "status", "code"),
    [
        (LOST, {}, 409, "may_be_charged_twice"),
        (LOST, {"accept_double_charge": True}, 200, None),
        (None, {}, 409, "task_not_retryable"),
    ],
)
def test_it_is_refused_as_the_retry_would_be(
    client, provider, work_off, failure, body, status, code
):
    """What may have been charged needs consent here, too; what is not there is not."""
    refused(estimate(client, "nope"), 404, "task_not_found")
    provider.submits = [failure] if failure else []
    made = create(client)
    work_off()

    answer = estimate(client, made, **body)

    if code is None:
        assert data_of(answer, status)["n"] == 1
    else:
        refused(answer, status, code)
    assert Task.objects.count() == 1
