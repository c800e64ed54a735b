"""Waiting: how many go ahead, whose they are, and how long the lane's pictures take."""

import bisect
import math
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import unquote

from jimeng.documents import Allowance, Generation, State
from jimeng.lanes.record import change, read

LINE_CACHE = 1.0  # seconds
LONG_LASTS = 3.0  # times as long, where it is as long as the head
# Pictures at the head that are counted one by one. Where those behind stand is told
# by how close the turns are at the head: to count them all takes longer the more
# there are.
HEAD = 5000
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
MOST_USERS = 10_000  # those who asked for something last


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
    rows = rows.sort([("turn", 1), ("_id", 1)]).limit(HEAD + 1)
    rows = rows.batch_size(HEAD + 1)  # one answer
    places = [(row["turn"], row["_id"]) for row in rows.to_list()]
    found = WaitingHead(places[:HEAD], whole=len(places) <= HEAD)
    now = time.monotonic()
    # Where it is long, or takes long, it is read less often, so that it stays a small
    # share of the work of each process, and of MongoDB's.
    rest = LINE_CACHE * max(1.0, LONG_LASTS * len(places) / HEAD)
    _queues[lane] = (now + max(rest, 20 * (now - began)), found)
    return found


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


def waiting_by_user() -> Counter[tuple[str, str]]:
    """
    (lane, user id) -> waiting pictures, delayed ones too.

    Each number is the user's `Allowance.lanes` one: a hint, which may have drifted
    where a process has died between two writes.
    """
    rows = Allowance.collection().aggregate(
        [
            {"$sort": {"taken_at": -1}},
            {"$limit": MOST_USERS},
            {"$match": {"lanes": {"$type": "object"}}},
            {"$project": {"lane": {"$objectToArray": "$lanes"}}},
            {"$unwind": "$lane"},
            {"$match": {"lane.v.pending": {"$gt": 0}}},
            {"$project": {"lane": "$lane.k", "n": {"$toLong": "$lane.v.pending"}}},
        ]
    )
    # As `Allowance.place_of` has written the name.
    return Counter({(unquote(row["lane"]), row["_id"]): row["n"] for row in rows})
