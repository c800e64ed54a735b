"""What a worker asks of its databases while there is nothing to do."""

import os
import threading

import pytest
import redis

from jimeng.process import activity
from tests.system.stack import VIDEOS, Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.system

SECONDS = 12  # counted; the rarer periodic tasks, of a minute and more, cost little
MOST_A_SECOND = 5  # of either database
MOST_THREADS = 28


@pytest.fixture
def idle(own_stack):
    """A worker with webhooks and videos that has done all that it does at its start."""
    with own_stack("idle", **VIDEOS) as made:
        made.start_consumer()
        made.await_ready()
        with made.database() as found:
            wait_for(lambda: is_idle(found.workers.find_one()))
        yield made


def is_idle(worker: dict) -> bool:
    alive = (worker["seen_at"] - worker["started_at"]).total_seconds()
    return alive > activity.IDLE_AFTER_S


def redis_commands(stack: Stack, seconds: float) -> list[str]:
    """What is asked of its database of Redis, which is not the only one there."""
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as link:
        number = link.connection_pool.connection_kwargs["db"]
        seen: list[str] = []
        with link.monitor() as monitor:
            end = threading.Timer(seconds, monitor.connection.disconnect)
            end.start()
            try:
                for each in monitor.listen():
                    if each["db"] == number and each["client_type"] != "lua":
                        seen.append(each["command"].split()[0])
            except (redis.RedisError, OSError, ValueError, AttributeError):
                pass  # the time is over
        return seen


def test_idle_worker_asks_little(idle):
    with idle.database() as found:
        found.command("profile", 2)
        asked_redis = redis_commands(idle, SECONDS)
        found.command("profile", 0)
        rows = found.system.profile.find({"ns": {"$not": {"$regex": "profile$"}}})
        asked_mongodb = [next(iter(row["command"]), row["op"]) for row in rows]

    assert 0 < len(asked_mongodb) <= MOST_A_SECOND * SECONDS, asked_mongodb
    assert 0 < len(asked_redis) <= MOST_A_SECOND * SECONDS, asked_redis
    assert len(os.listdir(f"/proc/{idle.consumers[0].pid}/task")) <= MOST_THREADS
