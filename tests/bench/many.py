"""
1, 2 and 4 web processes and consumers on one MongoDB and one Redis: submissions a
second and how long each takes, pictures a second and what one costs, how long a user
waits behind another's thousand, and what a rolling restart of all of them breaks.
"""

import itertools
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.bench.backlog import LANE
from tests.bench.processes import cpu_seconds, machine_cpu_seconds, started_by
from tests.bench.rows import Row, Site
from tests.system.stack import GRACE, Stack
from tests.waiting import wait_for

COUNTS = (1, 2, 4)
ACCOUNTS = {"main": 40, "studio": 24}  # places at a time
DURATION = 1.0  # seconds a picture
CROWD, SINGLES = 1000, 10  # pictures of one user, and of another in the meantime
SENDERS, SECONDS = 8, 4.0
EVERY = 1.5  # seconds from one single picture to the next
PATIENCE = 240.0  # seconds
CREATE = "/api/v1/ai/image/task"
STUDIO = {
    "VOLCENGINE_ACCOUNTS": "studio",
    "VOLCENGINE_ACCESS_KEY_STUDIO": "AKSTUDIO",
    "VOLCENGINE_SECRET_KEY_STUDIO": "SKSTUDIO",
    "VOLCENGINE_CONCURRENCY": str(ACCOUNTS["main"]),
    "VOLCENGINE_CONCURRENCY_STUDIO": str(ACCOUNTS["studio"]),
}


@dataclass
class Asked:
    """
    Attributes:
        took: Seconds of each submission that was answered 202.
        refused: What was answered otherwise, or not at all.
    """

    took: list[float] = field(default_factory=list)
    refused: list[object] = field(default_factory=list)

    def at(self, share: float) -> float:
        """Milliseconds that this share of the submissions stayed below."""
        return 1000 * statistics.quantiles(self.took, n=100)[round(100 * share) - 1]


def rows(site: Site) -> Iterator[Row]:
    found = []
    for count in COUNTS:
        with stack_of(site, count) as stack:
            rate, submitted = submissions(stack)
            drawn = Drawn.measure(stack, count, rolling=count == COUNTS[-1])
        found.append((rate, drawn.rate))
        name = f"{count} web and {count} consumers"
        more = [
            f"{now / one:.2f}" for now, one in zip(found[-1], found[0], strict=True)
        ]
        yield Row(f"{name}: submissions", submitted, f"of one: {more[0]}")
        yield Row(f"{name}: pictures", drawn.told(), f"of one: {more[1]}")


@contextmanager
def stack_of(site: Site, count: int) -> Iterator[Stack]:
    with site.stack(
        f"many_{count}",
        limit=ACCOUNTS["main"],
        duration=DURATION,
        web=("--workers", str(count)),
        accounts=[f"AKSTUDIO:SKSTUDIO:{ACCOUNTS['studio']}"],
        USER_MAX_PENDING="1000000",
        POLL_INTERVAL="1",
        **STUDIO,
    ) as stack:
        stack.simulate(plain=True)  # the time of drawing is not ours
        yield stack


def submissions(stack: Stack) -> tuple[float, str]:
    """Ask as fast as eight callers can, with no consumer: how many a second."""
    workers = [*started_by(stack.web.pid)]
    with stack.database() as found:
        mongod = found.client.admin.command("serverStatus")["pid"]
    pids, asked = [*workers, mongod], Asked()
    submit(stack, asked, until=time.monotonic() + 0.5)  # warm
    asked.took.clear()
    cpu, began = cpu_seconds(*pids), time.monotonic()
    submit(stack, asked, until=began + SECONDS)
    rate = len(asked.took) / (time.monotonic() - began)
    used = [b - a for a, b in zip(cpu, cpu_seconds(*pids), strict=True)]
    web, theirs = (1000 * each / len(asked.took) for each in (sum(used[:-1]), used[-1]))
    stack.begin_anew(duration=DURATION)
    return rate, (
        f"**{rate:.0f} a second**, p50 {asked.at(0.5):.0f} ms, "
        f"p99 {asked.at(0.99):.0f} ms; CPU ms: web {web:.1f}, mongod {theirs:.1f}; "
        f"{len(asked.refused)} refused{first(asked.refused)}"
    )


def submit(stack: Stack, asked: Asked, *, until: float) -> None:
    numbers = itertools.count()

    def send(_: int) -> None:
        while time.monotonic() < until:
            ask(stack, asked, f"user{next(numbers) % 50}")

    with ThreadPoolExecutor(SENDERS) as threads:
        list(threads.map(send, range(SENDERS)))


def ask(stack: Stack, asked: Asked, user: str, n: int = 1) -> str | None:
    """One submission; the id of its task, if it was taken."""
    body = {"prompt": "一只猫", "size": "512x512", "user_id": user, "n": n}
    began = time.monotonic()
    try:
        status, answer = stack.ask("POST", CREATE, body)
    except OSError as error:
        status, answer = 0, {"error": repr(error)}
    if status != 202:
        asked.refused.append((status, answer))
        return None
    asked.took.append(time.monotonic() - began)
    return answer["data"]["task_id"]


@dataclass(frozen=True)
class Drawn:
    """
    Attributes:
        rate: Pictures kept a second, from the first that was sent to the last.
        cpu: Milliseconds of consumers and of mongod for a picture, where none was
            restarted.
        redis: Commands of Redis for a picture.
        links: Connections to MongoDB and to Redis, when all were at work.
        high_water: Account -> the most that the provider drew at a time.
        waits: Seconds from asking for one picture to having it, behind the crowd.
        refused: Submissions that were not taken meanwhile.
        busy: Cores that the machine used, whoever used them.
        stopped: Seconds that each consumer took to stop; empty where none did.
    """

    rate: float
    cpu: tuple[float, float] | None
    redis: float
    links: tuple[int, int]
    high_water: dict[str, int]
    waits: list[float]
    refused: list[object]
    busy: float
    stopped: list[float]

    @classmethod
    def measure(cls, stack: Stack, consumers: int, *, rolling: bool) -> "Drawn":
        """A crowd of a thousand pictures, and one after the other of somebody else."""
        for _ in range(consumers):
            stack.start_consumer()
        stack.await_ready()
        asked, singles = Asked(), list[str]()
        ours = [each.pid for each in stack.consumers]
        with stack.database() as found:
            pids = [*ours, found.client.admin.command("serverStatus")["pid"]]
        cpu, machine = cpu_seconds(*pids), machine_cpu_seconds()
        commands = stack.redis_info()["total_commands_processed"]
        began = time.monotonic()
        for _ in range(CROWD // 4):
            ask(stack, asked, "crowd", n=4)
        other = threading.Thread(target=come_one_by_one, args=(stack, asked, singles))
        other.start()
        stopped = roll(stack) if rolling else []
        with stack.database() as found:
            where = {"state": "done"}
            count = found.generations.count_documents
            wait_for(lambda: count(where) >= CROWD, PATIENCE, "the crowd is drawn")
            took = time.monotonic() - began
            at_work = found.client.admin.command("serverStatus")["connections"]
            links = at_work["current"], stack.redis_info()["connected_clients"]
            other.join()
            every = CROWD + len(singles)
            wait_for(lambda: count(where) >= every, PATIENCE, "all are drawn")
            rows = list(found.tasks.find({"_id": {"$in": singles}}))
        used = None
        if not rolling:
            *theirs, mongod = (
                1000 * (b - a) / every
                for a, b in zip(cpu, cpu_seconds(*pids), strict=True)
            )
            used = sum(theirs), mongod
        commands = stack.redis_info()["total_commands_processed"] - commands
        ends = [
            (row["completed_at"] - row["created_at"]).total_seconds() for row in rows
        ]
        return cls(
            CROWD / took,
            used,
            commands / every,
            links,
            high_water(stack),
            ends,
            asked.refused,
            (machine_cpu_seconds() - machine) / took,
            stopped,
        )

    def told(self) -> str:
        most = max(self.waits)
        middle = statistics.median(self.waits)
        held = ", ".join(
            f"{name} {n} of {ACCOUNTS[name]}" for name, n in self.high_water.items()
        )
        assert all(n <= ACCOUNTS[name] for name, n in self.high_water.items()), held
        cpu = ""
        if self.cpu:
            cpu = f"CPU ms: consumers {self.cpu[0]:.1f}, mongod {self.cpu[1]:.1f}; "
        rolled = ""
        if self.stopped:
            rolled = (
                f"; all restarted meanwhile, consumers stopped within "
                f"{max(self.stopped):.1f} s"
            )
        return (
            f"**{self.rate:.1f} a second**; {cpu}at a time at the most {held}; one "
            f"behind {CROWD:,} waits {middle:.1f} s, {most:.1f} s at the most; "
            f"{len(self.refused)} refused{first(self.refused)}; "
            f"{self.redis:.1f} commands of Redis a picture; "
            f"{self.links[0]} connections to MongoDB, {self.links[1]} to Redis; "
            f"{self.busy:.1f} cores busy{rolled}"
        )


def first(refused: list[object]) -> str:
    return f" (such as {refused[0]})" if refused else ""


def high_water(stack: Stack) -> dict[str, int]:
    marks = stack.ledger()["high_water"]
    req_key = LANE.partition(":")[2]
    return {"main": marks[req_key], "studio": marks.get(f"{req_key}@AKSTUDIO", 0)}


def come_one_by_one(stack: Stack, asked: Asked, singles: list[str]) -> None:
    for _ in range(SINGLES):
        made = ask(stack, asked, "single")
        if made:
            singles.append(made)
        time.sleep(EVERY)


def roll(stack: Stack) -> list[float]:
    """A new one for each consumer, and new web workers, one after the other."""
    stack.web.send_signal(signal.SIGHUP)
    stopped = []
    for _ in range(len(stack.consumers)):
        stack.start_consumer()
        oldest = stack.consumers.pop(0)
        began = time.monotonic()
        oldest.terminate()
        assert oldest.wait(2 * GRACE) == 0
        stopped.append(time.monotonic() - began)
    return stopped
