"""Many tasks at once: cancelled, run again, each with an answer of its own."""

import pytest

from jimeng.documents import Task
from tests.conftest import run_queue
from tests.each import for_each
from tests.rest import API, create, data_of, errors_of, refused, result, task

CANCEL, RETRY = f"{API}/tasks/cancel", f"{API}/tasks/retry"
HIS = {"user_id": "user_123"}


def keyed(key: str) -> dict:
    return {"Idempotency-Key": key}


def test_many_are_cancelled_at_once(client, provider, work_off):
    """Each id has its answer, once, in the order asked, by the rules for one."""
    done = create(client)
    work_off()
    sent = len(provider.requests)
    first, second = create(client, n=4), create(client, user_id="somebody.else")

    asked = {"ids": [second, "nope", first, done, done]}
    data = data_of(client.post(CANCEL, json=asked))
    run_queue()

    assert [row["task_id"] for row in data["results"]] == [second, "nope", first, done]
    errors = [row.get("error") for row in data["results"]]
    assert errors == [None, "task_not_found", None, "task_finished"]
    assert [row["success"] for row in data["results"]] == [True, False, True, False]
    assert data["results"][1]["message"] == "没有这个任务"
    assert (data["total"], data["succeeded"], data["failed"]) == (4, 2, 2)
    assert result(client, first)["status"] == "cancelled"
    assert result(client, done)["status"] == "completed"
    assert len(provider.requests) == sent
    most = [f"nope{number}" for number in range(100)]
    assert data_of(client.post(CANCEL, json={"ids": most}))["failed"] == 100


def test_user_s_tasks_are_cancelled_by_status(client):
    his = {create(client) for _ in range(3)}
    other = create(client, user_id="somebody.else")

    data = data_of(client.post(CANCEL, json={**HIS, "status": "pending"}))

    assert {row["task_id"] for row in data["results"]} == his
    assert result(client, other)["status"] == "pending"
    again = data_of(client.post(CANCEL, json={**HIS, "status": "pending"}))
    assert (again["total"], again["results"]) == (0, [])


def test_many_are_run_again(client, work_off):
    """Each becomes a new task, with a key once; what cannot be run again says why."""
    ended = [create(client), create(client)]
    data_of(client.post(CANCEL, json={"ids": ended}))
    waiting = create(client, user_id="somebody.else")
    none = client.post(RETRY, json={"ids": ended}, headers=keyed(" "))
    refused(none, 400, "idempotency_key_invalid")
    first = client.post(RETRY, json={"ids": ended[:1]}, headers=keyed("k-1"))

    asked = {"ids": [*ended, waiting]}
    data = data_of(client.post(RETRY, json=asked, headers=keyed("k-1")))
    work_off()

    *rows, refusal = data["results"]
    assert refusal["error"] == "task_not_retryable"
    assert (data["succeeded"], data["failed"]) == (2, 1)
    for row, old in zip(rows, ended, strict=True):
        assert task(client, row["new_task_id"])["retried_from"] == old
        assert client.get(row["links"]["result"]).json["data"]["status"] == "completed"
    made = [row["new_task_id"] for row in rows]
    assert made[0] == data_of(first)["results"][0]["new_task_id"]
    assert [row["replayed"] for row in rows] == [True, False]
    assert Task.collection().count_documents({}) == 5
    # The key of one task is not that of the task itself.
    single = client.post(f"{API}/tasks/{ended[0]}/retry", headers=keyed("k-1"))
    assert data_of(single, 202)["task_id"] not in made


@pytest.mark.parametrize("charged", ["unknown", "yes"])
def test_what_may_be_charged_twice_needs_consent(client, charged):
    """The same rule as for one."""
    risky = create(client)
    error = {"code": "picture_lost", "charged": charged}
    outcome = {"0": {"state": "failed", "error": error}}
    changes = {"$set": {"status": "failed", "outcomes": outcome}}
    Task.collection().update_one({"_id": risky}, changes | {"$unset": {"open": ""}})

    refusal = data_of(client.post(RETRY, json={"ids": [risky]}))["results"][0]
    body = {**HIS, "status": "failed", "accept_double_charge": True}
    data = data_of(client.post(RETRY, json=body))

    assert refusal["error"] == "may_be_charged_twice"
    assert data["succeeded"] == 1


def test_task_that_time_does_not_allow_says_so(client, monkeypatch):
    """Nothing is half done: it is told apart, and can be sent again."""
    ids = [create(client)]
    data_of(client.post(CANCEL, json={"ids": ids}))
    monkeypatch.setattr("jimeng.tasks.bulk.RETRY_TIMEOUT_S", -1)

    (row,) = data_of(client.post(RETRY, json={"ids": ids}))["results"]

    assert row["error"] == "out_of_time"
    assert Task.collection().count_documents({}) == 1


@for_each("path", [CANCEL, RETRY])
@for_each(
    "body, names",
    [
        ({}, {"status", "user_id"}),
        (HIS, {"status"}),
        ({"status": "processing"}, {"user_id"}),
        ({"ids": []}, {"ids"}),
        ({"ids": ["x"] * 101}, {"ids"}),
        ({"ids": "x"}, {"ids"}),
        ({"ids": ["x", 5]}, {"ids.1"}),
        ({"ids": [{"$gt": ""}]}, {"ids.0"}),
        ({"ids": ["x"], **HIS}, {"ids"}),
        ({**HIS, "status": "completed"}, {"status"}),
        ({"ids": ["x"], "force": True}, {"force"}),
    ],
)
def test_wrong_choice_is_refused_by_its_name(client, path, body, names):
    """Ids alone, or a status together with a user."""
    if path == RETRY and body.get("status") == "processing":
        body = {"status": "failed"}

    assert set(errors_of(client.post(path, json=body))) == names
