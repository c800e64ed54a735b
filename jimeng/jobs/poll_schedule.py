"""
The poll schedule: when the provider is asked for a picture, by what the latest took.

A slot is idle from the moment its picture is ready until a poll notices. The first poll
comes when about one picture in eight would be ready. From then on they follow at equal
intervals, a share of how far the durations are spread: of the simple schedules with as
many polls this one notices soonest. What takes longer than nearly all others did is
polled at intervals that grow with its age.
"""

import random
import time
from datetime import datetime, timedelta

from pymongo.errors import OperationFailure

from jimeng import lanes
from jimeng.documents import Generation, lacks_index, utcnow
from jimeng.jobs.runtime import runtime

# The intervals, times POLL_INTERVAL; longer ones for what is older: who waits for
# minutes does not notice seconds.
MIN_INTERVAL, MAX_INTERVAL = 0.25, 1.5
MAX_AGE_SHARE, OVERDUE_AGE_SHARE = 1 / 30, 1 / 5  # of its age
# Then, at twice that age and so on, it is polled whatever the pictures before took: the
# provider may have become much faster.
FIRST_POLL_MAX_S = 15.0
FAULT_WAIT_MAX_S = 30.0  # between polls of a provider that fails
# A later poll measures ourselves.
ON_TIME = timedelta(seconds=1)
COUNT_CACHE_S = 1.0

_generating: dict[str, tuple[float, int]] = {}  # account -> until when, how many


def first_poll_after(generation: Generation) -> float:
    """Seconds from the acceptance to the first poll."""
    earliest = _duration_estimate(generation).earliest
    return max(min(earliest, FIRST_POLL_MAX_S), shortest_interval(generation))


def next_poll_after(generation: Generation, faults: int) -> float:
    """Seconds to the next poll; longer after *faults*, failed polls in a row."""
    spread, age_s = _duration_estimate(generation), age(generation)
    if age_s < spread.earliest:
        interval = min(spread.earliest - age_s, age_s)
    else:
        interval = spread.interval
        if age_s > spread.latest:
            interval = max(interval, OVERDUE_AGE_SHARE * age_s)
        longest = MAX_INTERVAL * runtime().config.POLL_INTERVAL
        interval = min(interval, max(longest, MAX_AGE_SHARE * age_s))
    interval = max(interval, shortest_interval(generation))
    return min(interval * 2.0 ** min(faults, 10), max(FAULT_WAIT_MAX_S, interval))


def _duration_estimate(generation: Generation) -> lanes.DurationEstimate:
    expected = generation.expected or runtime().config.POLL_INTERVAL
    return lanes.estimate_duration(generation.lane, expected)


def shortest_interval(generation: Generation) -> float:
    """
    Seconds between two polls of a picture at the least, and to its first one.

    Where all pictures of the account would together be polled more often than
    ``POLLS_PER_SECOND``, each waits for about as long as one poll of all takes. That
    needs no agreement between consumers: each sees how many there are.
    """
    config = runtime().config
    is_polling_backed_off = lanes.is_polling_backed_off(generation.lane)
    shortest = config.POLL_INTERVAL * (1.0 if is_polling_backed_off else MIN_INTERVAL)
    if config.POLLS_PER_SECOND:
        count = count_generating(generation.of_account)
        scatter = random.uniform(0.5, 1.5)  # noqa: S311 - those sent at once, no secret
        shortest = max(shortest, scatter * count / config.POLLS_PER_SECOND)
    return shortest


def count_generating(account: str) -> int:
    """`lanes.count_generating`, a second old at the most while its index is there."""
    until, count = _generating.get(account, (0.0, 0))
    if time.monotonic() >= until:
        try:
            count = lanes.count_generating(account)
        except OperationFailure as error:
            if not lacks_index(error):
                raise
        _generating[account] = (time.monotonic() + COUNT_CACHE_S, count)
    return count


def age(generation: Generation) -> float:
    """Seconds since the provider accepted it."""
    since = generation.accepted_at or generation.created_at
    return (utcnow() - since).total_seconds()


def record_poll_duration(generation: Generation, asked_at: datetime) -> None:
    """
    Remember how long the provider took.

    It became ready between the poll before and this one, and counts as the middle of
    the two. Found at the first poll that is half of what has passed: so a provider that
    has become faster is found out in a few steps, and a few of many pictures do not
    move the median. After a failed poll nobody knows. A poll that came later than
    planned says no more than that it took no longer, which counts where it is news.
    """
    planned, accepted = generation.planned_at, generation.accepted_at
    if generation.late or generation.faults or not planned or not accepted:
        return
    longest, shortest = (
        asked_at - accepted,
        (generation.looked_at or accepted) - accepted,
    )
    seconds = (longest + shortest).total_seconds() / 2
    is_late = asked_at > planned + ON_TIME
    if not is_late or seconds < (generation.expected or 0):
        lanes.record_duration(generation.lane, seconds)
