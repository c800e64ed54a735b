"""Many pictures at once: seconds until all are kept, and what one costs."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.database import Database

from tests.bench.backlog import fill, operations
from tests.bench.processes import (
    Meter,
    cpu_seconds,
    memory,
    mongod,
    on_one_core,
    started_by,
)
from tests.bench.rows import Row, Site
from tests.forks import constants
from tests.system.stack import Stack
from tests.waiting import wait_for

PICTURES, AT_ONCE = 2000, 1000
DURATION = 5.0  # seconds a picture
SIDE = 512  # pixels
PATIENCE = 300.0  # seconds


def measure(
    site: Site,
    name: str,
    *,
    pictures: int = PICTURES,
    side: int = SIDE,
    consumers: int = 1,
) -> tuple[float, str]:
    """Let *consumers* draw and keep pictures: the seconds, and what it costs."""
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
        fresh=False,
        # As they are, they are not for a thousand at a time.
        **constants({"jimeng.jobs.poll_schedule.MAX_POLLS_PER_S": 1e9}),
    ) as stack:
        stack.simulate(plain=True)  # the time of drawing is not ours
        yield stack


def run(stack: Stack, found: Database, pictures: int, side: int) -> tuple[float, str]:
    ours = [consumer.pid for consumer in stack.consumers]
    fill(found, pictures, side)
    asked = operations(found)
    meter, looks = Meter(*ours, mongod(found), stack.simulator.pid), 0

    def all_kept() -> bool:
        nonlocal looks
        looks += 1
        return found.generations.count_documents({"state": "done"}) == pictures

    wait_for(all_kept, PATIENCE, "all are kept")
    took, used, busy = meter.read()
    # They begin with the first picture.
    decoders = [each for pid in ours for each in started_by(pid)]
    asked = operations(found) - asked - looks
    ledger = stack.ledger()
    spent = {
        "consumer": sum(used[: len(ours)]),
        "its decoder": sum(cpu_seconds(*decoders)),
        "mongod": used[-2],
        "simulator": used[-1],
    }
    cpu = ", ".join(f"{who} {1000 * s / pictures:.1f}" for who, s in spent.items())
    polls = sum(row["polls"] for row in ledger["rows"])
    most = max(memory(pid, "VmHWM") for pid in ours)
    return took, (
        f"**{took:.1f} s**, {max(ledger['high_water'].values())} at once; a picture: "
        f"CPU ms {cpu}, {asked / pictures:.1f} operations, "
        f"{polls / pictures:.1f} looks; {most / 1e6:.0f} MB; {busy:.1f} cores busy"
    )


def rows(site: Site) -> Iterator[Row]:
    many = PICTURES if site.full else 600

    def row(what: str, said: str, beside: str = "", goal: str = "") -> Row:
        return Row(f"{what}, pictures of 5 s", said, beside, goal)

    one, said = measure(site, "bench_one", pictures=many)
    yield row(
        f"{many:,} at {SIDE}×{SIDE}, one consumer",
        said,
        goal="2,000 in 25 s, 10 ms, 20 operations, 150 MB",
    )
    with on_one_core():
        alone, said = measure(site, "bench_core", pictures=many)
    yield row("the same, MongoDB and all on one core", said)
    two, said = measure(site, "bench_two", pictures=many, consumers=2)
    yield row(
        "the same, two consumers on two cores",
        said,
        f"**{alone / two:.2f}** as fast as on one core, "
        f"{one / two:.2f} as one consumer on two",
        "1.7",
    )
    _, said = measure(site, "bench_large", pictures=many // 4, side=1328)
    yield row(
        f"{many // 4:,} at 1328×1328, one consumer", said, goal="30 ms with the decoder"
    )
