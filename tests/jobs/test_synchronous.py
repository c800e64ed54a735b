"""Models whose answer to a submission is the picture: nobody can be asked again."""

from dataclasses import replace

import pytest

from jimeng.documents import Generation, utcnow
from jimeng.jobs import queue, submission
from jimeng.jobs.runtime import try_acquire
from jimeng.pictures import decoder
from jimeng.providers import Progress
from tests.conftest import come_due, png, run_queue
from tests.test_core import create, result

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
    (generation,) = Generation.objects
    assert (generation.slot, generation.charged) == (None, "yes")
    assert generation.remote_ids == []


def test_links_are_written_before_the_download(
    client, provider, synchronous, monkeypatch
):
    """A death after the answer costs a second download, not a second picture."""
    provider.submits = [Progress("", done=True, urls=("http://127.0.0.1:9/x",))]
    monkeypatch.setattr(
        submission, "store_output", lambda *args: None
    )  # it dies right there
    task_id = create(client)["task_id"]
    run_queue()
    assert result(client, task_id)["phase"] == "saving"

    (generation,) = Generation.objects
    assert generation.urls == ["http://127.0.0.1:9/x"]
    assert generation.slot is None


def test_nobody_takes_over_while_the_only_copy_is_looked_at(
    client, provider, synchronous, monkeypatch
):
    """However busy the machine: a decoder may take its whole patience."""
    provider.submits = [DONE]
    monkeypatch.setattr(
        submission, "store_output", lambda *args: None
    )  # it goes on and on
    create(client)

    run_queue()

    (generation,) = Generation.objects
    left = (generation.due_at - utcnow()).total_seconds()
    assert left > decoder.QUEUE_TIMEOUT_S


def test_bytes_that_were_lost_are_said_to_be_charged(
    client, provider, synchronous, monkeypatch
):
    """Nothing is left to download, and the picture was paid for."""
    provider.submits = [DONE]
    monkeypatch.setattr(submission, "store_output", lambda *args: None)
    task_id = create(client)["task_id"]
    run_queue()

    from jimeng.jobs import pump

    come_due()
    pump.tick()
    run_queue()

    error = result(client, task_id)["error"]
    assert (error["code"], error["charged"]) == ("picture_lost", "yes")
    assert len(provider.requests) == 1


def test_lease_outlasts_the_call(client, provider, synchronous):
    """Nobody gives a call up that may still be answered."""
    left = []

    def look() -> Progress:
        (generation,) = Generation.objects
        left.append((generation.due_at - generation.sent_at).total_seconds())
        return DONE

    provider.submits = [look]
    create(client)
    run_queue()

    assert left[0] > synchronous.answer_within


def test_drawing_shows_while_the_answer_is_awaited(client, provider, synchronous):
    """The long call is the drawing, not the sending."""
    seen = []

    def look() -> Progress:
        seen.append(result(client, task_id)["phase"])
        return DONE

    provider.submits = [look]
    task_id = create(client)["task_id"]
    run_queue()

    assert seen == ["generating"]


def test_some_workers_stay_free(client, provider, synchronous, monkeypatch):
    """With all places of a process taken the picture waits, and loses nothing."""
    provider.submits = [DONE]
    task_id = create(client)["task_id"]
    places = [
        try_acquire(submission._synchronous)
        for _ in range(submission.MAX_SYNCHRONOUS_CALLS)
    ]
    assert all(place.__enter__() for place in places)

    run_queue()
    assert result(client, task_id)["status"] == "pending"
    for place in places:
        place.__exit__(None, None, None)

    queue.dispatch.call_local(synchronous.lane)
    assert result(client, task_id)["status"] == "completed"
