"""The metrics while Redis is frozen: whatever waits for it waits at the same time."""

import threading
from collections.abc import Callable

import pytest
from redis.exceptions import TimeoutError as RedisTimeout

from jimeng import jobs
from jimeng.jobs.metric_counters import counts
from jimeng.monitoring import metrics, readiness
from tests.monitoring.test_metrics import scrape
from tests.waiting import PATIENCE_S

# The jobs, the clients that wait, the readiness, and the counters.
QUESTIONS = 4


@pytest.fixture(autouse=True)
def frozen(app, monkeypatch) -> None:
    """A command fails once all questions are asked; if one never is, all fail so."""
    monkeypatch.setattr(metrics, "CACHE_S", 0.0)
    readiness._state.cached = None
    asked = threading.Barrier(QUESTIONS, timeout=PATIENCE_S)

    def command(*args: object, **kwargs: object) -> None:
        try:
            asked.wait()
        except threading.BrokenBarrierError:
            raise AssertionError("asked one after the other") from None
        raise RedisTimeout("Timeout reading from socket")

    monkeypatch.setattr(jobs.huey.storage.conn, "execute_command", command)
    monkeypatch.setattr(jobs.huey.storage.conn, "pipeline", pipeline_of(command))


def pipeline_of(command: Callable) -> Callable:
    class Pipeline:
        def __enter__(self) -> "Pipeline":
            return self

        def __exit__(self, *args: object) -> None:
            pass

        def hincrby(self, *args: object) -> None:
            pass

        execute = command

    return lambda **kwargs: Pipeline()


@pytest.mark.parametrize("are_counted", [False, True])
def test_frozen_redis_is_waited_for_once(client, are_counted):
    """Also where counts of this process are still to be added."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counts, "_counted", {"requests\tapi": 1} if are_counted else {})

        found = scrape(client)

    assert found["jimeng_redis_up",] == 0
    assert found["jimeng_not_ready", "redis"] == 1
    assert ("jimeng_queue_jobs",) not in found
