"""Metric counters: what is counted of pictures, slots and calls to providers."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from jimeng import lanes
from jimeng.documents import Generation, State, utcnow
from jimeng.errors import JimengError
from jimeng.process import broker
from jimeng.process.metric_counts import counts
from jimeng.process.runtime import runtime
from jimeng.process.state import remembered

SAMPLED_KEY = "jimeng:slots_sampled_at"
SAMPLE_EVERY_S = 5.0
MAX_SAMPLE_GAP_S = 30.0  # longer gaps are not counted: no process was sampling

# names and lanes of slot time counted here
_started: set[tuple[str, str]] = remembered(set())


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
