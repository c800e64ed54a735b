"""The load: users who ask for pictures and videos, until they are answered."""

import itertools
import random
import threading
import time
from collections import Counter
from contextlib import suppress

from tests.system.stack import Stack
from tests.waiting import PATIENCE_S

USERS = 20
SHOP, PREFIX = "user_shop", "shop:"  # every other user is a customer of this owner
CANCELLED, DELETED = 0.05, 0.03  # of the tasks, soon after they were accepted
PICTURE = {"type": "image", "size": "512x512"}
# Small ones: of Ark, whose list has what was accepted without an answer, and of Visual,
# which has no list.
VIDEOS = (
    {
        "type": "video",
        "model": "doubao-seedance-1.0-pro-fast",
        "resolution": "480p",
        "duration": 2,
    },
    {"type": "video", "model": "jimeng-video-3.0", "duration": 5},
)
VIDEO_EVERY = 10  # tasks


def wanted(number: int) -> dict[str, object]:
    """What the task of this number is to make: a picture mostly."""
    if number % VIDEO_EVERY:
        return PICTURE
    return VIDEOS[number // VIDEO_EVERY % len(VIDEOS)]


def user(number: int) -> str:
    return f"{PREFIX if number % 2 else 'user'}{number}"


def ask(stack: Stack, key: str, body: dict) -> tuple[int, dict]:
    """Ask for a task once: status and answer; 0 if there is none."""
    headers = {"Idempotency-Key": key}
    with suppress(OSError, ValueError):
        return stack.ask("POST", "/api/v1/ai/tasks", body, headers=headers)
    return 0, {}


class Load:
    """
    Args:
        total: Tasks at the least.
        rate: Requests a second, by all threads together.
    """

    def __init__(self, stack: Stack, *, total: int, rate: float, seed: int) -> None:
        self.accepted: list[str] = []
        self.deleted: set[str] = set()
        self.retried: set[int] = set()  # seeds: these may be drawn a second time
        self.answers: Counter[str] = Counter()
        self._enough = threading.Event()
        self._stack, self._total, self._rate = stack, total, rate
        self._numbers = itertools.count()
        self._choice = random.Random(seed)
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run) for _ in range(4)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Nothing strikes any more: wait until all have been asked for."""
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while True:
            number = next(self._numbers)
            if number >= self._total and self._enough.is_set():
                return  # what strikes later than was planned would meet nothing
            task_id = self._ask_until_taken(number)
            time.sleep(len(self._threads) / self._rate)
            if task_id is not None:
                self._change_mind(task_id, number)

    def _change_mind(self, task_id: str, number: int) -> None:
        """Cancel, retry or delete some, whatever they are doing just then."""
        dice = self._choice.random()
        if dice < CANCELLED:
            if self._try("POST", f"/api/v1/tasks/{task_id}/cancel") and number % 2:
                self._run_again(task_id, number)
        elif dice < CANCELLED + DELETED:
            with self._lock:
                self.deleted.add(task_id)  # an answer that is lost may be a yes
            self._try("DELETE", f"/api/v1/ai/image/task/{task_id}")

    def _run_again(self, task_id: str, number: int) -> None:
        with self._lock:
            self.retried.add(number)
        answer = self._try("POST", f"/api/v1/tasks/{task_id}/retry")
        if answer is not None:
            with self._lock:
                self.accepted.append(answer["data"]["task_id"])

    def _try(self, method: str, path: str) -> dict | None:
        """One request, without a second try; its answer if that was a yes."""
        with suppress(OSError, ValueError):
            status, answer = self._stack.ask(method, path)
            return answer if status < 300 else None
        return None

    def _ask_until_taken(self, number: int) -> str | None:
        """The same request under one key, as a careful client sends it."""
        body = {
            "prompt": f"chaos {number}",
            "user_id": user(self._choice.randrange(USERS)),
            "seed": number,  # one a task: the ledger is judged by it
            **wanted(number),
        }
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            status, answer = ask(self._stack, f"chaos-{number}", body)
            with self._lock:
                self.answers[str(status or "no answer")] += 1
                if status == 202:
                    task_id = answer["data"]["task_id"]
                    self.accepted.append(task_id)
                    return task_id
            time.sleep(0.3)
        return None
