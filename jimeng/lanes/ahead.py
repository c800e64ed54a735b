"""How many go ahead: the line of waiting pictures, as those who wait are shown it."""

import bisect
import time
from dataclasses import dataclass, field

from jimeng.documents import Generation, State

LINE_CACHE = 1.0  # seconds
LONG_LASTS = 3.0  # times as long, where it is as long as the head
# Pictures at the head that are counted one by one. Where those behind stand is told
# by how close the turns are at the head: to count them all takes longer the more
# there are.
HEAD = 5000


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


def forget() -> None:
    _queues.clear()
