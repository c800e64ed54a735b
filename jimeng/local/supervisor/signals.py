"""What the terminal or the system has asked for so far."""

import signal
import threading


class Signals:
    """
    Attributes:
        stop: Set by the first Ctrl-C, SIGTERM or SIGHUP.
    """

    def __init__(self) -> None:
        self.stop = threading.Event()
        self._interrupts = 0

    def listen(self) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(each) != signal.SIG_IGN:  # nohup ignores SIGHUP
                signal.signal(each, self._heard)

    def hurry(self) -> bool:
        """Whether Ctrl-C came twice: then nothing is waited for."""
        return self._interrupts > 1

    def _heard(self, number: int, _frame: object) -> None:
        # Only Ctrl-C is counted: make passes on a SIGTERM that came already.
        self._interrupts += number == signal.SIGINT
        self.stop.set()
