"""A slot is held as long as the provider draws, whoever stalls."""

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


def test_submitter_that_stalls_keeps_what_it_paid_for(stack):
    """Frozen while its submission is answered, and given up: the picture comes yet."""
    stack.start_consumer(MONKEY, **SHORT)
    stack.await_ready()
    stack.spoil("submit", "late", seconds=1.0)
    task_id = stack.create(seed=7)
    wait_for(lambda: stack.ledger()["rows"], what="the provider has accepted it")
    (stalled,) = stack.consumers
    stalled.send_signal(signal.SIGSTOP)

    stack.start_consumer(MONKEY, **SHORT)
    (given_up,) = stack.await_ended([task_id]).values()
    held = stack.slots_held()
    stalled.send_signal(signal.SIGCONT)
    wait_for(
        lambda: stack.result(task_id)["status"] == "completed", what="it comes yet"
    )

    assert given_up["error"]["code"] == "submit_unknown"
    assert given_up["error"]["charged"] == "unknown"
    assert held == 1
    (image,) = stack.result(task_id)["result"]["images"]
    assert is_picture(stack, image)
    (row,) = stack.ledger()["rows"]
    status, answer = stack.ask("GET", f"/api/v1/tasks/{task_id}")
    assert answer["data"]["provider_task_ids"] == [row["task_id"]]
    assert (row["seed"], row["billed"]) == (7, True)
    wait_for(lambda: stack.slots_held() == 0, what="its slot is free")
