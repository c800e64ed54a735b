"""
Metric counters: buffered in each process, and flushed to Redis every few seconds.

Counts that a killed process has not flushed are lost, and all are lost with Redis:
Prometheus handles counters that restart. Nothing is added twice.
"""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from jimeng import lanes
from jimeng.documents import Generation, State, utcnow
from jimeng.errors import JimengError, outages
from jimeng.jobs import broker
from jimeng.jobs.runtime import runtime

FLUSH_EVERY_S = 2.0
REDIS_RETRY_AFTER_S = 60.0  # after Redis has not answered
KEY = "jimeng:counts"
SAMPLED_KEY = "jimeng:slots_sampled_at"
SAMPLE_EVERY_S = 5.0
MAX_SAMPLE_GAP_S = 30.0  # longer gaps are not counted: no process was sampling
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
_started: set[tuple[str, str]] = set()  # names and lanes of slot time counted here


def count_accepted(generation: Generation) -> None:
    """Count an accepted picture: how long it waited to be sent."""
    if generation.sent_at and not generation.resent:
        waited = generation.sent_at - generation.created_at
        _observe("picture_wait", generation, waited.total_seconds())


def count_generated(generation: Generation) -> None:
    """Count a generated, and charged, picture: its duration."""
    is_synchronous = generation.is_synchronous
    began_at = generation.sent_at if is_synchronous else generation.began_at
    if began_at and generation.drawn_at:
        took = generation.drawn_at - began_at
        _observe("picture_provider", generation, took.total_seconds())


def count_noticed(generation: Generation) -> None:
    """
    Count a picture that a poll found ready: how many polls it took, and the longest
    time for which it may have been ready unnoticed.

    Args:
        generation: As it was before that poll.
    """
    model = model_of(generation.lane)
    counts.add("polls", model, n=generation.polls + generation.late_looks + 1)
    # `looked_at` may be of an earlier submission.
    since = generation.looked_at if generation.polls else generation.accepted_at
    # A failed poll saw nothing; at a late poll the slot had been released already.
    is_late = generation.state != State.GENERATING.value
    if since is None or generation.faults or is_late:
        return
    unnoticed = utcnow() - since
    counts.observe("picture_unnoticed", model, seconds=unnoticed.total_seconds())


def sample_slots() -> None:
    """
    Count slot time, used and idle while pictures wait: the number of slots, times the
    seconds since the latest sample of any process.

    Reads one row for each slot in use; the cost does not depend on how many wait.
    """
    now = time.time()
    try:
        previous = broker.huey.storage.conn.getset(SAMPLED_KEY, now)
    except RedisError:
        return  # the counts could not be flushed either
    elapsed = now - float(previous or now)
    if not 0 < elapsed <= MAX_SAMPLE_GAP_S:
        return
    limits = runtime().registry.limits
    used, idle = Counter[str](), Counter(lanes.count_sendable(limits))
    for account_lane, slots in lanes.used_slots_in(
        lanes.account_lanes_of(limits)
    ).items():
        used[account_lane.lane] += len(slots)
    for lane in limits:
        for name, n in (("slots_used_ms", used[lane]), ("slots_idle_ms", idle[lane])):
            # Once also 0: Prometheus needs to see a counter's start.
            if n or (name, lane) not in _started:
                counts.add(name, model_of(lane), n=round(n * elapsed * 1000))
                _started.add((name, lane))


def count_completed(generation: Generation) -> None:
    """Count a completed picture: the time to store it, and in total."""
    now = utcnow()
    if generation.drawn_at:
        saving = now - generation.drawn_at
        _observe("picture_saving", generation, saving.total_seconds())
    whole = now - generation.created_at
    _observe("picture", generation, whole.total_seconds())


@contextmanager
def measure_call(provider: str, kind: str) -> Iterator[None]:
    """
    Count a call to a provider, by result code, and its duration.

    Args:
        kind: ``submit``, ``poll`` or ``download``.
    """
    began, code = time.monotonic(), "ok"
    try:
        yield
    except JimengError as error:
        code = error.code
        raise
    finally:
        counts.add("calls", provider, kind, code)
        took = time.monotonic() - began
        counts.observe("call", provider, kind, seconds=took)


def model_of(lane: str) -> str:
    """The lane's model id; the lane itself if the model is no longer offered."""
    model = runtime().registry.by_lane(lane)
    return model.id if model else lane


def _observe(name: str, generation: Generation, seconds: float) -> None:
    counts.observe(name, model_of(generation.lane), seconds=seconds)
