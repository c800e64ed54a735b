"""
The poll schedule, derived from the durations of the latest pictures.

A slot is idle from the moment its picture is ready until a poll finds it. The first
poll comes when about one picture in eight would be ready. Further polls follow at equal
intervals, a share of the standard deviation of the durations: of the simple schedules
with as many polls, this one finds pictures soonest. A picture that takes longer than
nearly all others is polled at intervals that grow with its age.
"""

import random
import time
from datetime import datetime, timedelta

from pymongo.errors import OperationFailure

from jimeng import lanes
from jimeng.documents import Generation, lacks_index, utcnow
from jimeng.jobs.runtime import runtime

# Bounds of the interval, times POLL_INTERVAL. It may be longer for older pictures:
# after minutes of waiting, seconds do not matter.
MIN_INTERVAL, MAX_INTERVAL = 0.25, 1.5
MAX_AGE_SHARE, OVERDUE_AGE_SHARE = 1 / 30, 1 / 5  # of its age
# At this age, at twice it and so on, a picture is polled whatever the earlier ones
# took: the provider may have become much faster.
FIRST_POLL_MAX_S = 15.0
# Videos take minutes. Ark answers twenty polls of an account in a second; its list and
# its cancellations are on top.
VIDEO_INTERVAL, VIDEO_POLLS_PER_SECOND = 5.0, 10.0  # times POLL_INTERVAL; per account
FAULT_WAIT_MAX_S = 30.0  # between polls of a provider that fails
# The delay of a later poll says more about our own load than about the provider.
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
    The minimum of the seconds to the first poll, and between two polls.

    It grows with the number of the account's pictures, so that all together are polled
    at most ``POLLS_PER_SECOND`` times a second. Consumers need no coordination for
    that: each counts the pictures.
    """
    config = runtime().config
    is_polling_backed_off = lanes.is_polling_backed_off(generation.lane)
    shortest = config.POLL_INTERVAL * (1.0 if is_polling_backed_off else MIN_INTERVAL)
    most = config.POLLS_PER_SECOND
    if generation.is_video:
        shortest = VIDEO_INTERVAL * config.POLL_INTERVAL
        most = min(most or VIDEO_POLLS_PER_SECOND, VIDEO_POLLS_PER_SECOND)
    if most:
        count = count_generating(generation.of_account)
        scatter = random.uniform(0.5, 1.5)  # noqa: S311 - those sent at once, no secret
        shortest = max(shortest, scatter * count / most)
    return shortest


def count_generating(account: str) -> int:
    """
    `lanes.count_generating`, cached for `COUNT_CACHE_S`. While the index is missing the
    previous count stays.
    """
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
    Record how long the provider took.

    The picture became ready between the previous poll and this one; the middle of the
    two is recorded. At the first poll that is half of the elapsed time: so the estimate
    follows a provider that has become faster in a few steps, while a few such pictures
    do not move the median. After a failed poll the duration is unknown. A poll later
    than planned gives only an upper bound, recorded if it is below the estimate.
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
