"""Waiting for what other processes do."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

SHORTEST, LONGEST = 0.02, 0.2  # seconds between two looks
PATIENCE_S = 180.0  # much longer than anything takes on a machine that does much else
Found = TypeVar("Found")


def wait_for(
    condition: Callable[[], Found],
    timeout: float = PATIENCE_S,
    what: str = "that it holds",
) -> Found:
    """
    Look until *condition* holds, more and more seldom, and return what it gave.

    Raises:
        AssertionError: it does not within *timeout* seconds.
    """
    began = time.monotonic()
    while True:
        found = condition()
        if found:
            return found
        waited = time.monotonic() - began
        assert waited < timeout, f"not within {timeout:g} s: {what}"
        time.sleep(min(LONGEST, max(SHORTEST, waited / 4)))


@contextmanager
def meanwhile(act: Callable[[], object], every_s: float) -> Iterator[None]:
    """Do something again and again, in a thread, while inside."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(every_s):
            act()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
