"""
Those who wait for a task, each in a thread of the server, and never in all of them:
the room of this process, its places, its watcher, and who is still there.
"""

import _socket
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager

from jimeng import accounts
from jimeng.documents import Task
from jimeng.documents.task import ENDED, THERE
from jimeng.errors import TooManyWaiting
from jimeng.errors.access import ApiKeyInvalid
from jimeng.http.watcher import Sight, Watcher
from jimeng.viewers import Viewer

AGAIN = 5  # seconds after which whoever found no place may ask again
UNTOLD = 8  # threads that a server is taken to have which does not say
TURN = 3.0  # seconds after which one who waits is woken though nothing has changed


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


def sights(task_ids: Collection[str]) -> dict[str, Sight]:
    """How tasks stand, by one question for all of them."""
    where = {"_id": {"$in": list(task_ids)}, **THERE}
    rows = Task.collection().find(where, {"status": 1, "updated_at": 1})
    return {row["_id"]: (row.get("status"), row.get("updated_at")) for row in rows}


class Room:
    """
    Half of the server's threads are places: a quarter of these for events, the others
    for those who wait for an end.

    Args:
        threads: Of the server, in this process.
    """

    def __init__(self, threads: int) -> None:
        places = threads // 2
        self.events = Places(places // 4)
        self.ends = Places(places - places // 4)
        self.is_closed = False


_room = Room(UNTOLD)
_watcher = Watcher(sights, accounts.current_scopes)


def open_room(threads: int) -> None:
    """The server says how many threads it has; nobody waits yet."""
    global _room
    _room = Room(threads)


def close() -> None:
    """The server stops: whoever waits is sent on at the next look, nobody comes in."""
    _room.is_closed = True  # and no lock: signals' handlers call this


@contextmanager
def place(user: str) -> Iterator[None]:
    """
    A place in which *user* may wait for a task to end.

    Raises:
        TooManyWaiting: none is free for this user, or the server stops.
    """
    with _taken(_room.ends, user):
        yield


@contextmanager
def place_for_events(user: str) -> Iterator[None]:
    """The same for what is told of each change; there are fewer of these."""
    with _taken(_room.events, user):
        yield


@contextmanager
def _taken(places: Places, user: str) -> Iterator[None]:
    if _room.is_closed:
        raise TooManyWaiting("the server stops", retry_after=AGAIN)
    with places.one(user):
        yield


def wait_for_end(
    viewer: Viewer, task: Task, seconds: float, is_gone: Callable[[], bool]
) -> bool:
    """
    Wait in a `place` until the task has ended, or is no longer there.

    Returns:
        False where it has not: the time is over, the client has gone, or the server
        stops.

    Raises:
        ApiKeyInvalid: as `turns`.
    """
    looks = turns(viewer, task, seconds, is_gone)
    return any(seen is None or seen[0] in ENDED for _, seen in looks)


def turns(
    viewer: Viewer, task: Task, seconds: float, is_gone: Callable[[], bool]
) -> Iterator[tuple[bool, Sight]]:
    """
    Wait in a place, and say every `TURN`, and at each change, how the task stands.

    Args:
        seconds: At most.
        is_gone: Whether nobody waits for the answer any more; that ends it, and so
            does the server's stopping.

    Yields:
        Whether it has changed, and how it stands.

    Raises:
        ApiKeyInvalid: the viewer's key was revoked meanwhile, has expired, or its user
            is kept out.
    """
    until = time.monotonic() + seconds

    def is_over() -> bool:
        return _room.is_closed or is_gone()

    before = task.status, task.updated_at
    with _watcher.watch(viewer, task.id, before, is_over) as watch:
        while (left := until - time.monotonic()) > 0:
            changed = watch.wait(min(left, TURN))
            if is_over():
                return
            if watch.is_refused:
                raise ApiKeyInvalid("refused while it waited")
            yield changed, watch.seen


def is_gone(environ: Mapping[str, object]) -> bool:
    """
    Whether the client of a WSGI request has closed its connection, as far as the
    server lets that be seen. What it may have sent meanwhile stays unread.
    """
    link = environ.get("gunicorn.socket")
    if not isinstance(link, socket.socket):
        return False
    try:
        # Not by a method of its own, which may wait: gevent's does whatever the flags.
        below = getattr(link, "_sock", link)
        return not _socket.socket.recv(below, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
