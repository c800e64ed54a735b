"""
Outages: condense repeated failures of one cause into a few log lines, and let a request
wait only once for a service that does not answer.
"""

import logging
import threading
from collections.abc import Callable
from contextvars import ContextVar
from time import monotonic

log = logging.getLogger(__name__)

QUIET_S = 10.0  # without a failure an outage is over; retries run every five seconds
REPORT_EVERY_S = 60.0  # while the outage lasts
# Longer than what a request does between two operations; what waits for longer, such as
# a stream, tries again.
SILENT_S = 1.0
MAX_ERROR_CHARS = 300  # some errors of the drivers are pages long


class Outage:
    """
    Repeated failures of one service or step. Logged when they begin, once a minute
    while they last, and when there was none for `QUIET_S`.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._lock = threading.Lock()
        self._failures = 0
        self._began = self._latest = self._reported_at = 0.0  # by `time.monotonic`

    def failed(self, error: BaseException) -> None:
        """Count a failure, and log it unless one was logged within `REPORT_EVERY_S`."""
        now = monotonic()
        with self._lock:
            self._failures += 1
            self._latest = now
            if self._failures == 1:
                self._began = now
            elif now < self._reported_at + REPORT_EVERY_S:
                return
            self._reported_at = now
            failures, seconds = self._failures, now - self._began
        said = f"{type(error).__name__}: {error}"[:MAX_ERROR_CHARS]
        if failures > 1:
            message = "outage goes on what=%s failures=%d seconds=%.0f: %s"
            log.warning(message, self.what, failures, seconds, said)
            return
        # Tracebacks are only for our own errors, not for a service that is down.
        ours = None if service_of(error) else error
        level = logging.ERROR if ours else logging.WARNING
        message, extra = "outage began what=%s: %s", {"is_reported": True}
        log.log(level, message, self.what, said, exc_info=ours, extra=extra)

    def works(self) -> None:
        """Record a success; the outage is over after `QUIET_S` without a failure."""
        if not self._failures or monotonic() < self._latest + QUIET_S:
            return
        with self._lock:
            failures, self._failures = self._failures, 0
        if failures:
            seconds = self._latest - self._began
            message = "outage ended what=%s failures=%d seconds=%.0f"
            log.warning(message, self.what, failures, seconds)


_outages: dict[str, Outage] = {}
_services: dict[str, Callable[[Exception], bool]] = {}


def failed(what: str, error: BaseException) -> None:
    """Count a failure of *what*, or of the service that caused it."""
    name = service_of(error) or what
    _outages.setdefault(name, Outage(name)).failed(error)


def works(what: str | None = None) -> None:
    """Record a success of *what*, by default of everything."""
    for each in list(_outages.values()):
        if what in {None, each.what}:
            each.works()


def watch(service: str, is_to_blame: Callable[[Exception], bool]) -> None:
    """
    Report all failures of a *service* as one outage.

    Args:
        is_to_blame: Whether an exception means that the service is down.
    """
    _services[service] = is_to_blame


def service_of(error: BaseException | None) -> str | None:
    """The service that caused an error, or the error that it was raised from."""
    if not isinstance(error, Exception):
        return None
    for name, is_to_blame in _services.items():
        if is_to_blame(error):
            return name
    return service_of(error.__cause__)


# Service -> until when this request does not try it, by `time.monotonic`. None outside
# of requests: a worker has time to try again.
_silent: ContextVar[dict[str, float] | None] = ContextVar("silent", default=None)


def begin_request() -> None:
    """From now on, `is_silent` is about what this request has waited for."""
    _silent.set({})


def end_request() -> None:
    _silent.set(None)


def timed_out(service: str) -> None:
    """Record that this request has waited for a service in vain."""
    silent = _silent.get()
    if silent is not None:
        silent[service] = monotonic() + SILENT_S


def is_silent(service: str) -> bool:
    """Whether this request has just waited in vain, and is not to wait again."""
    silent = _silent.get() or {}
    return monotonic() < silent.get(service, 0.0)


class Folding(logging.Filter):
    """Replace the log records of an outage by the few lines of `Outage`."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or hasattr(record, "is_reported"):
            return True
        # Huey logs each job that raised, and each failed read of the queue.
        of_jobs = record.name.split(".")[0] == "huey"
        what = f"job {type(error).__name__}" if of_jobs else None
        if what is None and service_of(error) is None:
            return True
        failed(str(what), error)
        return False
