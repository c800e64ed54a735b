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

from jimeng.process.state import Remembered

IDLE_AFTER_S = 10.0  # longer than the wait before a delivery is retried
IDLE_INTERVAL_S = 5.0

stopped = threading.Event()
_listeners: list[Callable[[], None]] = []


class _State(Remembered):
    busy_until = 0.0  # by `time.monotonic`


_state = _State()


def is_idle() -> bool:
    return time.monotonic() >= _state.busy_until


def wake() -> None:
    """There may be something to do: if this process was idle, call the listeners."""
    was_idle, _state.busy_until = is_idle(), time.monotonic() + IDLE_AFTER_S
    if was_idle:
        notify()


def notify() -> None:
    for listener in list(_listeners):
        listener()


def listen(listener: Callable[[], None]) -> None:
    """Call *listener* when this process is idle no more, and when it is to stop."""
    _listeners.append(listener)
