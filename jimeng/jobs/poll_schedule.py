"""
The poll schedule, derived from the durations of the latest pictures.

A slot is idle from the moment its picture is ready until a poll finds it. The first
poll is sent when about one picture in eight would be ready. Further polls follow at
equal
intervals, a share of the standard deviation of the durations: of the simple schedules
with as many polls, this one finds pictures soonest. A picture that takes longer than
nearly all others is polled at intervals that grow with its age.
"""

import math
import random
import statistics
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from pymongo.errors import OperationFailure

from jimeng import lanes
from jimeng.documents import Generation, lacks_index, utcnow
from jimeng.process.state import remembered

POLL_INTERVAL_S = 1.0
# Bounds of the interval, times `POLL_INTERVAL_S`. It may be longer for older pictures:
# after minutes of waiting, seconds do not matter.
MIN_INTERVAL, MAX_INTERVAL = 0.25, 1.5
MAX_AGE_SHARE, OVERDUE_AGE_SHARE = 1 / 30, 1 / 5  # of its age
# At this age, at twice it and so on, a picture is polled whatever the earlier ones
# took: the provider may have become much faster.
FIRST_POLL_MAX_S = 15.0
# Videos take minutes. Ark answers twenty polls of an account in a second; its list and
# its cancellations are on top.
VIDEO_INTERVAL = 5.0  # times `POLL_INTERVAL_S`
MAX_POLLS_PER_S, MAX_VIDEO_POLLS_PER_S = 100.0, 10.0  # per account, of all workers
FAULT_WAIT_MAX_S = 30.0  # between polls of a provider that fails
# The delay of a later poll says more about our own load than about the provider.
ON_TIME = timedelta(seconds=1)
COUNT_CACHE_S = 1.0
RECENT_SAMPLES = 4  # count alone if they are faster: the provider may have become so
UPPER_QUANTILE = 5 / 6  # of a normal distribution lie below mean plus one deviation
DEFAULT_DEVIATION, MIN_DEVIATION = 1.0, 0.08  # of the logarithm
# Standard deviations from the median: about one picture in eight is ready sooner, and
# one in forty later. The interval between two polls is a share of one deviation. Other
# figures are in docs/performance.md.
EARLIEST_DEVIATIONS, LATEST_DEVIATIONS, INTERVAL_SHARE = 1.2, 2.0, 0.5

# account -> until when, how many
_generating: dict[str, tuple[float, int]] = remembered({})


@dataclass(frozen=True)
class DurationEstimate:
    """
    The estimated duration of the next picture: log-normal, as service times often are.

    Attributes:
        median: In seconds.
        deviation: Standard deviation of the logarithm.
    """

    median: float
    deviation: float

    @property
    def earliest(self) -> float:
        """Seconds before which too few pictures are ready to be worth a poll."""
        return self.median * math.exp(-EARLIEST_DEVIATIONS * self.deviation)

    @property
    def latest(self) -> float:
        """Seconds after which nearly all pictures are ready."""
        return self.median * math.exp(LATEST_DEVIATIONS * self.deviation)

    @property
    def interval(self) -> float:
        """Seconds between two polls: a compromise of delay and number of polls."""
        return INTERVAL_SHARE * self.deviation * self.median


def first_poll_after(generation: Generation) -> float:
    """Seconds from the acceptance to the first poll."""
    earliest = estimate_duration(generation).earliest
    return max(min(earliest, FIRST_POLL_MAX_S), shortest_interval(generation))


def next_poll_after(generation: Generation, faults: int) -> float:
    """Seconds to the next poll; longer after *faults*, failed polls in a row."""
    spread, age_s = estimate_duration(generation), age(generation)
    if age_s < spread.earliest:
        interval = min(spread.earliest - age_s, age_s)
    else:
        interval = spread.interval
        if age_s > spread.latest:
            interval = max(interval, OVERDUE_AGE_SHARE * age_s)
        longest = MAX_INTERVAL * POLL_INTERVAL_S
        interval = min(interval, max(longest, MAX_AGE_SHARE * age_s))
    interval = max(interval, shortest_interval(generation))
    return min(interval * 2.0 ** min(faults, 10), max(FAULT_WAIT_MAX_S, interval))


def estimate_duration(generation: Generation) -> DurationEstimate:
    """
    Estimate the distribution of durations from the median and an upper quantile of the
    samples. The lower half is not used (a picture found at its first poll may have been
    ready long before), nor are the extremes (a few very slow pictures).

    Below `lanes.SAMPLES_NEEDED` samples the expected duration is used. Samples may
    lower it but not raise it: one of them may be a very slow picture.
    """
    recent = lanes.recent_durations(generation.lane)
    if len(recent) < lanes.SAMPLES_NEEDED:
        expected = generation.expected or POLL_INTERVAL_S
        return DurationEstimate(min([expected, *recent]), DEFAULT_DEVIATION)
    median, latest = statistics.median(recent), recent[-RECENT_SAMPLES:]
    upper = math.log(sorted(recent)[int(len(recent) * UPPER_QUANTILE)] / median)
    return DurationEstimate(
        min(median, statistics.median(latest)), max(upper, MIN_DEVIATION)
    )


def shortest_interval(generation: Generation) -> float:
    """
    The minimum of the seconds to the first poll, and between two polls.

    It grows with the number of the account's pictures, so that all together are polled
    at most `MAX_POLLS_PER_S` times a second. Consumers need no coordination for
    that: each counts the pictures.
    """
    is_polling_backed_off = lanes.is_polling_backed_off(generation.lane)
    shortest = POLL_INTERVAL_S * (1.0 if is_polling_backed_off else MIN_INTERVAL)
    most = MAX_POLLS_PER_S
    if generation.is_video:
        shortest, most = VIDEO_INTERVAL * POLL_INTERVAL_S, MAX_VIDEO_POLLS_PER_S
    count = count_generating(generation.of_account)
    scatter = random.uniform(0.5, 1.5)  # noqa: S311 - those sent at once, no secret
    return max(shortest, scatter * count / most)


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
