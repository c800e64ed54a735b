"""``?dry_run=1``: what a request or retry would create and cost; nothing is created."""

from base64 import b64encode

import pytest
from mongoengine import get_db

from jimeng.documents import Generation, Input, Task
from jimeng.errors import ProviderError
from tests.each import for_each
from tests.given_pictures import photo
from tests.rest import API, CAT, CREATE, GENERAL, create, data_of, errors_of, refused


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
    }
    assert "RateLimit" not in answer.headers
    work_off()
    assert provider.requests == []
    assert nothing_is_left()


@for_each(
    ("wrong", "field"),
    [({"n": 9}, "n"), ({"size": "7x7"}, "size"), ({"prompt": "长" * 801}, "prompt")],
)
def test_what_would_be_refused_is(client, wrong, field):
    """The same words as without, so a form can be checked before it is sent."""
    sent, tried = (
        errors_of(client.post(CREATE + query, json={**CAT, **wrong}))
        for query in ("", "?dry_run=1")
    )

    assert tried == sent
    assert field in tried


@for_each("query", ["dry_run=yes", "dry_run=", "dry_run=1&dry_run=1"])
def test_slip_costs_nothing(client, query):
    """Nobody who wanted an estimate gets a picture; who says it is none gets one."""
    assert "dry_run" in errors_of(client.post(f"{CREATE}?{query}", json=CAT))
    assert nothing_is_left()
    assert "task_id" in data_of(client.post(f"{CREATE}?dry_run=0", json=CAT), 202)
    Task.collection().delete_many({})
    Generation.collection().delete_many({})


def test_sides_that_follow_from_a_picture_are_not_guessed(client):
    """The price is told where it is the same for all sides; the picture is not kept."""
    body = {
        **CAT,
        "model": "jimeng-i2i-3.0",
        "images": [f"data:image/jpeg;base64,{b64encode(photo()).decode()}"],
    }

    found = data_of(client.post(f"{CREATE}?dry_run=1", json=body))

    assert (found["width"], found["height"]) == (None, None)
    assert found["cost"]["fen_of_all"] == 20
    assert nothing_is_left()


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
