"""A lock that users get in turn: one who wants it often holds nobody else up."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from jimeng.errors.inputs import ServerBusy

RETRY_AFTER_S = 2
MAX_REMEMBERED = 10_000  # users of whom it is known when they had it last


class FairLock:
    """
    Of those who wait the user comes first who has had it least recently, and of a
    user's own who came first.
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
        Inside, *user* has it.

        Args:
            max_waiting: Of the user; None for as many as there are.

        Raises:
            ServerBusy: so many of the user's wait already.
        """
        mine = self._line_up(user, max_waiting)
        try:
            mine.wait()
            yield
        finally:
            self._leave(user, mine)

    def _line_up(self, user: str, max_waiting: int | None) -> threading.Event:
        mine = threading.Event()
        with self._guard:
            if not self._is_held:
                self._give(user, mine)
                return mine
            waiting = self._waiting.setdefault(user, deque())
            if max_waiting is not None and len(waiting) >= max_waiting:
                raise ServerBusy(f"decoder of {user[:64]}", retry_after=RETRY_AFTER_S)
            waiting.append(mine)
        return mine

    def _leave(self, user: str, mine: threading.Event) -> None:
        with self._guard:
            if not mine.is_set():  # something ended the waiting
                self._take_out(user, mine)
                return
            self._is_held = False
            if self._waiting:
                first = min(self._waiting, key=lambda each: self._latest.get(each, 0))
                following = self._waiting[first][0]
                self._take_out(first, following)
                self._give(first, following)

    def _give(self, user: str, to: threading.Event) -> None:
        self._is_held = True
        if len(self._latest) >= MAX_REMEMBERED:
            self._latest.clear()
        self._latest[user] = next(self._numbers)
        to.set()

    def _take_out(self, user: str, mine: threading.Event) -> None:
        waiting = self._waiting[user]
        waiting.remove(mine)
        if not waiting:
            del self._waiting[user]
