"""Outages: a few lines of the log for something that fails over and over."""

import logging
import threading
from collections.abc import Callable
from time import monotonic

log = logging.getLogger(__name__)

QUIET = 10.0  # seconds without a failure; what is due is tried every five
EVERY = 60.0  # seconds from one line to the next while it lasts
MAX_SAID = 300  # characters of an error: some of the drivers' are pages


class Outage:
    """
    Something that fails, over and over: one line when it begins, one a minute while
    it lasts, and one when it has been over for `QUIET`.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._lock = threading.Lock()
        self._failures = 0
        self._began = self._latest = self._told = 0.0  # by `time.monotonic`

    def failed(self, error: BaseException) -> None:
        """Count a failure, and tell of it if it is time to."""
        now = monotonic()
        with self._lock:
            self._failures += 1
            self._latest = now
            if self._failures == 1:
                self._began = now
            elif now < self._told + EVERY:
                return
            self._told = now
            failures, seconds = self._failures, now - self._began
        said = f"{type(error).__name__}: {error}"[:MAX_SAID]
        if failures > 1:
            words = "outage goes on what=%s failures=%d seconds=%.0f: %s"
            log.warning(words, self.what, failures, seconds, said)
            return
        # Of a service that is away it is known where: what is ours has a traceback.
        ours = None if service_of(error) else error
        level = logging.ERROR if ours else logging.WARNING
        words, told = "outage began what=%s: %s", {"is_told": True}
        log.log(level, words, self.what, said, exc_info=ours, extra=told)

    def works(self) -> None:
        """Note that it does; the outage is over when it has not failed for a while."""
        if not self._failures or monotonic() < self._latest + QUIET:
            return
        with self._lock:
            failures, self._failures = self._failures, 0
        if failures:
            seconds = self._latest - self._began
            words = "outage ended what=%s failures=%d seconds=%.0f"
            log.warning(words, self.what, failures, seconds)


_outages: dict[str, Outage] = {}
_services: dict[str, Callable[[Exception], bool]] = {}


def failed(what: str, error: BaseException) -> None:
    """Count a failure of *what*, or of the service that is to blame."""
    name = service_of(error) or what
    _outages.setdefault(name, Outage(name)).failed(error)


def works(what: str | None = None) -> None:
    """Note that *what*, or by default everything, does its work."""
    for each in list(_outages.values()):
        if what in {None, each.what}:
            each.works()


def watch(service: str, is_to_blame: Callable[[Exception], bool]) -> None:
    """
    Tell of a *service*'s failures as of one outage.

    Args:
        is_to_blame: Whether an exception means that it is away, or does not work.
    """
    _services[service] = is_to_blame


def service_of(error: BaseException | None) -> str | None:
    """The service that is to blame for an error, or for what it was raised from."""
    if not isinstance(error, Exception):
        return None
    for name, is_to_blame in _services.items():
        if is_to_blame(error):
            return name
    return service_of(error.__cause__)


class Folding(logging.Filter):
    """Makes what is logged because of one outage the few lines of that."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or hasattr(record, "is_told"):
            return True
        # Huey tells of each job that raised, and of each look at the queue.
        of_jobs = record.name.split(".")[0] == "huey"
        what = f"job {type(error).__name__}" if of_jobs else None
        if what is None and service_of(error) is None:
            return True
        failed(str(what), error)
        return False
