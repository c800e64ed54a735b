"""Batches in the REST API: cancelled, run again and again, deleted."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from jimeng import batches, lanes
from jimeng.batches import reruns
from jimeng.batches.capacity import WINDOW
from jimeng.documents import Batch, Generation, Image, Task, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError
from jimeng.gallery import trash
from jimeng.providers import Progress, Registry
from tests.batches.conftest import BATCHES, act, ask, fill, lines, look, tasks_of
from tests.conftest import png, run_queue
from tests.page import POST
from tests.rest import API, data_of, refused, task
from tests.test_guards import work, work_due

ME = Principal("user_123")
REFUSED = ProviderError("no", code="provider_failed")
FORBIDDEN = ProviderError("no", code="content_refused_prompt")
LOST = ProviderError("?", code="submit_unknown", charged="unknown", maybe_accepted=True)


@pytest.fixture
def drawn(client, provider, work_all) -> Callable[..., str]:
    """Have a batch drawn, of so many, as the provider is told; its id."""

    def run(n: int, *submits: ProviderError) -> str:
        provider.submits = list(submits)
        made = ask(client, lines(n))["batch_id"]
        work_all()
        return made

    return run


def test_cancelled_batch_draws_no_more(client, provider, work_all):
    """What is drawn stays; the rest, also what was never made, may be gone on with."""
    batch_id = ask(client, lines(WINDOW + 5))["batch_id"]
    done = tasks_of(client, batch_id)[0]["id"]
    ended = {"status": "completed", "outcomes": {"0": {"state": "done"}}}
    change = {"$set": ended, "$unset": {"open": ""}}
    Task.collection().update_one({"_id": done}, change)

    found = data_of(act(client, batch_id, "cancel"))

    assert (found["status"], found["reason"]) == ("cancelled", None)
    assert found["pictures"]["cancelled"] == WINDOW - 1
    assert found["pictures"]["unmade"] == 5
    assert found["eta_seconds"] is None
    work_all()
    assert provider.requests == []
    assert look(client, batch_id)["pictures"]["done"] == 1
    refused(act(client, batch_id, "cancel"), 409, "batch_finished")
    refused(act(client, batch_id, "retry"), 409, "batch_not_retryable")
    data_of(act(client, batch_id, "retry", rest=True), 202)
    work_all()
    found = look(client, batch_id)
    assert (found["status"], found["pictures"]["done"]) == ("completed", WINDOW + 5)
    assert len(provider.requests) == WINDOW + 4


def test_what_failed_is_run_again_once(client, provider, work_all, drawn):
    """Not what is forbidden, nor what may be paid for; and its own failure again."""
    batch_id = drawn(4, REFUSED, FORBIDDEN, LOST)
    before = look(client, batch_id)
    assert before["lacking"] == {"ready": 1, "rest": 0, "paid": 1, "hopeless": 1}
    assert {(f["code"], f["remedy"]) for f in before["failures"]} == {
        ("provider_failed", "retry"),
        ("content_refused_prompt", "prompt"),
        ("submit_unknown", "retry"),
    }

    data_of(act(client, batch_id, "retry"), 202)
    work_all()

    found = look(client, batch_id)
    assert (found["status"], found["pictures"]["done"]) == ("completed", 2)
    assert (found["pictures"]["failed"], found["pictures"]["total"]) == (2, 4)
    sent = Counter(request.prompt for request in provider.requests)
    assert sent == {"猫 0": 2, "猫 1": 1, "猫 2": 1, "猫 3": 1}
    refused(act(client, batch_id, "retry"), 409, "may_be_charged_twice")

    data_of(act(client, batch_id, "retry", accept_double_charge=True), 202)
    work_all()

    lacking = look(client, batch_id)["lacking"]
    assert lacking == {"ready": 0, "rest": 0, "paid": 0, "hopeless": 1}
    refused(act(client, batch_id, "retry"), 409, "batch_not_retryable")


def test_lacking_pictures_of_a_task_are_run_again(client, provider, work_all):
    provider.submits = [REFUSED]
    batch_id = ask(client, "猫", n=4)["batch_id"]
    work_all()
    assert look(client, batch_id)["pictures"]["done"] == 3

    data_of(act(client, batch_id, "retry"), 202)
    work_all()

    assert counts(client, batch_id) == {"total": 4, "done": 4}
    assert len(provider.requests) == 5


def test_task_that_is_run_again_stays_in_its_batch(client, provider, work_all):
    """The batch goes on with it, and counts it in its place."""
    provider.submits = [REFUSED]
    batch_id = ask(client, "猫\n狗")["batch_id"]
    work_all()
    failed = tasks_of(client, batch_id, status="failed")[0]["id"]

    again = data_of(client.post(f"{API}/tasks/{failed}/retry", json={}), 202)

    assert look(client, batch_id)["status"] == "processing"
    record = task(client, again["task_id"])
    assert (record["batch_id"], record["batch_index"]) == (batch_id, 0)
    work_all()
    assert look(client, batch_id)["pictures"]["done"] == 2


def test_deleted_batch_goes_into_the_trash(client, drawn):
    """What goes on is cancelled; each task can be brought back, by itself."""
    batch_id = drawn(2)
    waits = ask(client, lines(WINDOW + 2))["batch_id"]

    for each in (batch_id, waits):
        data_of(client.delete(f"{BATCHES}/{each}"))

    refused(client.get(f"{BATCHES}/{batch_id}"), 404, "batch_not_found")
    where = {"deleted_at": {"$exists": False}}
    assert Task.collection().count_documents(where) == 0
    assert Image.collection().count_documents({"trashed_at": {"$exists": False}}) == 0
    assert Generation.collection().count_documents({"waiting": True}) == 0
    fill()
    assert Task.objects.count() == WINDOW + 2
    Task.collection().update_many({}, {"$unset": {"deleted_at": "", "purge_at": ""}})
    assert {each.batch for each in Task.objects} == {None}


def test_task_that_was_in_the_trash_before_comes_back_by_itself(client, drawn):
    """Its batch is gone by then: else the feed would have it nowhere."""
    batch_id = drawn(2)
    first = tasks_of(client, batch_id)[0]["id"]
    trash.trash(ME, first)

    data_of(client.delete(f"{BATCHES}/{batch_id}"))
    trash.restore(ME, first)

    assert task(client, first)["batch_id"] is None
    assert [each.id for each in batches.feed(ME, limit=10).rows] == [first]


@pytest.mark.parametrize("more", [{}, {"rest": True}])
def test_what_two_run_again_at_once_is_asked_for_once(
    client, provider, work_all, monkeypatch, more, drawn
):
    """The second asks for the same, or more, while the first is at its first task."""
    batch_id = drawn(3, REFUSED, REFUSED)
    real, calls = reruns.retry, []

    def retry(*args, **kwargs):
        calls.append(args)
        if len(calls) == 1:
            data_of(act(client, batch_id, "retry", **more), 202)
        return real(*args, **kwargs)

    monkeypatch.setattr(reruns, "retry", retry)
    data_of(act(client, batch_id, "retry"), 202)

    assert more or len(tasks_of(client, batch_id)) == 5
    work_all()
    sent = Counter(request.prompt for request in provider.requests)
    assert sent == {"猫 0": 2, "猫 1": 2, "猫 2": 1}
    assert look(client, batch_id)["pictures"]["done"] == 3


def test_list_of_batches_says_what_each_says(client, drawn):
    """Also when tasks of an ended one are deleted, come back, or come late."""
    batch_id = drawn(3)
    first, second, _ = (each["id"] for each in tasks_of(client, batch_id))

    def listed() -> tuple[int, int]:
        (one,) = data_of(client.get(BATCHES, query_string={"user_id": ME.user_id}))
        shown = look(client, batch_id)
        assert one["pictures"] == shown["pictures"]
        Batch.reopen(batch_id)
        fill()  # by which it has ended, and is counted, once more
        return shown["pictures"]["total"], shown["pictures"]["done"]

    assert listed() == (3, 3)
    trash.trash(ME, first)
    assert listed() == (2, 2)
    data_of(client.delete(f"{API}/ai/image/task/{second}"))
    assert listed() == (1, 1)
    trash.restore(ME, first)
    assert listed() == (2, 2)


def test_picture_that_came_late_is_told_in_the_list(client, provider, work_off):
    """The batch had ended by then, and failed."""
    provider.polls = [Progress("remote-1")] * 2
    batch_id = ask(client, "猫")["batch_id"]
    run_queue()
    long_ago = utcnow() - timedelta(hours=1)
    Generation.objects.update(set__accepted_at=long_ago, set__due_at=long_ago)
    work()
    fill()
    assert look(client, batch_id)["status"] == "failed"

    provider.polls = [Progress("remote-1", done=True, images=(png(),))]
    work_due()

    (one,) = data_of(client.get(BATCHES, query_string={"user_id": ME.user_id}))
    assert (one["status"], one["pictures"]["done"]) == ("completed", 1)
    assert look(client, batch_id)["pictures"] == one["pictures"]


def test_batch_that_has_just_ended_is_not_cancelled(client, work_off):
    """Also before anybody has written down that it has."""
    batch_id = ask(client, "猫")["batch_id"]
    work_off()
    assert Batch.objects.get().is_open

    assert look(client, batch_id)["status"] == "completed"
    refused(act(client, batch_id, "cancel"), 409, "batch_finished")


def test_dry_run_of_running_again_only_counts(client, provider, work_all):
    """As many as would be asked for, and for how much; refused as it would be."""
    provider.submits = [REFUSED, LOST, FORBIDDEN]
    made = ask(client, lines(4), n=1)["batch_id"]
    work_all()
    sent, before = len(provider.requests), look(client, made)

    def estimate(status: int = 200, **body):
        where = f"{BATCHES}/{made}/retry?dry_run=1"
        return data_of(client.post(where, json=body), status)

    assert [estimate()["n"], estimate(accept_double_charge=True)["n"]] == [1, 2]
    found = estimate(accept_double_charge=True)
    assert found["cost"]["fen_of_all"] == 2 * found["cost"]["fen"] > 0
    assert (found["width"], found["dry_run"]) == (1328, True)
    work_all()
    assert (len(provider.requests), look(client, made)) == (sent, before)

    client.post(f"{BATCHES}/{made}/retry", json={})
    work_all()

    assert len(provider.requests) == sent + 1
    again = client.post(f"{BATCHES}/{made}/retry?dry_run=1")
    refused(again, 409, "may_be_charged_twice")
    gone = client.post(f"{BATCHES}/batch_none/retry?dry_run=1")
    refused(gone, 404, "batch_not_found")


def again(client, task_id: str) -> None:
    data_of(client.post(f"{API}/tasks/{task_id}/retry", json={}), 202)


def counts(client, batch_id: str) -> dict[str, int]:
    return {k: n for k, n in look(client, batch_id)["pictures"].items() if n}


def test_prompt_that_was_drawn_is_left_alone(client, provider, work_all, drawn):
    """It lacks nothing, and nobody pays for it once more."""
    batch_id = drawn(2, REFUSED, REFUSED)
    first = Task.objects.get(batch_index=0).id
    provider.submits = [REFUSED]
    again(client, first)
    work_all()
    again(client, first)
    work_all()
    assert counts(client, batch_id) == {"total": 2, "done": 1, "failed": 1}
    assert look(client, batch_id)["lacking"]["ready"] == 1

    data_of(act(client, batch_id, "retry"), 202)
    work_all()

    sent = Counter(request.prompt for request in provider.requests)
    assert sent == {"猫 0": 3, "猫 1": 2}
    assert counts(client, batch_id) == {"total": 2, "done": 2}
    refused(act(client, batch_id, "retry"), 409, "batch_not_retryable")


def test_what_running_again_waits_for_is_said(client, drawn):
    """On the page, too, and no longer than it waits."""
    batch_id = drawn(2, REFUSED)
    lanes.pause(lanes.SENDING, "user_9")

    data_of(act(client, batch_id, "retry"), 202)
    fill()

    assert look(client, batch_id)["waits"]["code"] == "sending_paused"
    assert "提交已暂停，恢复后继续" in client.get(f"/batches/{batch_id}").text
    lanes.resume(lanes.SENDING)
    fill()
    assert look(client, batch_id)["waits"] is None


def test_batch_of_a_gone_model_is_not_run_again(
    client, provider, config, configure, drawn
):
    """Its owner is told at once, as by an estimate, instead of nothing happening."""
    batch_id = drawn(2, REFUSED)
    configure(config, Registry({"volcengine_ark": provider}, {"volcengine_ark": 2}))

    for path in ("retry", "retry?dry_run=1"):
        refused(act(client, batch_id, path), 422, "validation_failed")
    page = client.post(f"/batches/{batch_id}/retry", headers=POST)

    assert page.status_code == 422 and "volcengine_ark" in page.text
    assert look(client, batch_id)["status"] == "completed"
