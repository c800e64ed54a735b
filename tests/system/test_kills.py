"""Consumers are killed and Redis is emptied: nothing is lost, nothing paid twice."""

from collections import Counter

import pytest
import redis

from tests.waiting import wait_for

pytestmark = pytest.mark.system

REQ_KEY = "jimeng_t2i_v30"
LIMITS = {REQ_KEY: 2, f"{REQ_KEY}@AKSTUDIO": 1}  # two accounts


@pytest.fixture
def stack(own_stack):
    with own_stack(
        "kills",
        limit=LIMITS[REQ_KEY],
        accounts=[f"AKSTUDIO:SKSTUDIO:{LIMITS[f'{REQ_KEY}@AKSTUDIO']}"],
        VOLCENGINE_ACCOUNTS="studio",
        VOLCENGINE_ACCESS_KEY_STUDIO="AKSTUDIO",
        VOLCENGINE_SECRET_KEY_STUDIO="SKSTUDIO",
        VOLCENGINE_CONCURRENCY_STUDIO="1",
        up=False,
    ) as made:
        yield made


def test_killed_consumers_and_flushed_redis_lose_nothing(stack, lane):
    """20 tasks of 3 users, all consumers killed twice, Redis emptied in between."""
    stack.remember_durations(lane, 0.5)
    stack.await_up()
    ids = [stack.create(user_id=f"user{n % 3}", seed=n) for n in range(20)]
    stack.start_consumer()
    stack.start_consumer()

    sent = 0
    for _ in range(2):
        wanted = min(sent + 3, len(ids))
        wait_for(
            lambda wanted=wanted: len(stack.ledger()["rows"]) >= wanted,
            what="three more submissions",
        )
        stack.kill_consumers()
        sent = len(stack.ledger()["rows"])
        redis.Redis.from_url(stack.env["REDIS_URL"]).flushdb()
        stack.let_leases_pass()
        stack.start_consumer()
        stack.start_consumer()
    results = stack.await_ended(ids)

    ledger = stack.ledger()
    seeds = Counter(row["seed"] for row in ledger["rows"] if row["billed"])
    assert max(seeds.values()) == 1
    assert set(ledger["high_water"]) == set(LIMITS)  # both accounts drew
    assert all(n <= LIMITS[each] for each, n in ledger["high_water"].items())
    codes = {r["error"]["code"] for r in results.values() if r["status"] == "failed"}
    assert codes <= {"submit_unknown"}
    completed = [r["status"] for r in results.values()].count("completed")
    assert completed >= 20 - 2 * sum(LIMITS.values())  # what was just being sent
