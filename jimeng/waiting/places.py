"""Places to wait in: so many at a time, and not all of them for one user."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from jimeng.errors import TooManyWaiting

AGAIN = 5  # seconds after which whoever found no place may ask again


class Places:
    """
    Args:
        most: How many there are, in this process.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()  # by user

    @contextmanager
    def one(self, user: str) -> Iterator[None]:
        """
        Inside, *user* has one of them.

        Raises:
            TooManyWaiting: none is free, or the user would have more than half of
                what others leave.
        """
        with self._lock:
            left = self.most - (self._taken.total() - self._taken[user])
            if self._taken[user] + 1 > (left + 1) // 2:
                raise TooManyWaiting(f"user {user[:64]}", retry_after=AGAIN)
            self._taken[user] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[user] -= 1
                if not self._taken[user]:
                    del self._taken[user]
