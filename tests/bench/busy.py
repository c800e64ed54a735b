"""
The share of an account's slots in which the provider draws, with work always waiting.

From an empty lane: nothing is known of how long its pictures take, and the model's own
figure says 5 s.
"""

import statistics
import time
from collections.abc import Iterator, Sequence

from pymongo.database import Database

from tests.bench.backlog import fill, keep_waiting
from tests.bench.rows import Row, Site, load
from tests.system.stack import Stack
from tests.waiting import wait_for

SLOTS, WAITING = 20, 200
LEARNT_S, MEASURED_S = 60.0, 60.0
CHANGE = (12.0, 3.0, 12.0)  # seconds a picture
CHANGE_EVERY_S, CHANGE_LEARNT_S = 75.0, 30.0
GOALS = {1.0: "75 %", 3.0: "88 %"}  # seconds a picture


def rows(site: Site) -> Iterator[Row]:
    for seconds, goal in GOALS.items():
        said = measure(site, [seconds], LEARNT_S + MEASURED_S, LEARNT_S)
        yield row(f"{seconds:g} s", said, goal)
    said = measure(site, CHANGE, CHANGE_EVERY_S, CHANGE_LEARNT_S)
    what = " → ".join(f"{seconds:g}" for seconds in CHANGE)
    yield row(f"{what} s, 30 s after each change", said, "85 %")


def row(what: str, said: str, goal: str) -> Row:
    goal = f"{goal}, 5 polls a picture"
    return Row(f"busy slots of {SLOTS}, pictures of {what}", said, goal=goal)


def measure(
    site: Site, durations: Sequence[float], every_s: float, learnt_s: float
) -> str:
    """
    The share of the slots' time in which the provider drew, for each duration.

    Args:
        durations: Seconds a picture, one after the other.
        every_s: How long each of them lasts.
        learnt_s: How long after its begin it counts.
    """
    with site.stack(
        f"busy_{'_'.join(f'{seconds:g}' for seconds in durations)}",
        limit=SLOTS,
        duration=durations[0],
        VOLCENGINE_CONCURRENCY=str(SLOTS),
    ) as stack:
        stack.simulate(plain=True)  # the time of drawing is not ours
        with stack.database() as found:
            fill(found, WAITING)
            stack.start_consumer()
            wait_for(lambda: stack.ledger()["rows"], 60, "the first is sent")
            began = [draw(stack, found, each, every_s) for each in durations]
            rows = stack.ledger()["rows"]
            drawn = list(found.generations.find({"drawn_at": {"$exists": True}}))
    ready = {row["task_id"]: row["finished_at"] for row in rows}
    late = [row["drawn_at"].timestamp() - ready[row["remote_ids"][-1]] for row in drawn]
    shares = (busy_share(rows, at + learnt_s, at + every_s) for at in began)
    polls = statistics.fmean(row["polls"] for row in rows if row["finished_at"])
    return (
        f"**{', '.join(f'{share:.0%}' for share in shares)}**, "
        f"{polls:.1f} polls a picture, noticed after {statistics.median(late):.2f} s; "
        f"{load()}"
    )


def draw(stack: Stack, found: Database, seconds: float, every_s: float) -> float:
    """Have pictures take *seconds*, with others waiting; when that began."""
    stack.simulate(plain=True, duration=seconds)
    began = time.time()
    keep_waiting(found, every_s, WAITING)
    return began


def busy_share(rows: list[dict], begin: float, end: float) -> float:
    """Of the slots' time, by what the provider says that it drew."""
    drawn = sum(
        max(0.0, min(row["finished_at"] or end, end) - max(row["accepted_at"], begin))
        for row in rows
    )
    return drawn / SLOTS / (end - begin)
