"""
A process dies just before each of its writes while it makes a batch's tasks.

Whatever the moment: in the end there is one task for each prompt, nothing is submitted
twice, and what a cancelled batch has made is cancelled.
"""

from collections import Counter

from jimeng import jobs
from jimeng.batches import filling
from jimeng.documents import Batch, Generation, Task
from jimeng.errors import ProviderError
from jimeng.upkeep import janitor
from tests.batches.conftest import draw_nothing, fill, lines
from tests.conftest import FakeProvider
from tests.jobs.test_deaths import Died, Reaper, afresh, reaper
from tests.rest import API

__all__ = ["afresh", "reaper"]

BODY = {"template": lines(2), "user_id": "user_123"}


def until_done(reaper: Reaper, act) -> None:
    """Do it, and after a death have another process go on."""
    try:
        act()
    except Died:
        jobs.huey.storage.flush_queue()
    reaper.disarm()


def check(provider: FakeProvider, where: str) -> None:
    rows = Task.objects.order_by("id")
    assert [task.batch_index for task in rows] == [0, 1], where
    assert Generation.objects.count() == 2, where
    assert {task.status for task in rows} == {"completed"}, where
    sent = Counter(request.prompt for request in provider.requests)
    assert set(sent.values()) == {1}, where


def test_death_while_tasks_are_made_loses_and_repeats_none(
    client, reaper, afresh, provider, work_all, monkeypatch
):
    """One death, at each write of the consumer that fills the batch."""
    monkeypatch.setattr(janitor, "REQUEST_GRACE", -janitor.REQUEST_GRACE)
    with monkeypatch.context() as patched:
        patched.setattr(filling, "begin", lambda batch: None)
        for number in afresh.each_moment(least=6):
            client.post(f"{API}/batches", json=BODY)
            reaper.arm(number)

            until_done(reaper, fill)

            janitor.backfill_all_generations()
            work_all()
            check(provider, f"{number}: {reaper.seen[-3:]}")
            assert Batch.objects.get().counts["done"] == 2


def test_death_while_it_is_asked_for_makes_it_once_or_not_at_all(
    client, reaper, afresh, provider, work_all, monkeypatch
):
    """With its key the request may be sent again, whatever became of the first."""
    monkeypatch.setattr(janitor, "REQUEST_GRACE", -janitor.REQUEST_GRACE)
    for number in afresh.each_moment(least=6):
        reaper.arm(number)

        def ask():
            headers = {"Idempotency-Key": "many"}
            return client.post(f"{API}/batches", json=BODY, headers=headers)

        until_done(reaper, ask)
        assert ask().status_code == 202

        janitor.backfill_all_generations()
        work_all()
        check(provider, f"{number}: {reaper.seen[-3:]}")


def test_death_while_it_is_run_again_asks_for_nothing_twice(
    client, reaper, afresh, provider, work_all, monkeypatch
):
    """Each task that failed has one that takes its place."""
    monkeypatch.setattr(janitor, "REQUEST_GRACE", -janitor.REQUEST_GRACE)
    for number in afresh.each_moment(least=6):
        provider.submits = [ProviderError("no", code="provider_failed")] * 2
        made = client.post(f"{API}/batches", json=BODY).json["data"]["batch_id"]
        work_all()
        with monkeypatch.context() as patched:
            patched.setattr(filling, "begin", lambda batch: None)
            answer = client.post(f"{API}/batches/{made}/retry")
        assert answer.status_code == 202, answer.json
        reaper.arm(number)

        until_done(reaper, fill)

        janitor.backfill_all_generations()
        work_all()
        where = f"{number}: {reaper.seen[-3:]}"
        again = Task.objects(retried_from__exists=True)
        assert sorted(task.batch_index for task in again) == [0, 1], where
        assert len(provider.requests) == 4, where
        assert Batch.objects.get().counts["done"] == 2, where


def test_death_while_it_is_cancelled_leaves_nothing_to_be_drawn(
    client, reaper, afresh, provider, work_all, monkeypatch
):
    """Cancelled or not: what the answer would have said is so in the end."""
    for number in afresh.each_moment(least=3):
        made = client.post(f"{API}/batches", json=BODY).json["data"]["batch_id"]
        reaper.arm(number)

        until_done(
            reaper, lambda made=made: client.post(f"{API}/batches/{made}/cancel")
        )

        if Batch.objects.get().stopped is None:
            continue  # it died before anything was written
        work_all()
        where = f"{number}: {reaper.seen[-3:]}"
        assert {task.status for task in Task.objects} == {"cancelled"}, where
        assert provider.requests == [], where


def test_task_that_was_deleted_meanwhile_is_not_made_again(client):
    """Who took over finds its pictures, which stay where the task is gone."""
    client.post(f"{API}/batches", json={**BODY, "template": lines(12)})
    draw_nothing()
    batch = Batch.objects.get()
    first = batch.task_id(batch.made - 1)
    client.delete(f"{API}/ai/image/task/{first}")
    # As if its maker had died before it noted that it is there.
    Batch.collection().update_one({}, {"$inc": {"made": -1}})

    fill()

    assert Task.objects(id=first).count() == 0
    assert Batch.objects.get().made == 12
    assert Task.objects.count() == 11
