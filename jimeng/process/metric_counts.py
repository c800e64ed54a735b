"""
Counts of this process for the metrics, flushed to Redis every few seconds.

Counts that a killed process has not flushed are lost, and all are lost with Redis:
Prometheus handles counters that restart. Nothing is added twice.
"""

import threading
import time
from bisect import bisect_left
from collections import Counter

from redis.exceptions import RedisError

from jimeng.errors import outages
from jimeng.process import broker

FLUSH_EVERY_S = 2.0
REDIS_RETRY_AFTER_S = 60.0  # after Redis has not answered
KEY = "jimeng:counts"
SEPARATOR = "\t"  # joins a name, its label values and, for durations, a bucket
# Upper bounds of the buckets of durations; the last bucket has none.
BOUNDS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600, 1800)
BUCKETS = (*(f"{bound:g}" for bound in BOUNDS_S), "inf")
MILLISECONDS = "ms"  # also the suffix of names of counters in milliseconds

MetricCounts = Counter[tuple[str, ...]]  # by name and label values


class Counts:
    """The counts of this process that are not flushed yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter()
        self._next = 0.0  # by `time.monotonic`

    def add(self, *names: str, n: int = 1) -> None:
        with self._lock:
            self._counted[SEPARATOR.join(names)] += n

    def observe(self, *names: str, seconds: float) -> None:
        """Count a duration in its bucket, and add it to the sum."""
        bucket = BUCKETS[bisect_left(BOUNDS_S, seconds)]
        with self._lock:
            self._counted[SEPARATOR.join((*names, bucket))] += 1
            took = SEPARATOR.join((*names, MILLISECONDS))
            self._counted[took] += max(round(seconds * 1000), 0)

    def flush_if_due(self) -> None:
        """Flush at most every `FLUSH_EVERY_S`, on the caller's thread."""
        with self._lock:
            if time.monotonic() < self._next:
                return
            self._next = time.monotonic() + FLUSH_EVERY_S
        self.flush()

    def flush(self) -> None:
        """Add the counts of this process to those in Redis."""
        self._flush()

    def _flush(self) -> bool:
        """Return whether Redis has answered, if there was anything to add."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
        if not counted:
            return True
        try:
            with broker.huey.storage.conn.pipeline(transaction=True) as pipeline:
                for name, n in counted.items():
                    pipeline.hincrby(KEY, name, n)
                pipeline.execute()
        except RedisError as error:  # may have been counted, so they are not retried
            self._next = time.monotonic() + REDIS_RETRY_AFTER_S
            outages.failed("redis", error)
            return False
        return True

    def read(self) -> MetricCounts:
        """
        Flush, and read the counts of all processes; empty while Redis is down, which is
        waited for once.
        """
        if not self._flush():
            return Counter()
        try:
            found = broker.huey.storage.conn.hgetall(KEY)
        except RedisError:
            return Counter()
        names = {name: tuple(name.decode().split(SEPARATOR)) for name in found}
        return Counter({names[name]: int(n) for name, n in found.items()})


counts = Counts()
