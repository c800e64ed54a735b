"""
Archives while they are sent: a few at a time, of one person and in all.

Each has a thread for as long as it lasts, which is for its client and the database to
say. A proxy that buffers makes that short, and does not keep anybody from asking for
many at once. The places are those of this process.
"""

import threading
from collections import Counter
from collections.abc import Iterator

from jimeng.errors import JimengError
from jimeng.viewers import Viewer

MOST_OF_ONE = 2  # a browser that goes on with a broken one has two for a moment
MOST = 6  # of a process's threads
COME_AGAIN = 10  # seconds that a client is told to wait


class TooManyDownloads(JimengError):
    """As many archives as there may be are being sent."""

    code = "too_many_downloads"
    status = 429


class Places:
    """Who is sent how many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def take(self, who: str) -> None:
        """
        Raises:
            TooManyDownloads: there is none left, for this one or at all.
        """
        with self._lock:
            is_mine = self._taken[who] >= MOST_OF_ONE
            if is_mine or self._taken.total() >= MOST:
                limit = MOST_OF_ONE if is_mine else MOST
                raise TooManyDownloads(
                    f"archives at once who={who}", retry_after=COME_AGAIN, limit=limit
                )
            self._taken[who] += 1

    def give_back(self, who: str) -> None:
        with self._lock:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]


places = Places()


class Download:
    """
    The pieces of an archive, which hold a place until they end or are closed.

    Raises:
        TooManyDownloads: as `Places.take`.
    """

    def __init__(self, viewer: Viewer, pieces: Iterator[bytes]) -> None:
        self._who = viewer.person
        self._pieces: Iterator[bytes] | None = pieces
        places.take(self._who)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._pieces is None:
            raise StopIteration
        try:
            return next(self._pieces)
        except StopIteration:
            self.close()
            raise

    def close(self) -> None:
        """Give the place back, once; the server closes whatever became of it."""
        if self._pieces is not None:
            self._pieces = None
            places.give_back(self._who)
