"""A slot is held as long as the provider draws, by nobody longer, whoever stalls."""

import signal

import pytest

from tests.system.stack import MONKEY, Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.system

LIMIT = 8
LEASE = 2.0  # seconds
# Never dies, but its claims hold only that long.
SHORT = {"MONKEY_SEED": "1", "MONKEY_CHANCE": "0", "MONKEY_LEASE": str(LEASE)}


@pytest.fixture(scope="module")
def running(own_stack):
    with own_stack("slots", VOLCENGINE_CONCURRENCY=str(LIMIT)) as made:
        yield made


@pytest.fixture
def stack(running, lane):
    running.begin_anew(duration=0.2, limit=LIMIT)
    running.remember_durations(lane, 0.2)
    return running


def is_picture(stack: Stack, image: dict) -> bool:
    status, kind, content = stack.fetch(image["url"])
    return status == 200 and kind == "image/jpeg" and len(content) > 0


def test_four_pictures_a_task_under_load(stack):
    """Twenty tasks of four: all eighty come, each once, and no slot is left taken."""
    stack.start_consumer()
    stack.start_consumer()

    ids = [stack.create(user_id=f"user{n % 3}", n=4, seed=100 * n) for n in range(20)]
    results = stack.await_ended(ids, 60)

    assert {result["status"] for result in results.values()} == {"completed"}
    assert {len(each["result"]["images"]) for each in results.values()} == {4}
    ledger = stack.ledger()
    expected = [100 * n + index for n in range(20) for index in range(4)]
    assert sorted(row["seed"] for row in ledger["rows"]) == expected
    assert max(ledger["high_water"].values()) <= LIMIT
    assert stack.slots_held() == 0


def test_submitter_that_stalls_keeps_what_it_paid_for(stack):
    """Frozen while its submission is answered, and given up: the picture comes yet."""
    stack.start_consumer(MONKEY, **SHORT)
    stack.await_ready()
    stack.spoil("submit", "late", seconds=1.0)
    task_id = stack.create(seed=7)
    wait_for(lambda: stack.ledger()["rows"], 10, "the provider has accepted it")
    (stalled,) = stack.consumers
    stalled.send_signal(signal.SIGSTOP)

    stack.start_consumer(MONKEY, **SHORT)
    (given_up,) = stack.await_ended([task_id], 20).values()
    held = stack.slots_held()
    stalled.send_signal(signal.SIGCONT)
    wait_for(lambda: stack.result(task_id)["status"] == "completed", 20, "it comes yet")

    assert given_up["error"]["code"] == "submit_unknown"
    assert given_up["error"]["charged"] == "unknown"
    assert held == 1
    (image,) = stack.result(task_id)["result"]["images"]
    assert is_picture(stack, image)
    (row,) = stack.ledger()["rows"]
    status, answer = stack.ask("GET", f"/api/v1/tasks/{task_id}")
    assert answer["data"]["provider_task_ids"] == [row["task_id"]]
    assert (row["seed"], row["billed"]) == (7, True)
    wait_for(lambda: stack.slots_held() == 0, 10, "its slot is free")


def test_slots_are_free_after_failures_and_cancellations(stack):
    """However a picture ends, what comes after it is sent."""
    stack.start_consumer()
    refused = [stack.create(prompt="[[50411]]"), stack.create(prompt="[[poll 50511]]")]
    cancelled = stack.create(prompt="[[slow 1]]", seed=99)
    wait_for(
        lambda: 99 in [row["seed"] for row in stack.ledger()["rows"]], 10, "it is sent"
    )
    stack.ask("POST", f"/api/v1/tasks/{cancelled}/cancel")

    after = [stack.create(user_id="bob", seed=n) for n in range(2 * LIMIT)]
    results = stack.await_ended([*refused, cancelled, *after], 40)

    assert [results[each]["status"] for each in refused] == ["failed", "failed"]
    assert results[cancelled]["status"] == "cancelled"
    assert {results[each]["status"] for each in after} == {"completed"}
    wait_for(lambda: stack.slots_held() == 0, 15, "no slot is held")
    assert max(stack.ledger()["high_water"].values()) <= LIMIT
