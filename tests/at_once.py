"""What many do in one moment, each on a thread of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def at_once(number: int, act: Callable[[int], object]) -> list:
    """What *act* gives to each of so many, who all begin together."""
    start = threading.Barrier(number)

    def begin(each: int) -> object:
        start.wait()
        return act(each)

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(begin, range(number)))
