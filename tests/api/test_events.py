"""Server-sent events: a task as it changes."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count, islice

import pytest
from pymongo.errors import AutoReconnect

from jimeng import tasks
from jimeng.api import events
from jimeng.documents import Task
from jimeng.documents.principal import Principal
from jimeng.http import long_polls
from tests.documents.slow import way_to
from tests.forgetting import forget_lanes
from tests.rest import API, client_with, create, data_of, refused, result
from tests.waiting import PATIENCE_S


@pytest.fixture(autouse=True)
def anew(quick_room, monkeypatch):
    """A room as the product's own server has it; what changes by itself shows soon."""
    monkeypatch.setattr(events, "RETRY_AFTER_S", 0.2)
    monkeypatch.setattr(events, "MAX_STREAM_S", PATIENCE_S)


def follow(client, task_id: str):
    return client.get(f"{API}/tasks/{task_id}/events")


def read(answer) -> Iterator[dict[str, str]]:
    """The blocks of a stream: the fields of each, of comments nothing."""
    for text in answer.response:
        for block in text.decode().split("\n\n")[:-1]:
            lines = [line.partition(": ") for line in block.splitlines()]
            yield {name: value for name, _, value in lines}


def told(blocks: list[dict[str, str]]) -> list[dict]:
    return [json.loads(each["data"]) for each in blocks if "data" in each]


def test_task_is_followed_to_its_end(client, soon):
    """From the first moment to the picture, each state as the short answer has it."""
    task_id = create(client)
    soon()

    began = time.time()
    answer = follow(client, task_id)
    blocks = list(read(answer))

    states = [each["status"] for each in told(blocks)]
    assert (states[0], states[-1]) == ("pending", "completed")
    assert told(blocks)[-1] == result(client, task_id)
    late = told(list(read(follow(client, task_id))))
    assert late == [result(client, task_id)], "what has ended is told once"
    assert answer.mimetype == "text/event-stream"
    assert answer.headers["Cache-Control"] == "no-store, no-transform"
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert blocks[0]["retry"] == "3000"
    assert {each["event"] for each in blocks if "data" in each} == {"task"}
    ids = [int(each["id"]) for each in blocks if "data" in each]
    assert ids == sorted(set(ids))
    assert began - 1 <= ids[-1] / 1000 <= time.time()


def test_what_does_not_change_is_not_told_again(client, monkeypatch):
    """Only that somebody is still here; after a while the client connects anew."""
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.3)
    task_id = create(client)

    answer = follow(client, task_id)
    blocks = list(islice(read(answer), 3))
    answer.close()
    monkeypatch.setattr(events, "MAX_STREAM_S", 0.3)
    ended = list(read(follow(client, task_id)))

    assert len(told(blocks)) == len(told(ended)) == 1


def test_place_in_line_is_told_as_it_changes(client):
    """It is not in the task's record, which nobody writes meanwhile."""
    first, task_id = create(client), create(client)
    forget_lanes()  # the line as it was a moment ago
    blocks = read(follow(client, task_id))
    begun = told([next(blocks)])[0]
    client.post(f"{API}/tasks/{first}/cancel", json={})

    (later,) = told([next(each for each in blocks if "data" in each)])

    assert (begun["position"], later["position"]) == (1, 0)


def test_stopping_server_ends_the_stream(client, soon, waits):
    """The client connects to another process, and is told the present state."""
    task_id = create(client)
    soon(long_polls.shut_down)

    list(read(follow(client, task_id)))

    assert waits == [(events.MAX_STREAM_S, False)]


def test_deleted_task_is_followed_no_longer(client, soon):
    """The stream ends; connecting anew is a 404."""
    task_id = create(client)
    soon(lambda: Task.collection().delete_one({"_id": task_id}))

    list(read(follow(client, task_id)))

    refused(follow(client, task_id), 404, "task_not_found")


def test_without_a_place_the_client_is_sent_to_ask(client):
    """Events hold a thread each; a quarter of the places is all they get."""
    task_id = create(client)
    with ExitStack() as held:
        for number in range(8):
            held.enter_context(
                long_polls.event_stream_permit(Principal("ada"), f"user{number}")
            )

        answer = follow(client, task_id)

        refused(answer, 429, "too_many_waiting")
        assert int(answer.headers["Retry-After"]) > 0
        data_of(client.get(f"{API}/ai/image/result/{task_id}"))


def test_place_is_free_again_once_nobody_reads(client):
    """Whether the stream was read or not, or only asked for its head."""
    task_id = create(client)
    for _ in range(10):
        answer = follow(client, task_id)
        next(iter(answer.response))
        answer.close()
        follow(client, task_id).close()
        client.head(f"{API}/tasks/{task_id}/events").close()

    answer = follow(client, task_id)
    assert told([next(read(answer))])
    answer.close()


def test_database_that_goes_away_meanwhile_is_waited_for(
    app, servers, config, registry, monkeypatch
):
    """The stream goes on, and tells what there is to tell when it is back."""
    monkeypatch.setattr("jimeng.documents.connection.WEB_TIMEOUT", 4.0)
    with (
        way_to(servers.mongodb_uri) as way,
        client_with(config, registry, MONGODB_URI=way.uri) as far,
    ):
        task_id = create(far)
        blocks = read(follow(far, task_id))
        next(blocks)
        way.delay = None
        monkeypatch.setattr(events, "HEARTBEAT_S", 0.1)
        silent = [next(blocks) for _ in range(3)]
        way.delay = 0.0
        Task.cancel({}, task_id)
        last = list(blocks)

    assert told(silent) == []
    assert told(last)[-1]["status"] == "cancelled"


@pytest.mark.parametrize("ends_by", ["its task", "its client"])
def test_ended_stream_is_watched_no_longer(client, monkeypatch, ends_by):
    """Though the error of a snapshot keeps the frames alive that it went through."""
    task_id, find, calls, errors = create(client), tasks.find, count(), []

    def fail_once(*args: object) -> Task:
        if next(calls) == 1:
            errors.append(AutoReconnect("away"))
            raise errors[0]
        return find(*args)

    monkeypatch.setattr(tasks, "find", fail_once)
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.1)
    answer = follow(client, task_id)
    blocks = read(answer)
    next(each for each in blocks if errors)
    assert long_polls.waiters()[0] == 1

    if ends_by == "its task":
        Task.cancel({}, task_id)
        assert told(list(blocks))[-1]["status"] == "cancelled"
    answer.close()

    assert long_polls.waiters()[0] == 0
    assert errors[0].__traceback__
