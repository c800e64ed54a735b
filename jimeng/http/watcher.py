"""
The watcher: one thread that looks at all tasks that somebody waits for, and at the
keys that they wait with.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from jimeng.documents.database_errors import TROUBLES
from jimeng.documents.principal import Principal
from jimeng.errors import outages

PAUSE = 0.5  # seconds from one look at all of them to the next

# Status, and when the record was last changed; None for a task that is not there.
Sight = tuple[str, datetime] | None
Look = Callable[[Collection[str]], Mapping[str, Sight]]
# Of keys, by their ids: what those are good for that are not refused.
Check = Callable[[Collection[str]], Mapping[str, frozenset[str]]]


@dataclass(eq=False)
class Watch:
    """
    What one of those who wait sees of a task.

    Attributes:
        principal: Who waits.
        seen: How it stands, as of the latest look.
        is_over: Whether the waiting is to end before the task does.
        is_refused: The principal's key is not good any more for what it was good for.
    """

    task_id: str
    principal: Principal
    seen: Sight
    is_over: Callable[[], bool]
    is_refused: bool = False
    _changed: threading.Event = field(default_factory=threading.Event)

    def show(self, sight: Sight) -> None:
        if sight != self.seen:
            self.seen = sight
            self._changed.set()

    def check(self, scopes: Mapping[str, frozenset[str]]) -> None:
        key = self.principal.key
        if key and not self.principal.scopes <= scopes.get(key.id, frozenset()):
            self.is_refused = True
            self._changed.set()

    def wait(self, seconds: float) -> bool:
        """
        Whether it has changed since the last call, or does within *seconds*; or
        whether the waiting is over.
        """
        changed = self._changed.wait(seconds)
        self._changed.clear()
        return changed

    def end(self) -> None:
        self._changed.set()


class Watcher:
    """
    Its thread starts with the first who waits, which is after the server's fork, and
    sleeps while nobody does.

    Args:
        look: Says of tasks how they stand, those that are not there left out.
        check: Says what keys are good for.
    """

    def __init__(self, look: Look, check: Check) -> None:
        self._look, self._check = look, check
        self._watches: set[Watch] = set()
        self._wanted = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watch(
        self,
        principal: Principal,
        task_id: str,
        seen: Sight,
        is_over: Callable[[], bool] = lambda: False,
    ) -> Iterator[Watch]:
        """
        Inside, the task is looked at: whatever differs from *seen* is shown.

        Args:
            is_over: Whether the waiting is to end; asked at each look, by one thread
                for all, so that nobody who waits has to wake up to find out.
        """
        made = Watch(task_id, principal, seen, is_over)
        with self._wanted:
            self._watches.add(made)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="watcher", daemon=True
                )
                self._thread.start()
            self._wanted.notify()
        try:
            yield made
        finally:
            with self._wanted:
                self._watches.discard(made)

    def _run(self) -> None:
        pause = threading.Event()  # nobody sets it
        while True:
            with self._wanted:
                self._wanted.wait_for(lambda: self._watches)
                watches = list(self._watches)
            self._show(watches)
            pause.wait(PAUSE)

    def _show(self, watches: list[Watch]) -> None:
        for each in watches:
            if each.is_over():
                each.end()
        try:
            found = self._look({each.task_id for each in watches})
            keys = {each.principal.key.id for each in watches if each.principal.key}
            scopes = self._check(keys) if keys else {}
        except TROUBLES as error:  # who waits can wait for the next look
            outages.failed("watcher", error)
            return
        for each in watches:
            each.check(scopes)
            each.show(found.get(each.task_id))
