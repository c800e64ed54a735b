"""Queue positions, waiting pictures by user, and duration estimates of a lane."""

import bisect
import math
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import unquote

from jimeng.documents import Generation, QuotaUsage, State
from jimeng.lanes.limits import QUEUE_ORDER, read_lane, update_lane

QUEUE_CACHE_S = 1.0
LONG_QUEUE_CACHE_FACTOR = 3.0  # for a queue of `MAX_HEAD` or more; shorter ones less
# Pictures at the head that are counted one by one. Positions behind the head are
# extrapolated from the density of tickets in it: counting all of a long queue costs
# more the longer it is.
MAX_HEAD = 5000
SAMPLES, SAMPLES_NEEDED, SAMPLES_FOR_SLOW = 12, 5, 10
RECENT_SAMPLES = 4  # count alone if they are faster: the provider may have become so
UPPER_QUANTILE = 5 / 6  # of a normal distribution lie below mean plus one deviation
DEFAULT_DEVIATION, MIN_DEVIATION = 1.0, 0.08  # of the logarithm
# Standard deviations from the median: about one picture in eight is ready sooner, and
# one in forty later. The interval between two polls is a share of one deviation. Other
# figures are compared in docs/performance.md.
EARLIEST_DEVIATIONS, LATEST_DEVIATIONS, INTERVAL_SHARE = 1.2, 2.0, 0.5
MAX_USERS = 10_000  # those with the latest submissions


@dataclass
class QueueHead:
    """
    The first waiting pictures of a lane, in order, from a cache.

    Attributes:
        entries: (ticket, generation id) of each.
        tasks_before: For each entry, and for the end, how many tasks have a picture
            before it.
        is_complete: No picture waits behind the head.
    """

    entries: list[tuple[int, str]]
    is_complete: bool = True
    tasks_before: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for _, generation_id in self.entries:
            self.tasks_before.append(len(seen))
            seen.add(generation_id.rpartition("_")[0])
        self.tasks_before.append(len(seen))

    @property
    def totals(self) -> tuple[int, int]:
        """How many tasks and pictures wait; of a long queue those of its head."""
        return self.tasks_before[-1], len(self.entries)

    def count_ahead(self, ticket: int, generation_id: str) -> tuple[int, int]:
        """How many tasks and how many pictures are sent before this one."""
        index = bisect.bisect_left(self.entries, (ticket, generation_id))
        if self.is_complete or index < len(self.entries):
            return self.tasks_before[index], index
        return self._extrapolate(ticket)

    def _extrapolate(self, ticket: int) -> tuple[int, int]:
        first, last = self.entries[0][0], self.entries[-1][0]
        more = (ticket - last) / (last - first + 1)
        tasks, pictures = self.tasks_before[-1], len(self.entries)
        return round(tasks * (1 + more)), round(pictures * (1 + more))


_queues: dict[str, tuple[float, QueueHead]] = {}


def read_queue(lane: str) -> QueueHead:
    """
    Read the head of a lane's queue, cached for a second, a long one for three: counting
    per request would be the most expensive part of the request.
    """
    cached = _queues.get(lane)
    if cached and time.monotonic() < cached[0]:
        return cached[1]
    began = time.monotonic()
    where = {"lane": lane, "state": State.QUEUED.value, "turn": {"$type": "number"}}
    rows = Generation.collection().find(where, {"turn": 1}).hint("waiting")
    rows = rows.sort(QUEUE_ORDER).limit(MAX_HEAD + 1)
    rows = rows.batch_size(MAX_HEAD + 1)  # one round trip
    entries = [(row["turn"], row["_id"]) for row in rows.to_list()]
    head = QueueHead(entries[:MAX_HEAD], is_complete=len(entries) <= MAX_HEAD)
    now = time.monotonic()
    # A queue that is long, or slow to read, is read less often, so that it stays a
    # small share of each process's work, and of MongoDB's.
    factor = max(1.0, LONG_QUEUE_CACHE_FACTOR * len(entries) / MAX_HEAD)
    cache_s = max(QUEUE_CACHE_S * factor, 20 * (now - began))
    _queues[lane] = (now + cache_s, head)
    return head


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


def record_duration(lane: str, seconds: float) -> None:
    """Store how many seconds a picture took at the provider."""
    read_lane(lane)  # drops an unreadable field, on which the update would fail
    sample = {"$each": [round(seconds, 2)], "$slice": -SAMPLES}
    update_lane(lane, {"$push": {"durations": sample}})


def _durations(lane: str) -> list[float]:
    return [each for each in read_lane(lane).durations if 0 < each < math.inf]


def expected_duration(lane: str, typical: float) -> float:
    """
    Estimate the seconds that the next picture will take: the median of the latest.

    Args:
        typical: The model's configured duration, used below `SAMPLES_NEEDED` samples.
    """
    samples = _durations(lane)
    if len(samples) < SAMPLES_NEEDED:
        return typical
    return statistics.median(samples)


def estimate_duration(lane: str, typical: float) -> DurationEstimate:
    """
    Estimate the distribution of durations from the median and an upper quantile of the
    samples. The lower half is not used (a picture found at its first poll may have been
    ready long before), nor are the extremes (a few very slow pictures).

    Args:
        typical: The model's configured duration in seconds, used below
            `SAMPLES_NEEDED` samples. Fewer may lower the estimate but not raise it:
            one of them may be a very slow picture.
    """
    samples = sorted(_durations(lane))
    if len(samples) < SAMPLES_NEEDED:
        return DurationEstimate(min([typical, *samples]), DEFAULT_DEVIATION)
    median = statistics.median(samples)
    upper = math.log(samples[int(len(samples) * UPPER_QUANTILE)] / median)
    latest = statistics.median(_durations(lane)[-RECENT_SAMPLES:])
    return DurationEstimate(min(median, latest), max(upper, MIN_DEVIATION))


def slow_duration(lane: str, slow: float) -> float:
    """
    Estimate the 95th percentile of the duration in seconds, plus a margin of half.

    Args:
        slow: The model's configured figure: used below `SAMPLES_FOR_SLOW` samples, and
            an upper bound after that.
    """
    samples = _durations(lane)
    if len(samples) < SAMPLES_FOR_SLOW:
        return slow
    return min(1.5 * statistics.quantiles(samples, n=20)[-1], slow)


def waiting_by_user() -> Counter[tuple[str, str]]:
    """
    Count waiting pictures, delayed ones too, by (lane, user id).

    The counts are those of `QuotaUsage.lanes`: hints, which may have drifted where a
    process died between two writes.
    """
    rows = QuotaUsage.collection().aggregate(
        [
            {"$sort": {"taken_at": -1}},
            {"$limit": MAX_USERS},
            {"$match": {"lanes": {"$type": "object"}}},
            {"$project": {"lane": {"$objectToArray": "$lanes"}}},
            {"$unwind": "$lane"},
            {"$match": {"lane.v.pending": {"$gt": 0}}},
            {"$project": {"lane": "$lane.k", "n": {"$toLong": "$lane.v.pending"}}},
        ]
    )
    # `tickets.path_of_lane` has quoted the name.
    return Counter({(unquote(row["lane"]), row["_id"]): row["n"] for row in rows})
