"""An idle worker is woken by whatever there is to do."""

import threading
import time

import pytest
from redis.exceptions import ConnectionError as RedisGone

from jimeng import jobs
from jimeng.process import activity, broker
from tests.rest import API, create


@pytest.fixture
def storage(database, monkeypatch):
    """It waits for no longer than a test."""
    monkeypatch.setattr(jobs.huey.storage, "read_timeout", 0.05)
    return jobs.huey.storage


def woken() -> bool:
    """Whether a worker that waits for jobs is woken, and given none."""
    activity._state.clear()
    assert jobs.huey.dequeue() is None
    return not activity.is_idle()


def test_request_that_changes_something_wakes_a_worker(client, storage):
    """Also one for which there is no job; one that changes nothing lets it rest."""
    client.get(f"{API}/models")
    client.post(f"{API}/tasks/none/cancel")
    assert not woken()

    task_id = create(client)
    storage.flush_queue()
    assert woken()
    broker._state.next_wake = 0.0
    assert client.post(f"{API}/tasks/{task_id}/cancel").status_code == 200

    assert woken()
    assert not woken()


def test_worker_is_woken_once_for_many_requests(client, storage):
    """And a list that no worker empties does not grow."""
    for _ in range(3):
        jobs.wake_a_worker()
    assert storage.conn.llen(broker.WAKE_KEY) == 1
    for _ in range(3):
        broker._state.next_wake = 0.0
        jobs.wake_a_worker()

    assert storage.conn.llen(broker.WAKE_KEY) == 1


def test_request_does_not_wait_for_redis_again(database, monkeypatch):
    """While it is down nobody is woken: workers look by themselves."""
    tried = []

    def fail(**_: object) -> None:
        tried.append(1)
        raise RedisGone("refused")

    monkeypatch.setattr(jobs.huey.storage.conn, "pipeline", fail)
    for _ in range(3):
        jobs.wake_a_worker()

    assert tried == [1]
    left = broker._state.next_wake - time.monotonic()
    assert broker.WAKE_EVERY_S < left <= broker.WAKE_RETRY_AFTER_S


def test_threads_that_wait_for_jobs_ask_in_turn(storage, monkeypatch):
    """One asks Redis; the others give up in time to hear that they are to stop."""
    asks, goes_on = threading.Event(), threading.Event()
    asked = []

    def brpop(*_: object, **__: object) -> None:
        asked.append(1)
        asks.set()
        goes_on.wait()

    monkeypatch.setattr(storage.conn, "brpop", brpop)
    first = threading.Thread(target=jobs.huey.dequeue)
    first.start()
    asks.wait()

    assert [jobs.huey.dequeue() for _ in range(3)] == [None] * 3
    goes_on.set()
    first.join()

    assert asked == [1]


def test_job_is_fetched_before_the_wake(client, storage):
    create(client)

    assert jobs.huey.dequeue() is not None
    assert activity.is_idle()
    assert woken()
