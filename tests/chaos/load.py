"""The load: users who ask for pictures, and ask again until they are answered."""

import itertools
import random
import threading
import time
from collections import Counter

from tests.system.stack import Stack

USERS = 20
PATIENCE = 60.0  # seconds that one request is repeated


class Load:
    """
    Args:
        total: Tasks in all.
        rate: Requests a second, by all threads together.
    """

    def __init__(self, stack: Stack, *, total: int, rate: float, seed: int) -> None:
        self.accepted: list[str] = []
        self.answers: Counter[str] = Counter()
        self.finished = threading.Event()
        self._stack, self._total, self._rate = stack, total, rate
        self._numbers = itertools.count()
        self._choice = random.Random(seed)
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(4)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()
        self.finished.set()

    def _run(self) -> None:
        while True:
            number = next(self._numbers)
            if number >= self._total:
                return
            self._ask_until_taken(number)
            time.sleep(len(self._threads) / self._rate)

    def _ask_until_taken(self, number: int) -> None:
        """The same request under one key, as a careful client sends it."""
        body = {
            "prompt": f"chaos {number}",
            "user_id": f"user{self._choice.randrange(USERS)}",
            "size": "512x512",
            "seed": number,  # one a task: the ledger is judged by it
        }
        headers = {"Idempotency-Key": f"chaos-{number}"}
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                status, answer = self._stack.ask(
                    "POST", "/api/v1/ai/image/task", body, headers=headers
                )
            except (OSError, ValueError):
                status, answer = 0, {}
            with self._lock:
                self.answers[str(status or "no answer")] += 1
                if status == 202:
                    self.accepted.append(answer["data"]["task_id"])
                    return
            time.sleep(0.3)
