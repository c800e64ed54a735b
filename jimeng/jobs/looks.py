"""
When to look: at a picture that is drawn, by what the lane's latest ones took.

Nobody looks before one in five would be ready. From then on a picture is looked at
closely until the slowest would be, as closely as the lane's looks together allow, and
after that at leisure.
"""

from datetime import datetime, timedelta

from jimeng import lanes
from jimeng.documents import Generation, utcnow
from jimeng.jobs.runtime import runtime

# What a provider allows is not published, so this stays far below what is known to
# work, and it is looked less often for a while after it said that this is too much.
MOST_LOOKS = 8.0  # a second in a lane, for looking more often than POLL_INTERVAL
CLOSEST = 0.25  # times the poll interval
UNMEASURED_SHARE = 0.5  # of the model's own figure, before the first look
EAGER_FOR = 15.0  # seconds beyond what was expected, in which the next look comes soon
SLOW_FACTOR = 2.5  # times the poll interval, after that
MOST_FAULT_WAIT = 30.0  # seconds between looks at a provider that fails
SEEN_IN_TIME = timedelta(seconds=1)  # later looks would measure ourselves
FIRST_LOOK_COUNTS = 0.7


def first_look_after(generation: Generation) -> float:
    """
    Seconds from the acceptance to the first look.

    Where it cannot be looked closely, it is when half of the pictures are ready:
    each look before would be one of many in vain.
    """
    least = runtime().config.POLL_INTERVAL
    window = lanes.window(generation.lane)
    expected = generation.expected or 0.0
    if window is None:
        return max(least, UNMEASURED_SHARE * expected)
    is_close = close_interval(generation.lane) < least
    return max(least, min(window[0], expected) if is_close else expected)


def next_look_after(generation: Generation, faults: int) -> float:
    """Seconds to the next look: close at first, slower with age and with faults."""
    interval = runtime().config.POLL_INTERVAL
    overdue = age(generation) - (generation.expected or 0)
    if overdue > EAGER_FOR:
        interval *= SLOW_FACTOR
    elif not faults:
        window = lanes.window(generation.lane)
        if window and age(generation) <= window[1] + interval:
            interval = close_interval(generation.lane)
    return min(interval * 2.0 ** min(faults, 10), max(MOST_FAULT_WAIT, interval))


def close_interval(lane: str) -> float:
    """Seconds between two looks at a picture that is due."""
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
    may have been ready for a while: a median of these as they are would only climb, so
    they count for less, and it comes down within a few dozen pictures. After a failed
    look nobody knows.
    """
    planned = generation.planned_at
    if generation.late or generation.faults or not planned:
        return
    if generation.accepted_at is None or asked_at > planned + SEEN_IN_TIME:
        return
    seconds = (asked_at - generation.accepted_at).total_seconds()
    if generation.polls == 0:
        seconds *= FIRST_LOOK_COUNTS
    else:
        unseen = runtime().config.POLL_INTERVAL
        if generation.looked_at is not None:
            unseen = (asked_at - generation.looked_at).total_seconds()
        seconds = max(seconds - unseen / 2, 0.1)
    lanes.record_duration(generation.lane, seconds)
