"""A fair lock: a user who acquires it often does not delay others."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from jimeng.errors.inputs import ServerBusy

RETRY_AFTER_S = 2
MAX_REMEMBERED = 10_000  # users whose last acquisition is known


class FairLock:
    """
    A lock that goes to the waiting user who held it least recently; within a user, in
    order of arrival.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_held = False
        self._waiting: dict[str, deque[threading.Event]] = {}
        self._latest: dict[str, int] = {}  # by user, of `_numbers`
        self._numbers = count(1)

    @contextmanager
    def held_for(self, user: str, max_waiting: int | None = None) -> Iterator[None]:
        """
        Hold the lock for *user*.

        Args:
            max_waiting: The limit of the user's waiting calls; None for no limit.

        Raises:
            ServerBusy: *max_waiting* is reached.
        """
        mine = self._enqueue(user, max_waiting)
        try:
            mine.wait()
            yield
        finally:
            self._release(user, mine)

    def _enqueue(self, user: str, max_waiting: int | None) -> threading.Event:
        mine = threading.Event()
        with self._guard:
            if not self._is_held:
                self._grant(user, mine)
                return mine
            waiting = self._waiting.setdefault(user, deque())
            if max_waiting is not None and len(waiting) >= max_waiting:
                raise ServerBusy(f"decoder of {user[:64]}", retry_after=RETRY_AFTER_S)
            waiting.append(mine)
        return mine

    def _release(self, user: str, mine: threading.Event) -> None:
        with self._guard:
            if not mine.is_set():  # the wait was interrupted
                self._dequeue(user, mine)
                return
            self._is_held = False
            if self._waiting:
                first = min(self._waiting, key=lambda each: self._latest.get(each, 0))
                following = self._waiting[first][0]
                self._dequeue(first, following)
                self._grant(first, following)

    def _grant(self, user: str, to: threading.Event) -> None:
        self._is_held = True
        if len(self._latest) >= MAX_REMEMBERED:
            self._latest.clear()
        self._latest[user] = next(self._numbers)
        to.set()

    def _dequeue(self, user: str, mine: threading.Event) -> None:
        waiting = self._waiting[user]
        waiting.remove(mine)
        if not waiting:
            del self._waiting[user]
