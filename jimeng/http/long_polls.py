"""
Long polls and event streams: how many may wait in this process and for one user, the
watcher that looks for all of them, and who is still there.
"""

import _socket
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext

from jimeng import accounts
from jimeng.config import Config
from jimeng.documents import RateLimit, Task
from jimeng.documents.principal import Principal
from jimeng.documents.task import ENDED, THERE
from jimeng.errors import TooManyWaiting
from jimeng.errors.access import ApiKeyInvalid
from jimeng.http.watcher import Sight, Watcher

AGAIN = 5  # seconds after which whoever found no place may ask again
MAX_LOOKS_PER_S = 30  # at tasks that have not changed, for all streams of a process
TURN = 3.0  # seconds after which one who waits is woken though nothing has changed


class Places:
    """
    Args:
        most: How many there are, in this process.
        most_of_one: How many of them a user may have.
        name: What they are called where one is refused.
    """

    def __init__(
        self, most: int, most_of_one: int | None = None, name: str = "places"
    ) -> None:
        self.most, self.name = most, name
        self.most_of_one = most if most_of_one is None else most_of_one
        self._changed = threading.Condition()
        self._taken: Counter[str] = Counter()  # by user

    @contextmanager
    def one(self, user: str, timeout_s: float = 0) -> Iterator[None]:
        """
        Inside, *user* has one of them.

        Args:
            timeout_s: How long it may take until there is one.

        Raises:
            TooManyWaiting: none is free, or the user would have too many: more than
                half of what others leave, among it.
        """
        with _aside() if timeout_s else nullcontext(), self._changed:
            if not self._changed.wait_for(lambda: self._is_free(user), timeout_s):
                raise self._refused(user)
            self._taken[user] += 1
        try:
            yield
        finally:
            with self._changed:
                self._taken[user] -= 1
                if not self._taken[user]:
                    del self._taken[user]
                self._changed.notify_all()

    def _allowed(self, user: str) -> int:
        left = self.most - (self._taken.total() - self._taken[user])
        return min((left + 1) // 2, self.most_of_one)

    def _is_free(self, user: str) -> bool:
        return self._taken[user] < self._allowed(user)

    @property
    def taken(self) -> int:
        return self._taken.total()

    def _refused(self, user: str) -> TooManyWaiting:
        error = TooManyWaiting(f"{self.name} of {user[:64]}", retry_after=AGAIN)
        error.rate_limits = (RateLimit(self.name, self._allowed(user), 0, 0, AGAIN),)
        return error


def sights(task_ids: Collection[str]) -> dict[str, Sight]:
    """How tasks stand, by one question for all of them."""
    where = {"_id": {"$in": list(task_ids)}, **THERE}
    rows = Task.collection().find(where, {"status": 1, "updated_at": 1})
    return {row["_id"]: (row.get("status"), row.get("updated_at")) for row in rows}


class Room:
    """The places of a process, by its settings."""

    def __init__(self, config: Config) -> None:
        of_one = config.USER_MAX_WAITING
        self.ends = Places(config.MAX_LONG_POLLS, of_one, "long-polls")
        self.events = Places(config.MAX_EVENT_STREAMS, of_one, "event-streams")
        self.is_closed = False


# Of a server that does not say how it is made: it may have eight threads.
FEW = Config(MAX_LONG_POLLS=3, MAX_EVENT_STREAMS=1)

_room = Room(FEW)
# Within it a request waits and does nothing else: others may be worked on instead.
_aside: Callable[[], AbstractContextManager] = nullcontext
_watcher = Watcher(sights, accounts.current_scopes)


def open_room(
    config: Config, aside: Callable[[], AbstractContextManager] = nullcontext
) -> None:
    """
    The server can hold as many as are set; nobody waits yet.

    Args:
        aside: What each wait is within.
    """
    global _room, _aside
    _room, _aside = Room(config), aside


def close() -> None:
    """The server stops: whoever waits is sent on at the next look, nobody comes in."""
    _room.is_closed = True  # and no lock: signals' handlers call this


def pause(seconds: float) -> float:
    """
    Seconds from one look to the next at a task that has not changed: *seconds*, and
    more where there are so many streams that to look would keep the process busy.
    """
    return max(seconds, _room.events.taken / MAX_LOOKS_PER_S)


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
    principal: Principal, task: Task, seconds: float, is_gone: Callable[[], bool]
) -> bool:
    """
    Wait in a `place` until the task has ended, or is no longer there.

    Returns:
        False where it has not: the time is over, the client has gone, or the server
        stops.

    Raises:
        ApiKeyInvalid: as `turns`.
    """
    looks = turns(principal, task, seconds, is_gone)
    return any(seen is None or seen[0] in ENDED for _, seen in looks)


def turns(
    principal: Principal, task: Task, seconds: float, is_gone: Callable[[], bool]
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
        ApiKeyInvalid: the principal's key was revoked meanwhile, has expired, or its
            user is disabled.
    """
    until = time.monotonic() + seconds

    def is_over() -> bool:
        return _room.is_closed or is_gone()

    before = task.status, task.updated_at
    with _watcher.watch(principal, task.id, before, is_over) as watch:
        while (left := until - time.monotonic()) > 0:
            with _aside():
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
