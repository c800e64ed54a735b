"""A child process that is restarted when it exits."""

import logging
import signal
import time
from collections.abc import Callable

from jimeng.config import logs
from jimeng.local.embedded import Child

log = logging.getLogger(__name__)

SHORTEST, LONGEST = 0.5, 15.0  # restart back-off in seconds
STEADY = 30.0  # seconds of uptime after which the back-off is reset
POLL_INTERVAL_S = 0.02  # between checks of a child that is stopping


class Service:
    """
    A supervised child process.

    Args:
        name: Its name in the log.
        spawn: Starts the process.
        stop_timeout_s: Seconds between SIGTERM and SIGKILL.

    Attributes:
        child: The process, while it exists.
    """

    def __init__(
        self,
        name: str,
        spawn: Callable[[], Child],
        *,
        stop_timeout_s: float,
    ) -> None:
        self.name = name
        self.child: Child | None = None
        self._spawn = spawn
        self._stop_timeout_s = stop_timeout_s
        self.has_refused = False  # to start, by its last exit status
        self._failures = 0
        self._began = time.monotonic()
        self._due = 0.0  # when to start it, while there is no child
        self._end_by = 0.0  # when to kill it, while it is being replaced

    def check(self) -> None:
        """Start it if due, handle its exit, kill it if overdue. Does not block."""
        now = time.monotonic()
        if self.child is None:
            if now >= self._due:
                self._began = now
                self.child = self._spawn()
            return
        status = self.child.status()
        if status is not None:
            self._ended(status, now)
        elif self._end_by and now > self._end_by:
            self.child.kill()
        elif now - self._began > STEADY:
            self._failures = 0

    def _ended(self, status: int, now: float) -> None:
        self.child = None
        self.has_refused = status == logs.REFUSED
        if self._end_by:
            self._end_by = 0.0
            self.check()
            return
        delay = min(LONGEST, SHORTEST * 2**self._failures)
        self._failures += 1
        self._due = now + delay
        log.warning(
            "%s ended status=%d, starting again in %.1f s", self.name, status, delay
        )

    @property
    def is_ending(self) -> bool:
        """Whether no process runs, or the running one is being replaced."""
        return self.child is None or self._end_by > 0

    def reload(self) -> None:
        """Have Gunicorn replace its workers, while its port stays open."""
        self._forgive()
        if self.child:
            self.child.signal(signal.SIGHUP)

    def replace(self, spawn: Callable[[], Child] | None = None) -> None:
        """Restart it gracefully, from now on by *spawn*; `check` performs it."""
        self._forgive()
        self._spawn = spawn or self._spawn
        if self.child and not self._end_by:
            self.child.signal(signal.SIGTERM)
            self._end_by = time.monotonic() + self._stop_timeout_s

    def _forgive(self) -> None:
        self._failures = 0
        self._due = 0.0

    def stop(self, hurry: Callable[[], bool]) -> None:
        """Stop it for good: SIGTERM, then SIGKILL on timeout or when *hurry*."""
        if self.child is None:
            return
        deadline = time.monotonic() + self._stop_timeout_s
        self.child.signal(signal.SIGTERM)
        while self.child.status() is None:
            if hurry() or time.monotonic() > deadline:
                self.child.kill()
            time.sleep(POLL_INTERVAL_S)
