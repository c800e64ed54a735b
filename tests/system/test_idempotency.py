"""One key is one task and one charge, though the web server dies among the requests."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.system.stack import Stack
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

PATH = "/api/v1/ai/image/task"
KEY = {"Idempotency-Key": "k-1"}
BODY = {"prompt": "一只猫", "user_id": "ada", "size": "512x512", "n": 2, "seed": 7}
REQUESTS = 50


@pytest.fixture
def stack(own_stack):
    with own_stack("idempotency") as made:
        made.simulate(plain=True)
        yield made


class Callers:
    """Send equal requests at once, each again until it is answered."""

    def __init__(self, stack: Stack) -> None:
        self.answers: list[dict] = []
        self.cut_off = 0
        self._stack = stack
        self._lock = threading.Lock()

    def run(self, _: int) -> None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                status, answer = self._stack.ask("POST", PATH, BODY, headers=KEY)
            except OSError:
                status, answer = 0, {}
            with self._lock:
                if status == 202:
                    self.answers.append(answer)
                    return
                self.cut_off += status == 0
            # A server that has just started may be too slow for its own limits.
            assert status in {0, 503}, answer
            time.sleep(0.1)


def test_requests_among_kills_of_the_web_make_one_task(stack):
    """Fifty equal ones, the server killed twice among them; another body is refused."""
    stack.start_consumer()
    callers = Callers(stack)

    with ThreadPoolExecutor(REQUESTS // 2) as threads:
        running = []
        for _ in range(2):
            answered = len(callers.answers)
            # Anew each time: all of those before may have been answered.
            running += [threads.submit(callers.run, n) for n in range(REQUESTS // 2)]
            wait_for(
                lambda answered=answered: len(callers.answers) > answered,
                what="one more answer",
            )
            stack.kill_web()
            stack.web = stack.start_web()
        for each in running:
            each.result()

    assert len(callers.answers) == REQUESTS
    assert callers.cut_off > 0
    ids = {answer["data"]["task_id"] for answer in callers.answers}
    assert len(ids) == 1
    stack.await_up()  # all may have been answered before the second kill
    (result,) = stack.await_ended(list(ids)).values()
    assert result["status"] == "completed"
    seeds = [row["seed"] for row in stack.ledger()["rows"]]
    assert sorted(seeds) == [7, 8]
    with stack.database() as found:
        assert found.tasks.count_documents({}) == 1

    status, answer = stack.ask("POST", PATH, {**BODY, "n": 1}, headers=KEY)

    assert (status, answer["error"]) == (422, "idempotency_key_reused")
    assert len(stack.ledger()["rows"]) == 2
