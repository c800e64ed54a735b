"""The line of waiting pictures, as it is shown to those who wait."""

import bisect
import time
from dataclasses import dataclass, field

from jimeng.documents import Generation, State

LINE_CACHE = 1.0  # seconds


@dataclass
class Queue:
    """
    A lane's waiting pictures as they were a moment ago, in order.

    Attributes:
        places: (turn, generation id) of each.
        tasks_before: For each place, and for the end, how many tasks have a
            picture before it.
    """

    places: list[tuple[int, str]]
    tasks_before: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for _, generation_id in self.places:
            self.tasks_before.append(len(seen))
            seen.add(generation_id.rpartition("_")[0])
        self.tasks_before.append(len(seen))

    def ahead(self, turn: int, generation_id: str) -> tuple[int, int]:
        """How many tasks, and how many pictures, go before this place."""
        index = bisect.bisect_left(self.places, (turn, generation_id))
        return self.tasks_before[index], index


_queues: dict[str, tuple[float, Queue]] = {}


def queue(lane: str) -> Queue:
    """
    The lane's line, read once a second: a count per request would be the dearest
    part of it.
    """
    kept = _queues.get(lane)
    if kept and time.monotonic() < kept[0]:
        return kept[1]
    began = time.monotonic()
    where = {"lane": lane, "state": State.QUEUED.value, "turn": {"$type": "number"}}
    rows = Generation.collection().find(where, {"turn": 1}).hint("waiting")
    rows = rows.sort([("turn", 1), ("_id", 1)])
    found = Queue([(row["turn"], row["_id"]) for row in rows])
    now = time.monotonic()
    # A very long line is read less often, so that reading stays a small share.
    _queues[lane] = (now + max(LINE_CACHE, 20 * (now - began)), found)
    return found


def forget() -> None:
    _queues.clear()
