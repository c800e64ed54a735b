"""What happens late: deadlines, late looks, names that come after all, delays."""

import time
from datetime import timedelta

import pytest

from jimeng.documents import Batch, Generation, Lane, Task, Worker, utcnow
from jimeng.providers import Progress
from jimeng.upkeep import repair
from tests.batches.conftest import ask
from tests.conftest import come_due, png, run_queue
from tests.rest import data_of
from tests.test_core import begin, create, refusal, result
from tests.test_guards import (
    ahead,
    beyond_its_lease,
    change,
    generation,
    work,
    work_due,
)

RUNNING = Progress("remote-1")


def time_out(client, provider, hours: float = 1) -> str:
    """A task whose picture has not come by the deadline, so long after acceptance."""
    provider.polls = [RUNNING, RUNNING]
    task_id = begin(client)
    long_ago = utcnow() - timedelta(hours=hours)
    Generation.objects.update(set__accepted_at=long_ago, set__due_at=long_ago)
    work()
    return task_id


def create_delayed(client) -> str:
    body = {"type": "image", "prompt": "猫", "user_id": "ada", "delay": 600}
    return data_of(client.post("/api/v1/ai/tasks", json=body), 202)["task_id"]


@pytest.mark.parametrize(("hours", "looks"), [(0.5, [0.5, 10.5]), (5, [0, 6])])
def test_after_the_deadline_there_are_two_late_looks(client, provider, hours, looks):
    """After an hour and eleven: it may have been charged, and is kept for twelve."""
    task_id = time_out(client, provider, hours)
    error = result(client, task_id)["error"]
    assert (error["code"], error["charged"]) == ("timed_out", "unknown")
    assert generation().slot is None
    provider.polls = [RUNNING, RUNNING, RUNNING]
    before = len(provider.polled)

    for until_then in looks:
        assert ahead() == pytest.approx(until_then * 3600, abs=60)
        work_due()
    work_due()

    assert len(provider.polled) - before == 2
    assert result(client, task_id)["error"]["code"] == "timed_out"
    assert generation().due_at is None


def test_cancelled_task_stays_cancelled_at_a_late_look(client, provider):
    """Only a failure of which nobody knew the charge gives way to a picture."""
    task_id = time_out(client, provider)
    Task.objects.update(set__status="cancelled")
    provider.polls = [Progress("remote-1", done=True, images=(png(),))]

    work_due()

    assert result(client, task_id)["status"] == "cancelled"


def test_stalled_submitter_keeps_what_was_paid_for(client, provider):

    def stall() -> Progress:
        come_due(state="submitting")
        work()  # another consumer gives the submission up as unknown
        assert Task.objects.first().status == "failed"
        return Progress("late-name")

    provider.submits = [stall]
    task_id = begin(client)
    assert result(client, task_id)["error"]["code"] == "submit_unknown"

    work_due(state="generating")

    assert result(client, task_id)["status"] == "completed"
    assert provider.polled == ["late-name"]
    assert len(provider.requests) == 1


def test_refusal_after_the_lease_changes_nothing(client, provider):
    full = refusal("concurrency_limited", transient=True)
    provider.submits = [beyond_its_lease(full)]
    task_id = begin(client)

    assert result(client, task_id)["status"] == "failed"
    assert Generation.objects.first().state == "unknown"


def test_unreachable_provider_is_given_up_after_the_deadline(client, provider, config):
    """Nothing was ever sent: tried for as long as a task may take, then failed."""
    down = refusal("provider_unreachable", transient=True)
    provider.submits = [down, down, down]
    task_id = begin(client)

    def try_again(seconds: float) -> None:
        """So long after the first time."""
        first = utcnow() - timedelta(seconds=seconds)
        Generation.objects.update(set__first_sent_at=first)
        Lane.objects.update(unset__not_before=True)
        work()

    try_again(config.TASK_DEADLINE - 60)
    assert (len(provider.requests), generation().state) == (2, "queued")
    assert result(client, task_id)["status"] == "processing"

    try_again(config.TASK_DEADLINE + 1)

    data = result(client, task_id)
    assert (len(provider.requests), data["status"]) == (3, "failed")
    error = data["error"]
    assert (error["code"], error["charged"]) == ("provider_unreachable", "no")


def test_delayed_task_starts_when_its_time_has_come(client, provider, work_off):
    """Before that nothing is sent, and of a cancelled one nothing ever."""
    began = time.monotonic()
    task_id = create_delayed(client)
    client.post(f"/api/v1/tasks/{create_delayed(client)}/cancel")
    work()
    assert provider.requests == []
    data = result(client, task_id)
    assert data["status"] == "pending"
    assert 599 - (time.monotonic() - began) <= data["eta_seconds"] <= 600

    come_due()
    work_off()

    assert result(client, task_id)["status"] == "completed"
    assert len(provider.requests) == 1


def test_progress_never_goes_back(client, provider):
    provider.polls = [refusal("content_refused_picture", new_seed=True)]
    task_id = create(client)["task_id"]
    seen = [result(client, task_id)["progress"]]
    run_queue()
    Generation.objects.update(set__accepted_at=utcnow() - timedelta(seconds=3))
    seen.append(result(client, task_id)["progress"])

    for _ in range(4):
        work_due()
        seen.append(result(client, task_id).get("progress", 100))

    assert seen == sorted(seen)
    assert seen[1] > 0
    assert seen[-1] == 100


def test_clock_that_was_set_back_holds_up_nothing(client, provider):
    """What is under way is looked at soon; no worker that is gone seems to live."""
    task_id = begin(client)
    now, in_an_hour = utcnow(), utcnow() + timedelta(hours=1)
    Generation.objects.update(set__due_at=in_an_hour)
    ask(client, "猫")
    Batch.objects.update(set__due_at=in_an_hour)
    for name, seen_at in (("gone", in_an_hour), ("here", now)):
        Worker(id=name, started_at=now, seen_at=seen_at).save()

    repair.repair()
    work()

    assert result(client, task_id)["status"] == "completed"
    assert Batch.objects.get().due_at < utcnow()
    assert [each.id for each in Worker.objects] == ["here"]


def test_clock_that_was_set_back_leaves_who_submits_the_time_for_it(client):
    """And no more: nobody knows whether he lives."""
    create(client)
    in_an_hour = utcnow() + timedelta(hours=1)
    held = {"state": "submitting", "due_at": in_an_hour, "slot": 0}
    Generation.collection().update_one({}, {"$set": held})

    repair.repair()

    left = Generation.objects.get().due_at - utcnow()
    assert timedelta(minutes=15) < left <= repair.MAX_DUE_AHEAD


def test_what_is_to_be_late_stays_so(client, provider):
    """A late look is an hour ahead; what cannot be read by then stays as it ended."""
    task_id = time_out(client, provider)
    late = Generation.objects.get()

    repair.repair()

    assert Generation.objects.get().due_at == late.due_at
    change(width="wide")
    work_due()
    left = Generation.collection().find_one({})
    assert (left["error"]["code"], left.get("due_at")) == ("timed_out", None)
    assert result(client, task_id)["error"]["charged"] == "unknown"
