"""The two switches: what they stop, and what they let go on."""

import pytest

from jimeng import lanes
from jimeng.documents import AuditEntry, Generation, Task, Worker, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.errors.access import AdminsOnly
from jimeng.jobs import pump
from jimeng.operations import queue_actions
from tests.conftest import come_due, run_queue
from tests.rest import CAT, CREATE, create, data_of, refused, result

OPERATOR = Principal("root", is_operator=True)


@pytest.fixture
def pause(database):
    """Pauses a part of the work."""
    return lambda name: queue_actions.set_paused(OPERATOR, name, True)


def resume(name: str) -> None:
    queue_actions.set_paused(OPERATOR, name, False)


def test_paused_intake_refuses_before_anything_is_written(client, pause):
    """The answer says when to come back, and leaves no trace."""
    pause("intake")

    answer = client.post(CREATE, json=CAT)

    refused(answer, 503, "intake_paused")
    assert int(answer.headers["Retry-After"]) > 0
    assert Task.collection().count_documents({}) == 0
    assert Generation.collection().count_documents({}) == 0
    resume("intake")
    assert create(client)


def test_paused_intake_still_says_what_is_wrong(client, pause):
    """A request that would be refused anyhow is refused for its own reason."""
    pause("intake")

    answer = client.post(CREATE, json={**CAT, "prompt": "字" * 801})

    refused(answer, 422, "validation_failed")


def test_paused_intake_answers_what_came_before(client, pause):
    """A request that is repeated asks for nothing new."""
    headers = {"Idempotency-Key": "one"}
    first = data_of(client.post(CREATE, json=CAT, headers=headers), 202)
    pause("intake")

    again = data_of(client.post(CREATE, json=CAT, headers=headers), 202)

    assert again["task_id"] == first["task_id"]
    other = client.post(CREATE, json=CAT, headers={"Idempotency-Key": "two"})
    refused(other, 503, "intake_paused")


def test_paused_intake_refuses_running_again(client, pause):
    """A retry is a new task."""
    task_id = create(client)
    client.post(f"/api/v1/tasks/{task_id}/cancel")
    pause("intake")

    answer = client.post(f"/api/v1/tasks/{task_id}/retry", json={})

    refused(answer, 503, "intake_paused")


def test_paused_sending_submits_nothing(client, provider, pause, lane):
    """Neither what is queued already nor what the pump finds is sent."""
    task_id = create(client, n=2)
    pause("sending")

    run_queue()
    pump.tick()
    run_queue()

    assert provider.requests == []
    assert lanes.free_slots(lane, 2) == []
    assert result(client, task_id)["status"] == "pending"


def test_paused_sending_finishes_what_was_sent(client, provider, pause):
    """What the provider has is polled, fetched and kept."""
    task_id = create(client)
    run_queue()
    assert len(provider.requests) == 1
    pause("sending")

    come_due()
    pump.tick()
    run_queue()
    come_due()
    pump.tick()
    run_queue()

    assert result(client, task_id)["status"] == "completed"


def test_sending_goes_on_where_it_was(client, provider, pause, work_off):
    """New tasks are taken meanwhile, and all are sent in the end."""
    pause("sending")
    task_ids = [create(client) for _ in range(3)]
    run_queue()
    assert provider.requests == []

    resume("sending")
    work_off()

    assert {result(client, each)["status"] for each in task_ids} == {"completed"}


def test_another_process_sees_it_soon(database, monkeypatch):
    """Each looks again after half a second, and not at every request."""
    clock = [100.0]
    monkeypatch.setattr(lanes.limits.time, "monotonic", lambda: clock[0])
    assert not lanes.is_paused("intake")
    database.switches.insert_one({"_id": "intake", "paused_at": None, "by": "x"})
    assert not lanes.is_paused("intake")

    clock[0] += lanes.limits.SWITCH_CACHE_S

    assert lanes.is_paused("intake")
    assert not lanes.is_paused("sending")


def test_pausing_twice_keeps_the_first(database, pause):
    """Since when and by whom is not forgotten."""
    pause("sending")
    first = queue_actions.pauses(OPERATOR)

    queue_actions.set_paused(Principal("other", is_operator=True), "sending", True)

    assert queue_actions.pauses(OPERATOR) == first


def test_only_operators_pause(database):
    """Others do neither, and there are no other switches."""
    with pytest.raises(AdminsOnly):
        queue_actions.set_paused(Principal("ada"), "intake", True)
    with pytest.raises(Invalid):
        queue_actions.set_paused(OPERATOR, "polling", True)

    assert queue_actions.pauses(OPERATOR) == []
    assert AuditEntry.collection().count_documents({}) == 0


@pytest.mark.parametrize("name", lanes.SWITCHES)
def test_readiness_is_not_affected(client, pause, name):
    """A balancer that took the server away would stop the pages, too."""
    now = {"started_at": utcnow(), "seen_at": utcnow()}
    Worker.collection().insert_one({"_id": "here:1:x", **now})

    pause(name)

    assert client.get("/health/ready").status_code == 200


def test_nobody_knows_when_paused_sending_starts_again(client, pause):
    """Seconds would be wrong: there are none, and there are again once it goes on."""
    pause("sending")

    made = data_of(client.post(CREATE, json=CAT), 202)
    waiting = result(client, made["task_id"])

    assert (made["eta_seconds"], made["position"]) == (None, 0)
    assert (waiting["status"], waiting["position"]) == ("pending", 0)
    assert "eta_seconds" not in waiting
    record = data_of(client.get(f"/api/v1/tasks/{made['task_id']}"))
    assert "eta_seconds" not in record
    resume("sending")
    assert result(client, made["task_id"])["eta_seconds"] == 0
    assert data_of(client.post(CREATE, json=CAT), 202)["eta_seconds"] == 0


def test_repeated_request_is_told_the_same_of_paused_sending(client, pause):
    """As it was when it was asked first."""
    headers = {"Idempotency-Key": "one"}
    pause("sending")
    first = data_of(client.post(CREATE, json=CAT, headers=headers), 202)
    resume("sending")

    assert data_of(client.post(CREATE, json=CAT, headers=headers), 202) == first


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "9 waiting; sending is paused"), ("zh", "9 个任务在排队，已暂停提交")],
)
def test_line_says_that_sending_is_paused(client, pause, language, words):
    """And not that the first of them is about to start."""
    pause("sending")
    for _ in range(9):
        create(client, user_id="guest")

    page = client.get("/", headers={"Accept-Language": language}).text

    assert words in " ".join(page.split())
