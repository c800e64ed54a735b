"""Waiting for what other processes do."""

import time
from collections.abc import Callable
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
