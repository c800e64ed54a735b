"""One key, one task: however often and however many at once a request is sent."""

from datetime import timedelta

import pytest

from jimeng.documents import Generation, Task, utcnow
from jimeng.documents.principal import Principal
from jimeng.gallery import trash
from tests.each import for_each
from tests.rest import (
    API,
    CAT,
    CREATE,
    GENERAL,
    create,
    data_of,
    refused,
    task,
)

GENERAL_CAT = {**CAT, "type": "image"}
LONGEST = "".join(map(chr, range(0x23, 0x7F))).ljust(255, "k")
ROUTES = [(CREATE, CAT), (GENERAL, GENERAL_CAT)]


def ask(client, key: str, path: str = CREATE, **fields):
    return client.post(path, json={**CAT, **fields}, headers={"Idempotency-Key": key})


def count() -> int:
    return Task.collection().count_documents({})


@pytest.mark.parametrize("path, body", ROUTES)
def test_same_request_is_answered_the_same(client, work_off, path, body):
    """Byte for byte, place and time included, whatever has happened since; a different
    one under the key is an error of the caller."""
    create(client, user_id="somebody.else", n=3)
    headers = {"Idempotency-Key": LONGEST}
    first = client.post(path, json=body, headers=headers)
    work_off()

    again = client.post(path, json=body, headers=headers)

    assert again.data == first.data
    data_of(again, 202)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert "Idempotent-Replayed" not in first.headers
    other = client.post(path, json={**body, "n": 2}, headers=headers)
    refused(other, 422, "idempotency_key_reused")
    assert count() == 2
    assert Generation.collection().count_documents({}) == 4


@pytest.mark.parametrize(
    "spelled",
    [
        *({"n": 1}, {"n": 1.0}, {"quality": "standard"}, {"seed": -1.0}, {"delay": 0}),
        *({"prompt": f" {CAT['prompt']}\n"}, {"type": "image_generation"}),
        {**dict.fromkeys(CAT), "input": dict(reversed(CAT.items()))},
        {"prompt": None, "input": {"prompt": CAT["prompt"], "n": 1}},
    ],
    ids=str,
)
@pytest.mark.parametrize("is_first", [True, False])
def test_defaults_may_be_spelled_out(client, spelled, is_first):
    """Beside ``type`` or under ``input``, whichever of the two came first."""
    body = {name: v for name, v in {**GENERAL_CAT, **spelled}.items() if v is not None}
    bodies = [body, GENERAL_CAT]
    headers = {"Idempotency-Key": "k-1"}
    for body in bodies if is_first else bodies[::-1]:
        answer = client.post(GENERAL, json=body, headers=headers)

    kept = task(client, data_of(answer, 202)["task_id"])
    assert {name: kept[name] for name in GENERAL_CAT} == GENERAL_CAT
    assert answer.headers["Idempotent-Replayed"] == "true"
    assert count() == 1


@pytest.mark.parametrize(
    "other",
    [
        *({"n": 2}, {"quality": "hd"}, {"seed": 7}, {"style": "ink"}, {"size": "1:1"}),
        *({"delay": 1}, {"model": "jimeng-3.1"}, {"prompt": "一只狗"}),
        {"metadata": {"order": "1"}},
    ],
    ids=str,
)
def test_any_other_wish_is_another_request(client, other):
    """Each field that decides what is drawn counts."""
    headers = {"Idempotency-Key": "k-1"}
    client.post(GENERAL, json=GENERAL_CAT, headers=headers)

    answer = client.post(GENERAL, json={**GENERAL_CAT, **other}, headers=headers)

    refused(answer, 422, "idempotency_key_reused")


def test_key_is_the_users_own(client):
    """Quotes do not count; what was refused or deleted claims nothing."""
    assert ask(client, "k-1", user_id="a", size="4K").status_code == 422
    first = data_of(ask(client, "k-1", user_id="a"), 202)
    second = data_of(ask(client, "k-1", user_id="b"), 202)
    again = data_of(ask(client, '"k-1"', user_id="b"), 202)

    assert first["task_id"] != second["task_id"]
    assert again["task_id"] == second["task_id"]
    client.delete(f"{CREATE}/{first['task_id']}")
    trash.trash(Principal("b"), second["task_id"])
    for user_id, gone in (("a", first), ("b", second)):
        anew = data_of(ask(client, "k-1", user_id=user_id, n=2), 202)
        assert anew["task_id"] != gone["task_id"]


def test_retry_takes_a_key_too(client):
    """A retry that is sent twice makes one new task; that of another is refused."""
    ids = [create(client), create(client)]
    headers = {"Idempotency-Key": "k-1"}
    refused(client.post(f"{API}/tasks/{ids[0]}/retry"), 409, "task_not_retryable")
    for task_id in ids:
        client.post(f"{API}/tasks/{task_id}/cancel")
    url = f"{API}/tasks/{ids[0]}/retry"

    first = client.post(url, headers=headers)
    again = client.post(url, json={}, headers=headers)
    other = client.post(f"{API}/tasks/{ids[1]}/retry", headers=headers)

    made = data_of(first, 202)
    assert made["retried_from"] == ids[0]
    assert first.headers["Location"].endswith(made["task_id"])
    assert first.headers["Retry-After"] == "3"
    assert again.data == first.data
    assert again.headers["Idempotent-Replayed"] == "true"
    refused(other, 422, "idempotency_key_reused")
    assert count() == 3


@for_each("key", ["", '""', " ", "x" * 256, "a b", '"a b"', "a\tb", "é", "a\xa0"])
def test_other_keys_are_refused(client, key):
    """A key that cannot be told apart safely is none."""
    refused(ask(client, key), 400, "idempotency_key_invalid")
    assert count() == 0


def test_key_is_forgotten_after_a_day(client):
    """Beyond 24 hours the same key makes a new task; within, it does not."""
    first = data_of(ask(client, "k-1"), 202)["task_id"]
    where, day = {"_id": first}, timedelta(hours=24)
    almost = {"created_at": utcnow() - day + timedelta(minutes=1)}
    Task.collection().update_one(where, {"$set": almost})
    assert data_of(ask(client, "k-1"), 202)["task_id"] == first

    over = {"created_at": utcnow() - day - timedelta(seconds=1)}
    Task.collection().update_one(where, {"$set": over})
    answer = ask(client, "k-1", n=2)

    second = data_of(answer, 202)["task_id"]
    assert second != first
    assert "Idempotent-Replayed" not in answer.headers
    assert data_of(ask(client, "k-1", n=2), 202)["task_id"] == second
    assert task(client, first)["id"] == first
