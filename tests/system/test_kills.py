"""Consumers are killed and Redis is emptied: nothing is lost, nothing paid twice."""

from collections import Counter

import pytest
import redis

from tests.system.stack import MONKEY, Stack
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


def check_ledger(stack: Stack, results: dict[str, dict]) -> None:
    """Nothing was billed twice, and both accounts drew, within their limits."""
    ledger = stack.ledger()
    seeds = Counter(row["seed"] for row in ledger["rows"] if row["billed"])
    assert max(seeds.values()) == 1
    assert set(ledger["high_water"]) == set(LIMITS)
    assert all(n <= LIMITS[each] for each, n in ledger["high_water"].items())
    codes = {r["error"]["code"] for r in results.values() if r["status"] == "failed"}
    assert codes <= {"submit_unknown"}


def test_killed_consumers_and_flushed_redis_lose_nothing(stack, lane):
    """20 tasks of 3 users, all consumers killed twice, Redis emptied in between."""
    stack.remember_durations(lane, 0.5)
    stack.start_consumer()
    stack.start_consumer()
    stack.await_ready()
    ids = [stack.create(user_id=f"user{n % 3}", seed=n) for n in range(20)]

    for _ in range(2):
        done = len(stack.ledger()["rows"])
        wait_for(
            lambda done=done: len(stack.ledger()["rows"]) >= done + 3,
            what="three more submissions",
        )
        stack.kill_consumers()
        redis.Redis.from_url(stack.env["REDIS_URL"]).flushdb()
        stack.let_leases_pass()
        stack.start_consumer()
        stack.start_consumer()
    results = stack.await_ended(ids)

    check_ledger(stack, results)
    assert [r["status"] for r in results.values()].count("completed") >= 16


def test_consumers_that_die_at_any_write_lose_nothing(stack, lane):
    """40 tasks through consumers that die at random writes and calls."""
    stack.remember_durations(lane, 0.5)
    stack.await_up()
    ids = [stack.create(user_id=f"user{n % 3}", seed=n) for n in range(40)]

    deaths = 0
    seed = 0

    def settle() -> bool:
        nonlocal deaths, seed
        for consumer in [c for c in stack.consumers if c.poll() is not None]:
            stack.consumers.remove(consumer)
            deaths += 1
        while len(stack.consumers) < 2:
            seed += 1
            stack.start_consumer(
                MONKEY, MONKEY_SEED=str(seed), MONKEY_CHANCE="0.004", MONKEY_LEASE="5"
            )
        return stack.all_ended()

    wait_for(settle, 150, "all tasks have ended")
    results = {task_id: stack.result(task_id) for task_id in ids}
    statuses = {result["status"] for result in results.values()}
    assert statuses <= {"completed", "failed"}

    assert deaths >= 3
    check_ledger(stack, results)
    wait_for(lambda: not stack.slots_held(), what="no slot is held")
