"""Prompts of a batch that were run again more than once: each is counted once."""

from collections import Counter

from jimeng.documents import Task
from jimeng.errors import ProviderError
from jimeng.lanes import switches
from jimeng.providers import Registry
from tests.batches.conftest import act, ask, fill, lines, look, tasks_of
from tests.page import POST
from tests.rest import API, data_of, refused

REFUSED = ProviderError("no", code="provider_failed")


def again(client, task_id: str) -> None:
    data_of(client.post(f"{API}/tasks/{task_id}/retry", json={}), 202)


def counts(client, batch_id: str) -> dict[str, int]:
    return {k: n for k, n in look(client, batch_id)["pictures"].items() if n}


def test_prompt_that_was_drawn_at_last_lacks_nothing(client, provider, work_all):
    """Run again twice, of which one failed, too, and the other was drawn."""
    provider.submits = [REFUSED]
    batch_id = ask(client, lines(2))["batch_id"]
    work_all()
    (failed,) = tasks_of(client, batch_id, status="failed")
    provider.submits = [REFUSED]
    again(client, failed["id"])
    work_all()
    again(client, failed["id"])
    work_all()

    assert counts(client, batch_id) == {"total": 2, "done": 2}
    assert look(client, batch_id)["lacking"]["ready"] == 0
    refused(act(client, batch_id, "retry"), 409, "batch_not_retryable")


def test_prompt_that_was_drawn_is_left_when_others_are_run_again(
    client, provider, work_all
):
    """Nobody pays for it once more."""
    provider.submits = [REFUSED, REFUSED]
    batch_id = ask(client, lines(2))["batch_id"]
    work_all()
    first = Task.objects.get(batch_index=0).id
    provider.submits = [REFUSED]
    again(client, first)
    work_all()
    again(client, first)
    work_all()

    data_of(act(client, batch_id, "retry"), 202)
    work_all()

    sent = Counter(request.prompt for request in provider.requests)
    assert sent == {"猫 0": 3, "猫 1": 2}
    assert counts(client, batch_id) == {"total": 2, "done": 2}


def test_prompt_that_failed_each_time_lacks_one(client, provider, work_all):
    """However often that was, one picture brings it."""
    provider.submits = [REFUSED] * 3
    batch_id = ask(client, "猫")["batch_id"]
    work_all()
    first = Task.objects.get().id
    for _ in range(2):
        again(client, first)
        work_all()

    assert counts(client, batch_id) == {"total": 1, "failed": 1}
    assert look(client, batch_id)["lacking"]["ready"] == 1
    data_of(act(client, batch_id, "retry"), 202)
    work_all()
    assert counts(client, batch_id) == {"total": 1, "done": 1}


def test_what_running_again_waits_for_is_said(client, provider, work_all):
    """On the page, too, and no longer than it waits."""
    provider.submits = [REFUSED]
    batch_id = ask(client, lines(2))["batch_id"]
    work_all()
    switches.pause(switches.SENDING, "user_9")

    data_of(act(client, batch_id, "retry"), 202)
    fill()

    assert look(client, batch_id)["waits"]["code"] == "sending_paused"
    assert "提交已暂停，恢复后继续" in client.get(f"/batches/{batch_id}").text
    switches.resume(switches.SENDING)
    fill()
    assert look(client, batch_id)["waits"] is None


def test_batch_whose_model_is_gone_is_not_run_again(
    client, provider, work_all, config, configure
):
    """Its owner is told at once, as by an estimate, instead of nothing happening."""
    provider.submits = [REFUSED]
    batch_id = ask(client, lines(2))["batch_id"]
    work_all()
    configure(config, Registry({"volcengine_ark": provider}, {"volcengine_ark": 2}))

    for path in ("retry", "retry?dry_run=1"):
        refused(act(client, batch_id, path), 422, "validation_failed")
    page = client.post(f"/batches/{batch_id}/retry", headers=POST)

    assert page.status_code == 422 and "volcengine_ark" in page.text
    assert look(client, batch_id)["status"] == "completed"
