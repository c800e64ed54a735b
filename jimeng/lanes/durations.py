"""How long a lane's pictures take: what the latest ones tell of the next."""

import math
import statistics
from dataclasses import dataclass

from jimeng.lanes.record import change, read

SAMPLES, SAMPLES_NEEDED, SAMPLES_FOR_SLOW = 20, 5, 10
MEDIAN_CAP = 2.0  # times the model's own figure: one outlier must not stop a lane
UNMEASURED = 0.5  # deviation of the logarithm, while nothing tells
# How much more it may be than the samples say, by how many these are. The first few
# are found when they are looked at, and so look more alike than they are: with five it
# is 0.4, with ten 0.1.
DOUBT, LEAST_DOUBT = 10.0, 0.5  # over the square of their number; over their number
# Standard deviations from the middle: sooner than the first one in seventy is ready,
# and later than the second one in two hundred.
BEFORE, AFTER = 2.2, 2.5


@dataclass(frozen=True)
class Spread:
    """
    When the next picture will be ready: log-normal, as waits for machines are.

    Attributes:
        middle: Of the logarithm of its seconds.
        deviation: Of the same.
    """

    middle: float
    deviation: float

    @property
    def earliest(self) -> float:
        """Seconds before which it is hardly ever ready."""
        return math.exp(self.middle - BEFORE * self.deviation)

    @property
    def latest(self) -> float:
        """Seconds after which it is hardly ever not ready."""
        return math.exp(self.middle + AFTER * self.deviation)

    def hazard(self, seconds: float) -> float:
        """
        How likely it is to become ready within the next second, not having been until
        then: a rate, which may be above 1.
        """
        z = (math.log(seconds) - self.middle) / self.deviation
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        still_drawn = math.erfc(z / math.sqrt(2)) / 2
        return density / (self.deviation * seconds * max(still_drawn, 1e-9))


def record_duration(lane: str, seconds: float) -> None:
    """Remember how long a picture took at the provider."""
    read(lane)  # which mends what the update would stumble over
    sample = {"$each": [round(seconds, 2)], "$slice": -SAMPLES}
    change(lane, {"$push": {"durations": sample}})


def expected_duration(lane: str, typical: float) -> float:
    """
    Seconds that the next picture will take: the median of the latest.

    Args:
        typical: The model's own figure, used until there are five samples; the
            median counts up to twice as much.
    """
    samples = read(lane).durations
    if len(samples) < SAMPLES_NEEDED:
        return typical
    return min(statistics.median(samples), MEDIAN_CAP * typical)


def spread(lane: str, expected: float) -> Spread | None:
    """
    Args:
        expected: Seconds, until there are five samples; fewer may say that it is less,
            never that it is more: one of them may be a picture that took very long.

    Returns:
        None if nothing is known at all.
    """
    samples = read(lane).durations
    logs = [math.log(each) for each in samples if 0 < each < math.inf]
    if len(logs) >= SAMPLES_NEEDED:
        # A few that are alike do not say that all are.
        doubt = max(LEAST_DOUBT, DOUBT / len(logs)) / len(logs)
        deviation = math.hypot(statistics.stdev(logs), doubt)
        return Spread(statistics.fmean(logs), deviation)
    if expected <= 0:
        return None
    middle = math.log(expected)
    if logs:
        middle = min(middle, statistics.fmean(logs))
    return Spread(middle, UNMEASURED)


def slow_duration(lane: str, slow: float) -> float:
    """
    Seconds that 95 of 100 pictures stay below, with half as much again to be safe.

    Args:
        slow: The model's own figure, used until there are ten samples, and never
            exceeded.
    """
    samples = read(lane).durations
    if len(samples) < SAMPLES_FOR_SLOW:
        return slow
    return min(1.5 * statistics.quantiles(samples, n=20)[-1], slow)
