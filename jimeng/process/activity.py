"""
Whether this process has anything to do, and whether it is to stop.

A process without anything to do is idle: its loops look for work every
`IDLE_INTERVAL_S` only. It is not for `IDLE_AFTER_S` after each `wake`: after its start,
a job, a delivery, or a request somewhere that has changed something
(`broker.wake_a_worker`).
"""

import threading
import time
from collections.abc import Callable

IDLE_AFTER_S = 10.0  # longer than the wait before a delivery is retried
IDLE_INTERVAL_S = 5.0

stopped = threading.Event()
_listeners: list[Callable[[], None]] = []
_busy_until = 0.0  # by `time.monotonic`


def is_idle() -> bool:
    return time.monotonic() >= _busy_until


def wake() -> None:
    """There may be something to do: if this process was idle, call the listeners."""
    global _busy_until
    was_idle, _busy_until = is_idle(), time.monotonic() + IDLE_AFTER_S
    if was_idle:
        notify()


def notify() -> None:
    for listener in list(_listeners):
        listener()


def listen(listener: Callable[[], None]) -> None:
    """Call *listener* when this process is idle no more, and when it is to stop."""
    _listeners.append(listener)


def clear() -> None:
    """Be idle."""
    global _busy_until
    _busy_until = 0.0
