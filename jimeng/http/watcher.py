"""
The watcher: one thread polls MongoDB for all tasks and batches that requests wait for,
and for the API keys that these requests were made with.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from jimeng.documents.principal import Principal
from jimeng.errors import outages

POLL_INTERVAL_S = 0.5

# Status and `updated_at`; None for a task or batch that does not exist.
State = tuple[str, datetime] | None
FetchStates = Callable[[Collection[str]], Mapping[str, State]]
# The current scopes of keys, by id; keys that are refused are left out.
FetchScopes = Callable[[Collection[str]], Mapping[str, frozenset[str]]]


@dataclass(eq=False)
class Watch:
    """
    One waiter's view of a task or a batch.

    Attributes:
        state: As of the latest poll.
        is_refused: The principal's key has lost a scope, or is refused.
    """

    subject_id: str
    principal: Principal
    state: State
    ask_if_over: Callable[[], bool]
    is_refused: bool = False
    _has_failed: bool = False
    _changed: threading.Event = field(default_factory=threading.Event)

    def is_over(self) -> bool:
        """
        Whether the wait should end before the task or batch does: also if that cannot
        be found out, so that an error ends this wait alone.
        """
        try:
            return self._has_failed or self.ask_if_over()
        except Exception as error:
            self._has_failed = True
            outages.failed("watch", error)
            return True

    def update_state(self, state: State) -> None:
        if state != self.state:
            self.state = state
            self._changed.set()

    def update_scopes(self, scopes: Mapping[str, frozenset[str]]) -> None:
        key = self.principal.key
        if key and not self.principal.scopes <= scopes.get(key.id, frozenset()):
            self.is_refused = True
            self._changed.set()

    def wait(self, seconds: float) -> bool:
        """
        Wait for a change since the last call, for *seconds* at most; whether there was
        one, or the wait is over.
        """
        changed = self._changed.wait(seconds)
        self._changed.clear()
        return changed

    def wake(self) -> None:
        self._changed.set()


class Watcher:
    """
    Its thread starts with the first waiter, so after the server's fork, and sleeps
    while there is none.

    Args:
        fetch_states: The states of tasks and batches by id, missing ones left out.
        fetch_scopes: The current scopes of keys by id.
    """

    def __init__(self, fetch_states: FetchStates, fetch_scopes: FetchScopes) -> None:
        self._fetch_states, self._fetch_scopes = fetch_states, fetch_scopes
        self._watches: set[Watch] = set()
        self._watches_changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._polled_at = 0.0  # by `time.monotonic`; or the first waiter's arrival

    @property
    def waiters(self) -> int:
        return len(self._watches)

    @property
    def poll_age_s(self) -> float:
        """Seconds since the latest poll, while somebody waits; else 0."""
        return time.monotonic() - self._polled_at if self._watches else 0.0

    @contextmanager
    def watch(
        self,
        principal: Principal,
        subject_id: str,
        state: State,
        is_over: Callable[[], bool] = lambda: False,
    ) -> Iterator[Watch]:
        """
        Poll the task or batch inside the block; a state other than *state* is a change.

        Args:
            is_over: Whether the wait should end; called at each poll by the
                watcher's thread, so that waiters need not wake up for it.
        """
        watch = Watch(subject_id, principal, state, is_over)
        with self._watches_changed:
            if not self._watches:
                self._polled_at = time.monotonic()
            self._watches.add(watch)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="watcher", daemon=True
                )
                self._thread.start()
            self._watches_changed.notify()
        try:
            yield watch
        finally:
            with self._watches_changed:
                self._watches.discard(watch)

    def _run(self) -> None:
        sleep = threading.Event()  # never set
        while True:
            with self._watches_changed:
                self._watches_changed.wait_for(lambda: self._watches)
                watches = list(self._watches)
            try:
                self._poll(watches)
            except Exception as error:  # the next poll tries again
                outages.failed("watcher", error)
            self._polled_at = time.monotonic()
            sleep.wait(POLL_INTERVAL_S)

    def _poll(self, watches: list[Watch]) -> None:
        for each in watches:
            if each.is_over():
                each.wake()
        states = self._fetch_states({each.subject_id for each in watches})
        keys = {each.principal.key.id for each in watches if each.principal.key}
        scopes = self._fetch_scopes(keys) if keys else {}
        for each in watches:
            each.update_scopes(scopes)
            each.update_state(states.get(each.subject_id))
