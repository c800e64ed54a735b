"""
Counts for the metrics: kept in each process, and every few seconds added up in Redis.

What a process has not added when it is killed is lost, and so is all of it with Redis:
a counter that begins anew is what Prometheus expects. Nothing is ever added twice.
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

FLUSH_EVERY_S = 2.0  # seconds from one adding up to the next
REDIS_RETRY_AFTER_S = 60.0  # seconds that it is left alone after Redis did not answer
KEY = "jimeng:counts"
SAMPLED_KEY = "jimeng:slots_sampled_at"
SAMPLE_EVERY_S = 5.0
MAX_SAMPLE_GAP_S = 30.0  # what is further apart was not watched in between
SEPARATOR = "\t"  # a name, the values of its labels, and for durations a bound
# Seconds: the upper bounds of what durations are counted by, and whatever is longer.
BOUNDS_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600, 1800)
BUCKETS = (*(f"{bound:g}" for bound in BOUNDS_S), "inf")
MILLISECONDS = "ms"  # also the end of a counter's name that counts these

MetricCounts = Counter[tuple[str, ...]]  # by name and the values of the labels


class Counts:
    """What this process has counted and not yet added."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counted: Counter[str] = Counter()
        self._next = 0.0  # by `time.monotonic`

    def add(self, *names: str, n: int = 1) -> None:
        with self._lock:
            self._counted[SEPARATOR.join(names)] += n

    def observe(self, *names: str, seconds: float) -> None:
        """Count a duration among those that took about as long."""
        bucket = BUCKETS[bisect_left(BOUNDS_S, seconds)]
        with self._lock:
            self._counted[SEPARATOR.join((*names, bucket))] += 1
            took = SEPARATOR.join((*names, MILLISECONDS))
            self._counted[took] += max(round(seconds * 1000), 0)

    def flush_if_due(self) -> None:
        """Whoever comes by asks Redis, once every few seconds."""
        with self._lock:
            if time.monotonic() < self._next:
                return
            self._next = time.monotonic() + FLUSH_EVERY_S
        self.flush()

    def flush(self) -> None:
        """Add what was counted to what all processes have counted."""
        with self._lock:
            counted, self._counted = self._counted, Counter()
        if not counted:
            return
        try:
            with broker.huey.storage.conn.pipeline(transaction=True) as pipeline:
                for name, n in counted.items():
                    pipeline.hincrby(KEY, name, n)
                pipeline.execute()
        except RedisError as error:  # whether it has counted them nobody knows
            self._next = time.monotonic() + REDIS_RETRY_AFTER_S
            outages.failed("redis", error)

    def read(self) -> MetricCounts:
        """What all processes have counted together; nothing while Redis is away."""
        self.flush()
        try:
            found = broker.huey.storage.conn.hgetall(KEY)
        except RedisError:
            return Counter()
        names = {name: tuple(name.decode().split(SEPARATOR)) for name in found}
        return Counter({names[name]: int(n) for name, n in found.items()})


counts = Counts()


def count_accepted(generation: Generation) -> None:
    """The provider has taken it: note how long it had waited to be sent."""
    if generation.sent_at and not generation.resent:
        waited = generation.sent_at - generation.created_at
        _observe("picture_wait", generation, waited.total_seconds())


def count_generated(generation: Generation) -> None:
    """It is drawn, and charged: note how long that took, and what it costs."""
    is_synchronous = generation.is_synchronous
    began_at = generation.sent_at if is_synchronous else generation.began_at
    if began_at and generation.drawn_at:
        took = generation.drawn_at - began_at
        _observe("picture_provider", generation, took.total_seconds())
    model = runtime().registry.by_lane(generation.lane)
    price = model.price_for(generation.of_account) if model else None
    if price is None or generation.width is None or generation.height is None:
        counts.add("unpriced", model_of(generation.lane))
    else:
        fen = price.of(generation.width, generation.height)
        counts.add("fen", model_of(generation.lane), n=fen)


def count_noticed(generation: Generation) -> None:
    """
    A poll has found it ready: note how many that took, and how long ago it can have
    become ready.

    Args:
        generation: As it was before that poll.
    """
    model = model_of(generation.lane)
    counts.add("polls", model, n=generation.polls + generation.late_looks + 1)
    # One of before it was sent once more may be remembered.
    since = generation.looked_at if generation.polls else generation.accepted_at
    # A poll that failed saw nothing; at a late one it held no slot any more.
    is_late = generation.state != State.GENERATING.value
    if since is None or generation.faults or is_late:
        return
    unnoticed = utcnow() - since
    counts.observe("picture_unnoticed", model, seconds=unnoticed.total_seconds())


def sample_slots() -> None:
    """
    Add up the slots in use, and those that are free while something waits, times the
    seconds since any process last did.

    Reads one row for each slot in use, however many wait.
    """
    now = time.time()
    try:
        previous = broker.huey.storage.conn.getset(SAMPLED_KEY, now)
    except RedisError:
        return  # nothing could be added up either
    elapsed = now - float(previous or now)
    if not 0 < elapsed <= MAX_SAMPLE_GAP_S:
        return
    limits = runtime().registry.limits
    used, idle = Counter[str](), Counter(lanes.count_sendable(limits))
    for account_lane, slots in lanes.used_slots_in(
        lanes.account_lanes_of(limits)
    ).items():
        used[account_lane.lane] += len(slots)
    for lane in limits:  # also 0: Prometheus is to see where a counter begins
        for name, n in (("slots_used_ms", used[lane]), ("slots_idle_ms", idle[lane])):
            counts.add(name, model_of(lane), n=round(n * elapsed * 1000))


def count_completed(generation: Generation) -> None:
    """It is kept, and its task says so for the first time."""
    now = utcnow()
    if generation.drawn_at:
        saving = now - generation.drawn_at
        _observe("picture_saving", generation, saving.total_seconds())
    whole = now - generation.created_at
    _observe("picture", generation, whole.total_seconds())


@contextmanager
def measure_call(provider: str, kind: str) -> Iterator[None]:
    """
    Note what comes of asking a provider, and how long it took.

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
    """Its model's name, or its own where that is offered no longer."""
    model = runtime().registry.by_lane(lane)
    return model.id if model else lane


def _observe(name: str, generation: Generation, seconds: float) -> None:
    counts.observe(name, model_of(generation.lane), seconds=seconds)
