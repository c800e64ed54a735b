"""
From drawn to completed, unloaded: seconds, and queries of the provider a picture.

``python -m tests.bench.drawn [PICTURES]`` measures this alone.
"""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jimeng.local.embedded import Mongo, Redis
from tests.system.stack import CONSUMER, Stack

# Each is a lane with two at a time, as providers allow: more pictures in less time.
MODELS = ("jimeng-3.0", "jimeng-3.1", "jimeng-4.0", "jimeng-4.6")
PICTURES = 80
DURATION = 3.0  # seconds a picture, the median
SIGMAS = (0.0, 0.3)  # spread of their logarithm


@dataclass(frozen=True)
class Found:
    """
    Attributes:
        seconds: From the moment when the provider had it to ``completed``.
        looks: Queries of the provider, a picture.
    """

    seconds: list[float]
    looks: float


def measure(
    folder: Path,
    mongodb_uri: str,
    redis_url: str,
    sigma: float,
    *,
    pictures: int = PICTURES,
    consumer: Sequence[str] = CONSUMER,
) -> Found:
    folder.mkdir()
    stack = Stack(
        folder,
        mongodb_uri,
        redis_url,
        database=folder.name,
        duration=DURATION,
        POLL_INTERVAL="1",
        LOG_LEVEL="warning",
    )
    try:
        stack.await_up()
        stack.simulate(plain=True, sigma=sigma)
        stack.start_consumer(list(consumer))
        stack.await_ready()
        tasks = [
            stack.create(model=MODELS[n % len(MODELS)], size="1024x1024")
            for n in range(pictures)
        ]
        stack.await_ended(tasks, 60 + 3 * DURATION * pictures)
        return read(stack)
    finally:
        stack.stop()


def read(stack: Stack) -> Found:
    rows = {row["task_id"]: row for row in stack.ledger()["rows"]}
    seconds = []
    with stack.database() as found:
        ended = {each["_id"]: each for each in found.tasks.find()}
        for each in found.generations.find():
            row, task = rows[each["remote_ids"][-1]], ended[each["task_id"]]
            assert task["status"] == "completed", task
            seconds.append(task["completed_at"].timestamp() - row["finished_at"])
    looks = sum(row["polls"] for row in rows.values()) / len(rows)
    return Found(sorted(seconds), looks)


def show(found: Found) -> str:
    at = statistics.quantiles(found.seconds, n=100, method="inclusive")
    return (
        f"median {at[49]:.2f} s, 90 % {at[89]:.2f} s, 99 % {at[98]:.2f} s, "
        f"{found.looks:.1f} looks a picture"
    )


def main(pictures: int, *consumer: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mongo, redis = Mongo(Path(folder, "mongo")), Redis(Path(folder, "redis"))
        mongo.start()
        redis.start()
        try:
            for n, sigma in enumerate(SIGMAS):
                found = measure(
                    Path(folder, f"bench_drawn_{n}"),
                    mongo.uri,
                    redis.url,
                    sigma,
                    pictures=pictures,
                    consumer=consumer or CONSUMER,
                )
                print(f"sigma {sigma:g}: {show(found)}", flush=True)
        finally:
            redis.stop()
            mongo.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else PICTURES, *sys.argv[2:])
