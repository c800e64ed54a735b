"""Waiting: how many go ahead, whose they are, and how long the lane's pictures take."""

import bisect
import math
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import unquote

from jimeng.documents import Generation, QuotaUsage, State
from jimeng.lanes.limits import change, read
from jimeng.lanes.slots import IN_LINE

QUEUE_CACHE_S = 1.0  # seconds
LONG_LASTS = 3.0  # times as long, where it is as long as the head
# Pictures at the head that are counted one by one. Where those behind stand is told
# by how close the turns are at the head: to count them all takes longer the more
# there are.
HEAD = 5000
SAMPLES, SAMPLES_NEEDED, SAMPLES_FOR_SLOW = 12, 5, 10
LATEST = 4  # where these are faster they count alone: the provider may have become so
UPPER = 5 / 6  # of all are less than one standard deviation above the middle
UNMEASURED, LEAST_DEVIATION = 1.0, 0.08  # of the logarithm
# Standard deviations from the middle: about one in eight is ready sooner, and one in
# forty later. The interval between two polls is a share of one. What other figures
# find is in docs/performance.md.
BEFORE, AFTER, INTERVAL_SHARE = 1.2, 2.0, 0.5
MAX_USERS = 10_000  # those who asked for something last


@dataclass
class WaitingHead:
    """
    The head of a lane's waiting pictures as it was a moment ago, in order.

    Attributes:
        places: (turn, generation id) of each.
        tasks_before: For each place, and for the end, how many tasks have a
            picture before it.
        whole: Nobody waits behind the head.
    """

    places: list[tuple[int, str]]
    whole: bool = True
    tasks_before: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for _, generation_id in self.places:
            self.tasks_before.append(len(seen))
            seen.add(generation_id.rpartition("_")[0])
        self.tasks_before.append(len(seen))

    @property
    def end(self) -> tuple[int, int]:
        """How many tasks and pictures there are; of a long line those at its head."""
        return self.tasks_before[-1], len(self.places)

    def ahead(self, turn: int, generation_id: str) -> tuple[int, int]:
        """How many tasks, and how many pictures, go before this place."""
        index = bisect.bisect_left(self.places, (turn, generation_id))
        if self.whole or index < len(self.places):
            return self.tasks_before[index], index
        return self._about(turn)

    def _about(self, turn: int) -> tuple[int, int]:
        first, last = self.places[0][0], self.places[-1][0]
        more = (turn - last) / (last - first + 1)
        tasks, pictures = self.tasks_before[-1], len(self.places)
        return round(tasks * (1 + more)), round(pictures * (1 + more))


_queues: dict[str, tuple[float, WaitingHead]] = {}


def queue(lane: str) -> WaitingHead:
    """
    The lane's line, read once a second, a long one every three: a count per request
    would be the dearest part of it.
    """
    kept = _queues.get(lane)
    if kept and time.monotonic() < kept[0]:
        return kept[1]
    began = time.monotonic()
    where = {"lane": lane, "state": State.QUEUED.value, "turn": {"$type": "number"}}
    rows = Generation.collection().find(where, {"turn": 1}).hint("waiting")
    rows = rows.sort(IN_LINE).limit(HEAD + 1)
    rows = rows.batch_size(HEAD + 1)  # one answer
    places = [(row["turn"], row["_id"]) for row in rows.to_list()]
    found = WaitingHead(places[:HEAD], whole=len(places) <= HEAD)
    now = time.monotonic()
    # Where it is long, or takes long, it is read less often, so that it stays a small
    # share of the work of each process, and of MongoDB's.
    rest = QUEUE_CACHE_S * max(1.0, LONG_LASTS * len(places) / HEAD)
    _queues[lane] = (now + max(rest, 20 * (now - began)), found)
    return found


@dataclass(frozen=True)
class Spread:
    """
    When the next picture will be ready: log-normal, as waits for machines are.

    Attributes:
        middle: Seconds that half of them take.
        deviation: Of the logarithm.
    """

    middle: float
    deviation: float

    @property
    def earliest(self) -> float:
        """Seconds before which few are ready, too few to poll for."""
        return self.middle * math.exp(-BEFORE * self.deviation)

    @property
    def latest(self) -> float:
        """Seconds after which it is hardly ever not ready."""
        return self.middle * math.exp(AFTER * self.deviation)

    @property
    def interval(self) -> float:
        """Seconds between two polls that find it soon and are few."""
        return INTERVAL_SHARE * self.deviation * self.middle


def record_duration(lane: str, seconds: float) -> None:
    """Remember how long a picture took at the provider."""
    read(lane)  # which mends what the update would stumble over
    sample = {"$each": [round(seconds, 2)], "$slice": -SAMPLES}
    change(lane, {"$push": {"durations": sample}})


def _durations(lane: str) -> list[float]:
    return [each for each in read(lane).durations if 0 < each < math.inf]


def expected_duration(lane: str, typical: float) -> float:
    """
    Seconds that the next picture will take: the median of the latest.

    Args:
        typical: The model's own figure, used until there are five samples.
    """
    samples = _durations(lane)
    if len(samples) < SAMPLES_NEEDED:
        return typical
    return statistics.median(samples)


def spread(lane: str, typical: float) -> Spread:
    """
    By the samples' middle and how far their upper part is from it: of those found at
    their first poll nobody knows how short they were, and a few that took very long
    change nothing.

    Args:
        typical: Seconds, until there are five samples; fewer may say that it is less,
            never that it is more: one of them may be a picture that took very long.
    """
    samples = sorted(_durations(lane))
    if len(samples) < SAMPLES_NEEDED:
        return Spread(min([typical, *samples]), UNMEASURED)
    middle = statistics.median(samples)
    upper = math.log(samples[int(len(samples) * UPPER)] / middle)
    latest = statistics.median(_durations(lane)[-LATEST:])
    return Spread(min(middle, latest), max(upper, LEAST_DEVIATION))


def slow_duration(lane: str, slow: float) -> float:
    """
    Seconds that 95 of 100 pictures stay below, with half as much again to be safe.

    Args:
        slow: The model's own figure, used until there are ten samples, and never
            exceeded.
    """
    samples = _durations(lane)
    if len(samples) < SAMPLES_FOR_SLOW:
        return slow
    return min(1.5 * statistics.quantiles(samples, n=20)[-1], slow)


def waiting_by_user() -> Counter[tuple[str, str]]:
    """
    (lane, user id) -> waiting pictures, delayed ones too.

    Each number is the user's `QuotaUsage.lanes` one: a hint, which may have drifted
    where a process has died between two writes.
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
    # As `QuotaUsage.place_of` has written the name.
    return Counter({(unquote(row["lane"]), row["_id"]): row["n"] for row in rows})
