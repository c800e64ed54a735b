"""
Long polls and event streams: permits that limit how many wait in this process and per
user, waiting on the shared watcher, and detecting clients that have disconnected.
"""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

from flask import current_app, request

from jimeng import accounts
from jimeng.config import server
from jimeng.documents import Batch, RateLimit, Task, batch
from jimeng.documents.principal import Principal
from jimeng.documents.task import ENDED, THERE, Status
from jimeng.errors import TooManyWaiting
from jimeng.errors.access import ApiKeyInvalid
from jimeng.http.watcher import State, Watcher

RETRY_AFTER_S = 5  # for a client that got no permit
USER_MAX_WAITING = 200  # permits of either kind that one user may hold
MAX_POLLS_PER_S = 30  # of unchanged tasks, by all streams of a process
WAKE_INTERVAL_S = 3.0  # a waiter wakes this often even without a change


class Permits:
    """
    A semaphore that is fair to users: each gets at most half of the permits
    that others do not hold, and the owner of a shop with all its customers three
    quarters of all.

    Args:
        limit: Permits of this process.
        limit_per_user: Permits that one user may hold; by default all.
        name: In the error and the rate-limit headers of a refusal.
    """

    def __init__(
        self, limit: int, limit_per_user: int | None = None, name: str = "permits"
    ) -> None:
        self.limit, self.name = limit, name
        self.limit_per_user = limit if limit_per_user is None else limit_per_user
        self._changed = threading.Condition()
        self.limit_per_owner = max(3 * limit // 4, 1)
        self._in_use: Counter[str] = Counter()  # by user
        self._of_owners: Counter[str] = Counter()

    @contextmanager
    def acquire(
        self, user: str, timeout_s: float = 0, *, owner: str | None = None
    ) -> Iterator[None]:
        """
        Hold a permit for *user* inside the block.

        Args:
            timeout_s: How long to wait for one; 0 does not wait.
            owner: Whose customer the user is; None for nobody's.

        Raises:
            TooManyWaiting: none is free, or the user has reached the limit: half of
                what others leave, at most `limit_per_user`; or the owner has.
        """
        owner = owner or user
        with _while_waiting() if timeout_s else nullcontext(), self._changed:
            is_free = partial(self._is_free, user, owner)
            if not self._changed.wait_for(is_free, timeout_s):
                raise self._too_many(user, owner)
            self._in_use[user] += 1
            self._of_owners[owner] += 1
        try:
            yield
        finally:
            with self._changed:
                for count, name in ((self._in_use, user), (self._of_owners, owner)):
                    count[name] -= 1
                    if not count[name]:
                        del count[name]
                self._changed.notify_all()

    def _allowed(self, user: str, owner: str) -> int:
        available = self.limit - (self._in_use.total() - self._in_use[user])
        of_owner = self.limit_per_owner - self._of_owners[owner] + self._in_use[user]
        return min((available + 1) // 2, self.limit_per_user, of_owner)

    def _is_free(self, user: str, owner: str) -> bool:
        return self._in_use[user] < self._allowed(user, owner)

    @property
    def in_use(self) -> int:
        return self._in_use.total()

    def _too_many(self, user: str, owner: str) -> TooManyWaiting:
        error = TooManyWaiting(f"{self.name} of {user[:64]}", retry_after=RETRY_AFTER_S)
        error.rate_limits = (
            RateLimit(self.name, self._allowed(user, owner), 0, 0, RETRY_AFTER_S),
        )
        return error


def states_of(ids: Collection[str]) -> dict[str, State]:
    """
    The status and the last change of tasks and batches, by one query for each of the
    two; missing ones left out.
    """
    batches = [each for each in ids if each.startswith(batch.PREFIX)]
    found: dict[str, State] = {}
    if len(batches) < len(ids):
        rows = Task.collection().find(
            {"_id": {"$in": list(ids)}, **THERE}, {"status": 1, "updated_at": 1}
        )
        found = {row["_id"]: (row.get("status"), row.get("updated_at")) for row in rows}
    if batches:
        rows = Batch.collection().find(
            {"_id": {"$in": batches}, **THERE}, {"open": 1, "updated_at": 1}
        )
        found |= {
            row["_id"]: (batch_state(bool(row.get("open"))), row.get("updated_at"))
            for row in rows
        }
    return found


def batch_state(is_open: bool) -> str:
    """The status by which waiters recognize the end of a batch."""
    return Status.PROCESSING.value if is_open else Status.COMPLETED.value


def state_of(subject: Task | Batch) -> State:
    """The state of a task or batch as it was read."""
    status = (
        batch_state(subject.is_open) if isinstance(subject, Batch) else subject.status
    )
    return status, subject.updated_at


class ProcessPermits:
    """The permits of a process: so many long polls, and so many event streams."""

    def __init__(self, long_polls: int, event_streams: int) -> None:
        self.long_polls = Permits(long_polls, USER_MAX_WAITING, "long-polls")
        self.event_streams = Permits(event_streams, USER_MAX_WAITING, "event-streams")
        self.is_closed = False


# For a server that does not call `configure`; it may have as few as eight threads.
FEW = ProcessPermits(3, 1)

_permits = FEW
# The server's context for a request that only waits: it works on others meanwhile.
_while_waiting: Callable[[], AbstractContextManager] = nullcontext
_watcher = Watcher(states_of, accounts.current_scopes)


def configure(
    while_waiting: Callable[[], AbstractContextManager] = nullcontext,
    permits: ProcessPermits | None = None,
) -> None:
    """
    Set the limits of this process, before it serves requests.

    Args:
        while_waiting: A context that each wait is entered in.
        permits: None for as many as the server accepts connections for.
    """
    global _permits, _while_waiting
    _while_waiting = while_waiting
    _permits = permits or ProcessPermits(
        server.MAX_LONG_POLLS, server.MAX_EVENT_STREAMS
    )


def shut_down() -> None:
    """End all waits at the watcher's next poll, and refuse new ones."""
    _permits.is_closed = True  # without a lock: signal handlers call this


def waiters() -> tuple[int, float]:
    """How many wait in this process, and seconds since the watcher's latest poll."""
    return _watcher.waiters, _watcher.poll_age_s


def poll_interval(seconds: float) -> float:
    """
    Seconds between two polls of an unchanged task: *seconds*, and longer if there are
    so many streams that polling would exceed `MAX_POLLS_PER_S`.
    """
    return max(seconds, _permits.event_streams.in_use / MAX_POLLS_PER_S)


@contextmanager
def long_poll_permit(principal: Principal, user: str) -> Iterator[None]:
    """
    Hold a permit to wait for the end of a task or batch of *user*.

    Raises:
        TooManyWaiting: none is free for this user, or for the owner of the key, or the
            server is stopping.
    """
    with _acquire(_permits.long_polls, principal, user):
        yield


@contextmanager
def event_stream_permit(principal: Principal, user: str) -> Iterator[None]:
    """Likewise to stream events; there are fewer of these."""
    with _acquire(_permits.event_streams, principal, user):
        yield


@contextmanager
def _acquire(permits: Permits, principal: Principal, user: str) -> Iterator[None]:
    if _permits.is_closed:
        raise TooManyWaiting("the server is stopping", retry_after=RETRY_AFTER_S)
    owner = principal.user_id if user in principal.customers else None
    with permits.acquire(user, owner=owner):
        yield


def wait_if_open(
    principal: Principal, subject: Task | Batch, seconds: float
) -> bool | None:
    """
    Wait in a request for the end of a task or batch, for *seconds* or ``WAIT_SECONDS``
    at most.

    Returns:
        As `wait_for_end`; None without a wait: it is not open, cannot end in time, or
        no permit is free.

    Raises:
        ApiKeyInvalid: as `watch_changes`.
    """
    seconds = min(seconds, current_app.config["JIMENG"].WAIT_SECONDS)
    if not (subject.is_open and seconds) or subject.starts_after(seconds):
        return None
    is_gone = partial(is_disconnected, request.environ)
    try:
        with long_poll_permit(principal, subject.user_id):
            return wait_for_end(principal, subject, seconds, is_gone)
    except TooManyWaiting:
        return None


def wait_for_end(
    principal: Principal,
    subject: Task | Batch,
    seconds: float,
    is_gone: Callable[[], bool],
) -> bool:
    """
    Wait until the task or batch has ended or is deleted; the caller holds
    `long_poll_permit`.

    Returns:
        False if it has not ended: the time is over, the client has disconnected, or
        the server is stopping.

    Raises:
        ApiKeyInvalid: as `watch_changes`.
    """
    states = watch_changes(principal, subject, seconds, is_gone)
    return any(state is None or state[0] in ENDED for _, state in states)


def watch_changes(
    principal: Principal,
    subject: Task | Batch,
    seconds: float,
    is_gone: Callable[[], bool],
) -> Generator[tuple[bool, State]]:
    """
    Yield the state of the task or batch at each change and every `WAKE_INTERVAL_S`; the
    caller holds a permit, and closes the generator: until then it is watched.

    Args:
        seconds: How long at most.
        is_gone: Whether the client has disconnected; that ends the wait, as does the
            server's shutdown.

    Yields:
        Whether it has changed, and its state.

    Raises:
        ApiKeyInvalid: meanwhile the principal's key was revoked, it has expired, or
            its user was disabled.
    """
    deadline = time.monotonic() + seconds

    def is_over() -> bool:
        return _permits.is_closed or is_gone()

    with _watcher.watch(principal, subject.id, state_of(subject), is_over) as watch:
        while (remaining := deadline - time.monotonic()) > 0:
            with _while_waiting():
                changed = watch.wait(min(remaining, WAKE_INTERVAL_S))
            if watch.is_over():
                return
            if watch.is_refused:
                raise ApiKeyInvalid("key refused during the wait")
            yield changed, watch.state


def is_disconnected(environ: Mapping[str, Any]) -> bool:
    """
    Whether the client of a WSGI request has closed its connection, as far as the
    server exposes its socket. Bytes that it has sent meanwhile stay unread.
    """
    connection = environ.get("gunicorn.socket")
    if connection is None:
        return False
    # Not by gevent's own method, which blocks whatever the flags.
    raw = getattr(connection, "_sock", connection)
    try:
        return not raw.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
