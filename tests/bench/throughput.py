"""Many pictures at once: seconds until all are kept, and what one costs."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pymongo.database import Database

from tests.bench.backlog import fill, operations
from tests.bench.processes import (
    cpu_seconds,
    machine_cpu_seconds,
    most_memory,
    on_one_core,
    started_by,
)
from tests.bench.rows import Row, Site
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
    site: Site,
    name: str,
    *,
    pictures: int = PICTURES,
    side: int = SIDE,
    consumers: int = 1,
) -> Found:
    """Let *consumers* draw and keep *pictures* of *side* pixels squared."""
    with stack_of(site, name) as stack:
        for _ in range(consumers):
            stack.start_consumer()
        stack.await_ready()
        with stack.database() as found:
            return run(stack, found, pictures, side)


@contextmanager
def stack_of(site: Site, name: str) -> Iterator[Stack]:
    with site.stack(
        name,
        limit=AT_ONCE,
        duration=DURATION,
        VOLCENGINE_CONCURRENCY=str(AT_ONCE),
        POLL_INTERVAL="1",
        POLLS_PER_SECOND="0",  # the default is not for a thousand at a time
    ) as stack:
        stack.simulate(plain=True)  # the time of drawing is not ours
        yield stack


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
    # They begin with the first picture.
    decoders = [each for pid in ours for each in started_by(pid)]
    asked = operations(found) - asked - looks
    ledger = stack.ledger()
    return Found(
        seconds=took,
        at_once=max(ledger["high_water"].values()),
        cpu={
            name: 1000 * seconds / pictures
            for name, seconds in {
                "consumer": sum(used[: len(ours)]),
                "its decoder": sum(cpu_seconds(*decoders)),
                "mongod": used[-2],
                "simulator": used[-1],
            }.items()
        },
        operations=asked / pictures,
        looks=sum(row["polls"] for row in ledger["rows"]) / pictures,
        memory=max(map(most_memory, ours)),
        busy=busy,
    )


def show(found: Found) -> str:
    cpu = ", ".join(f"{who} {ms:.1f}" for who, ms in found.cpu.items())
    return (
        f"**{found.seconds:.1f} s**, {found.at_once} at once; a picture: CPU ms {cpu}, "
        f"{found.operations:.1f} operations, {found.looks:.1f} looks; "
        f"{found.memory / 1e6:.0f} MB; {found.busy:.1f} cores busy"
    )


def rows(site: Site) -> Iterator[Row]:
    many = PICTURES if site.full else 600

    def row(what: str, found: Found, beside: str = "", goal: str = "") -> Row:
        return Row(f"{what}, pictures of 5 s", show(found), beside, goal)

    one = measure(site, "bench_one", pictures=many)
    yield row(
        f"{many:,} at {SIDE}×{SIDE}, one consumer",
        one,
        goal="2,000 in 25 s, 10 ms, 20 operations, 150 MB",
    )
    with on_one_core():
        alone = measure(site, "bench_core", pictures=many)
    yield row("the same, MongoDB and all on one core", alone)
    two = measure(site, "bench_two", pictures=many, consumers=2)
    yield row(
        "the same, two consumers on two cores",
        two,
        f"**{alone.seconds / two.seconds:.2f}** as fast as on one core, "
        f"{one.seconds / two.seconds:.2f} as one consumer on two",
        "1.7",
    )
    large = measure(site, "bench_large", pictures=many // 4, side=1328)
    yield row(
        f"{many // 4:,} at 1328×1328, one consumer",
        large,
        goal="30 ms with the decoder",
    )
