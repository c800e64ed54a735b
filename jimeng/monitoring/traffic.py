"""
Requests by door: counted in each process, and every few seconds added up in Redis.

What a process has not added when it is killed is lost, and so is all of it with Redis:
a counter that begins anew is what Prometheus expects.
"""

import logging
import threading
import time
from collections import Counter

from redis.exceptions import RedisError

from jimeng import jobs

log = logging.getLogger(__name__)

EVERY = 2.0  # seconds from one adding up to the next
UNASKED = 60.0  # seconds that it is left alone after Redis did not answer
REQUESTS, SECONDS = "jimeng:traffic:requests", "jimeng:traffic:seconds"


class Traffic:
    """What this process has counted and not yet added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()  # by door and status
        self._milliseconds: Counter[str] = Counter()  # by door
        self._next = 0.0  # by `time.monotonic`

    def count(self, door: str, status: int, milliseconds: float) -> None:
        """Note a request that was answered; Redis is asked now and then only."""
        with self._lock:
            self._requests[f"{door} {status}"] += 1
            self._milliseconds[door] += round(milliseconds)
            # One that failed has waited for a database already.
            if time.monotonic() < self._next or status >= 500:
                return
            self._next = time.monotonic() + EVERY
        self.add_up()

    def add_up(self) -> None:
        """Add what was counted to what all processes have counted."""
        with self._lock:
            requests, self._requests = self._requests, Counter()
            took, self._milliseconds = self._milliseconds, Counter()
        try:
            with jobs.huey.storage.conn.pipeline(transaction=True) as pipeline:
                for name, n in requests.items():
                    pipeline.hincrby(REQUESTS, name, n)
                for door, n in took.items():
                    pipeline.hincrby(SECONDS, door, n)
                pipeline.execute()
        except RedisError as error:  # whether it has counted them nobody knows
            self._next = time.monotonic() + UNASKED
            log.warning("requests are not added up: %s", type(error).__name__)

    def read(self) -> tuple[dict[tuple[str, str], float], dict[tuple[str], float]]:
        """
        Requests by door and status, and the seconds that each door's took, of all
        processes together; nothing while Redis is away.
        """
        self.add_up()
        try:
            with jobs.huey.storage.conn.pipeline(transaction=False) as pipeline:
                requests, took = pipeline.hgetall(REQUESTS).hgetall(SECONDS).execute()
        except RedisError:
            return {}, {}
        by_status = {}
        for name, n in requests.items():
            door, status = name.decode().split(" ")
            by_status[door, status] = float(n)
        return by_status, {(d.decode(),): float(n) / 1000 for d, n in took.items()}


traffic = Traffic()
