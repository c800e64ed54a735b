"""What the terminal or the system has asked for so far."""

import signal
import time


class Signals:
    """
    Signals that were heard.

    The handler only appends to a list. It may run between any two steps of this very
    thread, also in the midst of itself: whatever takes a lock, as an event's ``set``
    does, could wait there for a lock that its own thread holds, and for ever.
    """

    def __init__(self) -> None:
        self._heard: list[int] = []

    def listen(self) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(each) != signal.SIG_IGN:  # nohup ignores SIGHUP
                signal.signal(each, lambda number, _frame: self._heard.append(number))

    def stop(self, after: float = 0.0) -> bool:
        """Whether to stop, *after* that many seconds of waiting for it."""
        if not self._heard:
            time.sleep(after)
        return bool(self._heard)

    def hurry(self) -> bool:
        """Whether Ctrl-C came twice: then nothing is waited for."""
        # Only Ctrl-C is counted: make passes on a SIGTERM that came already.
        return self._heard.count(signal.SIGINT) > 1
