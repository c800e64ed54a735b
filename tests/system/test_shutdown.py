"""Rolling restarts under load: nothing is refused, lost or left unknown."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.system.stack import Stack
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

LIMIT = 8
RATE = 20  # submissions a second
SECONDS = 8
CREATE = "/api/v1/ai/image/task"


@pytest.fixture
def stack(own_stack, lane):
    with own_stack(
        "shutdown",
        limit=LIMIT,
        duration=0.2,
        VOLCENGINE_CONCURRENCY=str(LIMIT),
        USER_MAX_PENDING="1000",
        LOG_LEVEL="warning",
    ) as made:
        made.simulate(plain=True)
        made.remember_durations(lane, 0.2)
        yield made


class Load:
    """
    Asks for a picture at fixed times, each once, whatever is answered, until it is told
    that it is over.
    """

    def __init__(self, stack: Stack) -> None:
        self.ids: list[str] = []
        self.refusals: list[object] = []
        self.asked = 0
        self.is_over = threading.Event()
        self._stack = stack
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def run(self) -> None:
        while True:
            with self._lock:
                number = self.asked
                if self.is_over.is_set() and number >= RATE * SECONDS:
                    return
                self.asked += 1
            time.sleep(max(self._began + number / RATE - time.monotonic(), 0))
            self._ask(number)

    def _ask(self, number: int) -> None:
        body = {"prompt": "一只猫", "size": "512x512", "seed": number}
        body["user_id"] = f"user{number % 5}"
        try:
            status, answer = self._stack.ask("POST", CREATE, body)
        except OSError as error:  # not answered within ten seconds, for instance
            status, answer = 0, {"error": repr(error)}
        with self._lock:
            if status == 202:
                self.ids.append(answer["data"]["task_id"])
            else:
                self.refusals.append((status, answer))


def roll(stack: Stack) -> None:
    """Start a consumer, then tell the oldest to stop, which it does by itself."""
    stack.start_consumer()
    oldest = stack.consumers.pop(0)
    oldest.terminate()
    assert oldest.wait(PATIENCE_S) == 0


def test_rolling_restarts_under_load_lose_and_refuse_nothing(stack):
    """Consumers told to stop one by one, web workers replaced, submissions go on."""
    stack.start_consumer()
    stack.start_consumer()
    stack.await_ready()
    load = Load(stack)

    with ThreadPoolExecutor(16) as threads:
        running = [threads.submit(load.run) for _ in range(16)]
        try:
            for _ in range(2):
                roll(stack)
                stack.web.send_signal(signal.SIGHUP)
                sent = len(stack.ledger()["rows"])
                wait_for(
                    lambda sent=sent: len(stack.ledger()["rows"]) >= sent + 20,
                    what="work goes on",
                )
        finally:
            load.is_over.set()
        for each in running:
            each.result()
    results = stack.await_ended(load.ids)

    assert load.refusals == []
    assert len(set(load.ids)) == load.asked >= RATE * SECONDS
    assert {each["status"] for each in results.values()} == {"completed"}
    ledger = stack.ledger()
    assert sorted(row["seed"] for row in ledger["rows"]) == list(range(load.asked))
    assert max(ledger["high_water"].values()) <= LIMIT
    wait_for(lambda: stack.slots_held() == 0, what="no slot is held")


def test_consumer_finishes_what_it_holds_before_it_stops(stack):
    """Told to stop while the provider takes its time to answer: that is awaited."""
    stack.start_consumer()
    stack.await_ready()
    stack.spoil("submit", "late", seconds=3.0)
    task_id = stack.create(seed=7)
    wait_for(lambda: stack.ledger()["rows"], what="the provider has accepted it")

    stack.consumers[0].terminate()
    time.sleep(0.2)  # as who gets it from its parent and from systemd at once
    stack.stop_consumers()
    with stack.database() as found:
        assert [row.get("left") for row in found.workers.find()] == [True]
    stack.start_consumer()
    (result,) = stack.await_ended([task_id]).values()

    assert result["status"] == "completed"
    assert len(stack.ledger()["rows"]) == 1
