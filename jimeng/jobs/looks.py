"""
When to look: at a picture that is drawn, by what the lane's latest ones took.

Nobody looks before hardly any would be ready. From then on a picture is looked at the
more closely the more likely it is to become ready: that is how a number of looks finds
it soonest. When hardly any would still be drawn it is looked at at leisure.

The provider is asked by all pictures of a lane together at most so often; where many
are drawn at a time, each is looked at when half of them are ready, and then as often
as `POLL_INTERVAL` says.
"""

import math
import time
from datetime import datetime, timedelta

from jimeng import lanes
from jimeng.documents import Generation, utcnow
from jimeng.jobs.runtime import runtime

# What a provider allows is not published, so this stays far below what is known to
# work, and it is looked less often for a while after it said that this is too much.
MOST_LOOKS = 8.0  # a second in a lane, for looking more often than POLL_INTERVAL
CLOSEST, WIDEST = 0.25, 0.5  # times the poll interval, while it is to become ready
BALANCE = 0.25  # seconds between two looks when one a second becomes ready
# Shares of what has passed: who waits for a minute does not notice a second, and what
# is overdue may be so for long.
UNNOTICED, OVERDUE = 1 / 60, 1 / 4
EAGER_FOR = 15.0  # seconds beyond what was expected, in which the next look comes soon
SLOW_FACTOR = 2.5  # times the poll interval, after that
MOST_FAULT_WAIT = 30.0  # seconds between looks at a provider that fails
SEEN_IN_TIME = timedelta(seconds=1)  # later looks would measure ourselves
FIRST_LOOK_COUNTS = 0.85
SAMPLE_EVERY = 0.25  # seconds; where many are drawn at a time some tell as much

_measured: dict[str, float] = {}


def first_look_after(generation: Generation) -> float:
    """Seconds from the acceptance to the first look."""
    expected = generation.expected or 0.0
    spread = lanes.spread(generation.lane, expected)
    if spread is None or not is_closely(generation.lane):
        return max(runtime().config.POLL_INTERVAL, expected)
    return max(runtime().config.POLL_INTERVAL, min(spread.earliest, expected))


def next_look_after(generation: Generation, faults: int) -> float:
    """Seconds to the next look: close at first, slower with age and with faults."""
    interval = runtime().config.POLL_INTERVAL
    passed, expected = age(generation), generation.expected or 0.0
    spread = lanes.spread(generation.lane, expected)
    if spread is not None and not faults and is_closely(generation.lane):
        interval = min(interval, close_look_after(generation.lane, passed, spread))
    if passed > expected + EAGER_FOR and (spread is None or passed > spread.latest):
        interval = SLOW_FACTOR * runtime().config.POLL_INTERVAL
    return min(interval * 2.0 ** min(faults, 10), max(MOST_FAULT_WAIT, interval))


def close_look_after(lane: str, passed: float, spread: lanes.Spread) -> float:
    """Seconds to the next look, *passed* seconds after the acceptance."""
    interval = runtime().config.POLL_INTERVAL
    widest = max(WIDEST * interval, closest(lane), UNNOTICED * passed)
    if passed > spread.latest:
        return max(widest, OVERDUE * (passed - spread.latest))
    # Each look costs the same; so it is worth it by the root of what it may find.
    likely = spread.hazard(max(passed, 0.01))
    wanted = BALANCE / math.sqrt(likely) if likely > 0 else widest
    return min(widest, max(wanted, closest(lane), UNNOTICED * passed))


def is_closely(lane: str) -> bool:
    """Whether its pictures may be looked at more often than `POLL_INTERVAL` says."""
    return closest(lane) < runtime().config.POLL_INTERVAL


def closest(lane: str) -> float:
    """Seconds between two looks at a picture at the least."""
    interval = runtime().config.POLL_INTERVAL
    if lanes.is_calm(lane):
        return interval
    at_once = runtime().registry.lanes.get(lane, 1)
    return min(interval, max(CLOSEST * interval, at_once / MOST_LOOKS))


def age(generation: Generation) -> float:
    """Seconds since the provider accepted it."""
    since = generation.accepted_at or generation.created_at
    return (utcnow() - since).total_seconds()


def measure(generation: Generation, asked_at: datetime) -> None:
    """
    Remember how long the provider took, where we looked in time to know.

    It became ready between this look and the one before. Found at the first look, it
    may have been ready for a while: a middle of these as they are would only climb, so
    they count for less, and it comes down within a few dozen pictures. After a failed
    look nobody knows.
    """
    planned = generation.planned_at
    if generation.late or generation.faults or not planned:
        return
    if generation.accepted_at is None or asked_at > planned + SEEN_IN_TIME:
        return
    now, at_once = time.monotonic(), runtime().registry.lanes.get(generation.lane, 1)
    if at_once > MOST_LOOKS and now < _measured.get(generation.lane, 0) + SAMPLE_EVERY:
        return
    _measured[generation.lane] = now
    seconds = (asked_at - generation.accepted_at).total_seconds()
    if generation.polls == 0:
        seconds *= FIRST_LOOK_COUNTS
    else:
        unseen = runtime().config.POLL_INTERVAL
        if generation.looked_at is not None:
            unseen = (asked_at - generation.looked_at).total_seconds()
        seconds = max(seconds - unseen / 2, 0.1)
    lanes.record_duration(generation.lane, seconds)
