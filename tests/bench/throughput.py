"""
Many pictures at once: seconds until all are kept, and what one costs.

``python -m tests.bench.throughput [PICTURES [SIDE [CONSUMERS]]]`` measures this alone.
"""

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from pymongo.database import Database

from jimeng.local.embedded import Mongo, Redis
from tests.bench.backlog import LANE, fill, operations
from tests.bench.processes import cpu_seconds, machine_cpu_seconds, most_memory
from tests.system.stack import Stack
from tests.waiting import wait_for

PICTURES, AT_ONCE = 2000, 1000
DURATION = 5.0  # seconds a picture
SIDE = 512  # pixels
PATIENCE = 300.0  # seconds


@dataclass(frozen=True)
class Found:
    """
    Attributes:
        seconds: From the start of the first submission to the last picture kept.
        at_once: The most that the provider drew at a time.
        cpu: Whose processes -> milliseconds of CPU a picture.
        operations: Of MongoDB, a picture.
        looks: Queries of the provider, a picture.
        memory: Bytes that a consumer had at the most.
        busy: Cores that the machine used, whoever used them.
    """

    seconds: float
    at_once: int
    cpu: dict[str, float]
    operations: float
    looks: float
    memory: int
    busy: float


def measure(
    folder: Path,
    mongodb_uri: str,
    redis_url: str,
    *,
    pictures: int = PICTURES,
    side: int = SIDE,
    consumers: int = 1,
) -> Found:
    """Let *consumers* draw and keep *pictures* of *side* pixels squared."""
    folder.mkdir()
    stack = Stack(
        folder,
        mongodb_uri,
        redis_url,
        database=folder.name,
        limit=AT_ONCE,
        duration=DURATION,
        VOLCENGINE_CONCURRENCY=str(AT_ONCE),
        POLL_INTERVAL="1",
        LOG_LEVEL="warning",
    )
    try:
        stack.await_up()
        stack.simulate(plain=True)  # the time of drawing is not ours
        stack.remember_durations(LANE, DURATION)
        for _ in range(consumers):
            stack.start_consumer()
        stack.await_ready()
        with stack.database() as found:
            return run(stack, found, pictures, side)
    finally:
        stack.stop()


def run(stack: Stack, found: Database, pictures: int, side: int) -> Found:
    mongod = found.client.admin.command("serverStatus")["pid"]
    ours = [consumer.pid for consumer in stack.consumers]
    pids = [*ours, mongod, stack.simulator.pid]
    fill(found, pictures, side)
    asked, cpu, began = operations(found), cpu_seconds(*pids), time.monotonic()
    machine = machine_cpu_seconds()
    looks = 0

    def all_kept() -> bool:
        nonlocal looks
        looks += 1
        return found.generations.count_documents({"state": "done"}) == pictures

    wait_for(all_kept, PATIENCE, "all are kept")
    took = time.monotonic() - began
    busy = (machine_cpu_seconds() - machine) / took
    used = [b - a for a, b in zip(cpu, cpu_seconds(*pids), strict=True)]
    asked = operations(found) - asked - looks
    ledger = stack.ledger()
    return Found(
        seconds=took,
        at_once=max(ledger["high_water"].values()),
        cpu={
            name: 1000 * seconds / pictures
            for name, seconds in {
                "consumer": sum(used[: len(ours)]),
                "mongod": used[-2],
                "simulator": used[-1],
            }.items()
        },
        operations=asked / pictures,
        looks=sum(row["polls"] for row in ledger["rows"]) / pictures,
        memory=max(map(most_memory, ours)),
        busy=busy,
    )


def show(name: str, found: Found) -> str:
    cpu = ", ".join(f"{who} {ms:.1f}" for who, ms in found.cpu.items())
    return (
        f"{name}: {found.seconds:.1f} s, {found.at_once} at once, CPU ms {cpu}, "
        f"{found.operations:.1f} operations, {found.looks:.2f} looks a picture, "
        f"{found.memory / 1e6:.0f} MB, {found.busy:.2f} cores busy"
    )


def main(pictures: int, side: int, consumers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mongo, redis = Mongo(Path(folder, "mongo")), Redis(Path(folder, "redis"))
        mongo.start()
        redis.start()
        try:
            found = measure(
                Path(folder, "bench_throughput"),
                mongo.uri,
                redis.url,
                pictures=pictures,
                side=side,
                consumers=consumers,
            )
            print(show(f"{pictures:,} of {side}, {consumers} consumers", found))
        finally:
            redis.stop()
            mongo.stop()


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    main(*given, *(PICTURES, SIDE, 1)[len(given) :])
