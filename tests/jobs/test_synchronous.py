"""Models whose answer to a submission is the picture: nobody can be asked again."""

from dataclasses import replace

import pytest

from jimeng.documents import utcnow
from jimeng.jobs import queue, submission
from jimeng.jobs.runtime import try_acquire
from jimeng.pictures import decoder
from jimeng.providers import Progress
from tests.conftest import png, run_queue
from tests.test_core import begin, create, result
from tests.test_guards import generation, work_due

DONE = Progress("", done=True, images=(png(),))


@pytest.fixture
def synchronous(app, registry, monkeypatch, lane):
    """The model of the tests, as one that answers with the picture."""
    model = replace(registry.model(None), is_synchronous=True, answer_within=60.0)
    monkeypatch.setattr(registry, "by_lane", lambda lane: model)
    return model


def test_answer_is_the_picture(client, provider, synchronous):
    """One call, no poll, and the slot is free."""
    provider.submits = [DONE]
    task_id = create(client)["task_id"]

    run_queue()

    assert result(client, task_id)["status"] == "completed"
    assert provider.polled == []
    assert (generation().slot, generation().charged) == (None, "yes")
    assert generation().remote_ids == []


def test_links_are_written_first(client, provider, synchronous, monkeypatch):
    """A death after the answer costs a second download, not a second picture."""
    provider.submits = [Progress("", done=True, urls=("http://127.0.0.1:9/x",))]
    # It dies right there.
    monkeypatch.setattr(submission, "store_output", lambda *args: None)
    task_id = begin(client)
    assert result(client, task_id)["phase"] == "saving"

    assert generation().urls == ["http://127.0.0.1:9/x"]
    assert generation().slot is None


def test_lost_bytes_are_charged(client, provider, synchronous, monkeypatch):
    """But nobody takes over while a decoder looks at the only copy."""
    provider.submits = [DONE]
    monkeypatch.setattr(submission, "store_output", lambda *args: None)
    task_id = begin(client)
    left = (generation().due_at - utcnow()).total_seconds()
    assert left > decoder.QUEUE_TIMEOUT_S

    work_due()

    error = result(client, task_id)["error"]
    assert (error["code"], error["charged"]) == ("picture_lost", "yes")
    assert len(provider.requests) == 1


def test_lease_outlasts_the_call(client, provider, synchronous):
    """Nobody gives up a call that may be answered; it counts as the drawing."""
    seen = []

    def look() -> Progress:
        left = (generation().due_at - generation().sent_at).total_seconds()
        seen.append((result(client, task_id)["phase"], left))
        return DONE

    provider.submits = [look]
    task_id = create(client)["task_id"]
    run_queue()

    ((phase, left),) = seen
    assert phase == "generating"
    assert left > synchronous.answer_within


def test_some_workers_stay_free(client, provider, synchronous, monkeypatch):
    """With all places of a process taken the picture waits, and loses nothing."""
    provider.submits = [DONE]
    task_id = create(client)["task_id"]
    every = range(submission.MAX_SYNCHRONOUS_CALLS)
    places = [try_acquire(submission._synchronous) for _ in every]
    assert all(place.__enter__() for place in places)

    run_queue()
    assert result(client, task_id)["status"] == "pending"
    for place in places:
        place.__exit__(None, None, None)

    queue.dispatch.call_local(synchronous.lane)
    assert result(client, task_id)["status"] == "completed"
