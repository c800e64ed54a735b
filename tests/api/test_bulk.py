"""Many tasks at once: cancelled, run again, each with an answer of its own."""

import pytest

from jimeng.documents import Task
from tests.conftest import run_queue
from tests.each import for_each
from tests.forgetting import forget_lanes
from tests.rest import API, create, data_of, errors_of, refused, result, task

CANCEL, RETRY = f"{API}/tasks/cancel", f"{API}/tasks/retry"
HIS = {"user_id": "user_123"}


def keyed(key: str) -> dict:
    return {"Idempotency-Key": key}


def test_many_are_cancelled_at_once(client, provider):
    """Each id has its answer, in the order asked; no picture is sent."""
    first, second = create(client, n=4), create(client, user_id="somebody.else")

    data = data_of(client.post(CANCEL, json={"ids": [second, "nope", first]}))
    run_queue()

    assert [row["task_id"] for row in data["results"]] == [second, "nope", first]
    assert [row["success"] for row in data["results"]] == [True, False, True]
    assert data["results"][1]["error"] == "task_not_found"
    assert data["results"][1]["message"] == "没有这个任务"
    assert (data["total"], data["succeeded"], data["failed"]) == (3, 2, 1)
    assert result(client, first)["status"] == "cancelled"
    assert provider.requests == []


def test_ended_task_is_not_cancelled_among_others(client, work_off):
    """The same rule as for one; the others go their way."""
    done = create(client)
    work_off()
    waiting = create(client)

    data = data_of(client.post(CANCEL, json={"ids": [done, waiting, done]}))

    assert [row.get("error") for row in data["results"]] == ["task_finished", None]
    assert result(client, done)["status"] == "completed"
    assert result(client, waiting)["status"] == "cancelled"


def test_place_in_line_is_given_back(client, config):
    """Who cancels all has as many places as before, and the first turn."""
    ids = [create(client, n=4) for _ in range(config.USER_MAX_PENDING // 4)]

    data_of(client.post(CANCEL, json={"ids": ids}))
    forget_lanes()  # the line is read once a second

    assert task(client, create(client, n=4))["position"] == 0


def test_user_s_tasks_are_cancelled_by_status(client):
    """Those of the user in that status, and nobody else's."""
    his = {create(client) for _ in range(3)}
    other = create(client, user_id="somebody.else")

    data = data_of(client.post(CANCEL, json={**HIS, "status": "pending"}))

    assert {row["task_id"] for row in data["results"]} == his
    assert result(client, other)["status"] == "pending"
    again = data_of(client.post(CANCEL, json={**HIS, "status": "pending"}))
    assert (again["total"], again["results"]) == (0, [])


def test_many_are_run_again(client, work_off):
    """Each becomes a new task; what cannot be run again says why."""
    ended = [create(client), create(client)]
    data_of(client.post(CANCEL, json={"ids": ended}))
    waiting = create(client, user_id="somebody.else")

    data = data_of(client.post(RETRY, json={"ids": [*ended, waiting]}))
    work_off()

    *rows, refusal = data["results"]
    assert refusal["error"] == "task_not_retryable"
    assert (data["succeeded"], data["failed"]) == (2, 1)
    for row, old in zip(rows, ended, strict=True):
        assert task(client, row["new_task_id"])["retried_from"] == old
        assert client.get(row["links"]["result"]).json["data"]["status"] == "completed"


@pytest.mark.parametrize("charged", ["unknown", "yes"])
def test_what_may_be_charged_twice_needs_consent(client, charged):
    """The same rule as for one."""
    risky = create(client)
    error = {"code": "picture_lost", "charged": charged}
    outcome = {"0": {"state": "failed", "error": error}}
    changes = {"status": "failed", "outcomes": outcome}
    Task.collection().update_one(
        {"_id": risky}, {"$set": changes, "$unset": {"open": ""}}
    )

    refusal = data_of(client.post(RETRY, json={"ids": [risky]}))["results"][0]
    body = {**HIS, "status": "failed", "accept_double_charge": True}
    data = data_of(client.post(RETRY, json=body))

    assert refusal["error"] == "may_be_charged_twice"
    assert data["succeeded"] == 1


def test_key_makes_each_new_task_once(client):
    """Sent again under its key the request finds what it made."""
    ids = [create(client), create(client)]
    data_of(client.post(CANCEL, json={"ids": ids}))

    first = client.post(RETRY, json={"ids": ids[:1]}, headers=keyed("k-1"))
    again = client.post(RETRY, json={"ids": ids}, headers=keyed("k-1"))

    made = [row["new_task_id"] for row in data_of(again)["results"]]
    assert made[0] == data_of(first)["results"][0]["new_task_id"]
    assert [row["replayed"] for row in data_of(again)["results"]] == [True, False]
    assert Task.collection().count_documents({}) == 4
    # The key of one task is not that of the task itself.
    single = client.post(f"{API}/tasks/{ids[0]}/retry", headers=keyed("k-1"))
    assert data_of(single, 202)["task_id"] not in made


def test_hundred_go_in_one_request(client, config):
    """As many as are allowed are done within the time of a request."""
    ids = [create(client, user_id=f"u{n}") for n in range(100)]

    cancelled = data_of(client.post(CANCEL, json={"ids": ids}))

    assert cancelled["succeeded"] == 100


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


def test_key_that_is_none_is_refused(client):
    """As on every creating route."""
    answer = client.post(RETRY, json={"ids": ["x"]}, headers=keyed(" "))

    refused(answer, 400, "idempotency_key_invalid")
