"""The two switches: what they stop, and what they let go on."""

from datetime import timedelta

import pytest

from jimeng import lanes
from jimeng.documents import AuditEntry, Generation, Task, Worker, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import Invalid
from jimeng.errors.access import AdminsOnly
from jimeng.operations import queue_actions
from tests.rest import CAT, CREATE, create, data_of, refused, result
from tests.test_core import begin
from tests.test_guards import work_due

OPERATOR = Principal("root", is_operator=True)
LINE = {"en": "9 waiting; sending is paused", "zh": "9 个任务在排队，已暂停提交"}


@pytest.fixture
def pause(database):
    return lambda name: queue_actions.set_paused(OPERATOR, name, True)


def resume(name: str) -> None:
    queue_actions.set_paused(OPERATOR, name, False)


def test_paused_intake_refuses_what_is_new(client, pause):
    """A retry, too; not a repetition. What is wrong is told for its own reason."""
    headers = {"Idempotency-Key": "one"}
    first = data_of(client.post(CREATE, json=CAT, headers=headers), 202)["task_id"]
    client.post(f"/api/v1/tasks/{first}/cancel")
    pause("intake")

    answer = client.post(CREATE, json=CAT, headers={"Idempotency-Key": "two"})
    retry = client.post(f"/api/v1/tasks/{first}/retry", json={})
    again = client.post(CREATE, json=CAT, headers=headers)
    wrong = client.post(CREATE, json={**CAT, "prompt": "字" * 801})

    refused(answer, 503, "intake_paused")
    assert int(answer.headers["Retry-After"]) > 0
    refused(retry, 503, "intake_paused")
    assert data_of(again, 202)["task_id"] == first
    refused(wrong, 422, "validation_failed")
    assert Task.collection().count_documents({}) == 1
    assert Generation.collection().count_documents({}) == 1
    resume("intake")
    assert create(client)


def test_paused_sending_submits_nothing(client, provider, pause, lane, work_off):
    """
    What was sent is finished, and new tasks are taken; nobody knows when they start:
    seconds would be wrong, and the page says why. In the end all are sent, and who
    repeats a request is told the same as at first.
    """
    headers = {"Idempotency-Key": "one"}
    sent = begin(client)
    pause("sending")
    made = data_of(client.post(CREATE, json=CAT, headers=headers), 202)
    task_id = made["task_id"]
    waiting = result(client, task_id)
    for _ in range(9):
        create(client, user_id="guest")

    work_due()
    work_due()

    assert result(client, sent)["status"] == "completed"
    assert len(provider.requests) == 1
    assert lanes.free_slots(lane, 2) == []
    assert (made["eta_seconds"], made["position"]) == (None, 0)
    assert (waiting["status"], waiting["position"]) == ("pending", 0)
    record = data_of(client.get(f"/api/v1/tasks/{task_id}"))
    assert "eta_seconds" not in waiting.keys() | record.keys()
    for language, words in LINE.items():
        page = client.get("/", headers={"Accept-Language": language}).text
        assert words in " ".join(page.split())
    resume("sending")
    assert "eta_seconds" in result(client, task_id)
    assert data_of(client.post(CREATE, json=CAT, headers=headers), 202) == made
    work_off()
    assert {each.status for each in Task.find_all({})} == {"completed"}


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


def test_only_operators_pause(database, pause):
    """There are no other switches; since when and by whom is not forgotten."""
    with pytest.raises(AdminsOnly):
        queue_actions.set_paused(Principal("ada"), "intake", True)
    with pytest.raises(Invalid):
        queue_actions.set_paused(OPERATOR, "polling", True)

    assert queue_actions.pauses(OPERATOR) == []
    assert AuditEntry.collection().count_documents({}) == 0
    pause("sending")
    first = queue_actions.pauses(OPERATOR)
    queue_actions.set_paused(Principal("other", is_operator=True), "sending", True)
    assert queue_actions.pauses(OPERATOR) == first


@pytest.mark.parametrize("name", lanes.SWITCHES)
def test_readiness_is_not_affected(client, pause, name):
    """A balancer that took the server away would stop the pages, too."""
    beat = {"started_at": utcnow(), "seen_at": utcnow() + timedelta(minutes=5)}
    Worker.collection().insert_one({"_id": "here:1:x", **beat})

    pause(name)

    assert client.get("/health/ready").status_code == 200
    paused = "paused" if name == lanes.SENDING else None
    for too_old, why in ((False, paused), (True, lanes.NO_WORKER)):
        Worker.collection().update_one({}, {"$set": {"too_old": too_old}})
        lanes.limits._state.worker = (0.0, True)
        assert lanes.hold_reason() == why
