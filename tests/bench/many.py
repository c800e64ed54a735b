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
from tests.bench.processes import Meter, mongod, started_by
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

    def told(self) -> str:
        such = f" (such as {self.refused[0]})" if self.refused else ""
        return f"{len(self.refused)} refused{such}"


def rows(site: Site) -> Iterator[Row]:
    found = []
    for count in COUNTS:
        with stack_of(site, count) as stack:
            rate, submitted = submissions(stack)
            speed, drawn = draw(stack, count, rolling=count == COUNTS[-1])
        found.append((rate, speed))
        name = f"{count} web and {count} consumers"
        more = [now / one for now, one in zip(found[-1], found[0], strict=True)]
        yield Row(f"{name}: submissions", submitted, f"of one: {more[0]:.2f}")
        yield Row(f"{name}: pictures", drawn, f"of one: {more[1]:.2f}")


@contextmanager
def stack_of(site: Site, count: int) -> Iterator[Stack]:
    with site.stack(
        f"many_{count}",
        limit=ACCOUNTS["main"],
        duration=DURATION,
        web=("--workers", str(count)),
        accounts=[f"AKSTUDIO:SKSTUDIO:{ACCOUNTS['studio']}"],
        USER_MAX_PENDING="1000000",
        **STUDIO,
    ) as stack:
        stack.simulate(plain=True)  # the time of drawing is not ours
        yield stack


def submissions(stack: Stack) -> tuple[float, str]:
    """Ask as fast as eight callers can, with no consumer: how many a second."""
    asked = Asked()
    submit(stack, asked, until=time.monotonic() + 0.5)  # warm
    asked.took.clear()
    with stack.database() as found:
        meter = Meter(*started_by(stack.web.pid), mongod(found))
    submit(stack, asked, until=time.monotonic() + SECONDS)
    seconds, (*web, theirs), _ = meter.read()
    count = len(asked.took)
    stack.begin_anew(duration=DURATION)
    return count / seconds, (
        f"**{count / seconds:.0f} a second**, p50 {asked.at(0.5):.0f} ms, "
        f"p99 {asked.at(0.99):.0f} ms; CPU ms: web {1000 * sum(web) / count:.1f}, "
        f"mongod {1000 * theirs / count:.1f}; {asked.told()}"
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


def draw(stack: Stack, consumers: int, *, rolling: bool) -> tuple[float, str]:
    """Of a crowd's thousand, pictures kept a second; how long another's few wait."""
    for _ in range(consumers):
        stack.start_consumer()
    stack.await_ready()
    asked, singles, stopped = Asked(), list[str](), list[float]()
    with stack.database() as found:
        ours = [] if rolling else [each.pid for each in stack.consumers]
        meter = Meter(*ours, mongod(found))
        commands = stack.redis_info()["total_commands_processed"]
        for _ in range(CROWD // 4):
            ask(stack, asked, "crowd", n=4)
        other = threading.Thread(target=come_one_by_one, args=(stack, asked, singles))
        other.start()
        if rolling:
            stopped = roll(stack)
        where, count = {"state": "done"}, found.generations.count_documents
        wait_for(lambda: count(where) >= CROWD, PATIENCE, "the crowd is drawn")
        took, _, busy = meter.read()
        links = found.client.admin.command("serverStatus")["connections"]["current"]
        to_redis = stack.redis_info()["connected_clients"]
        other.join()
        every = CROWD + len(singles)
        wait_for(lambda: count(where) >= every, PATIENCE, "all are drawn")
        _, (*used, theirs), _ = meter.read()
        rows = list(found.tasks.find({"_id": {"$in": singles}}))
    commands = stack.redis_info()["total_commands_processed"] - commands
    waits = [(row["completed_at"] - row["created_at"]).total_seconds() for row in rows]
    said = [f"**{CROWD / took:.1f} a second**"]
    if not rolling:
        ours, theirs = (1000 * each / every for each in (sum(used), theirs))
        said += [f"CPU ms: consumers {ours:.1f}, mongod {theirs:.1f}"]
    said += [
        f"at a time at the most {most_at_a_time(stack)}",
        f"one behind {CROWD:,} waits {statistics.median(waits):.1f} s, "
        f"{max(waits):.1f} s at the most",
        asked.told(),
        f"{commands / every:.1f} commands of Redis a picture",
        f"{links} connections to MongoDB, {to_redis} to Redis",
        f"{busy:.1f} cores busy",
    ]
    if rolling:
        took_s = max(stopped)
        said += [f"all restarted meanwhile, consumers stopped within {took_s:.1f} s"]
    return CROWD / took, "; ".join(said)


def most_at_a_time(stack: Stack) -> str:
    """By account, as the provider saw it."""
    marks = stack.ledger()["high_water"]
    req_key = LANE.partition(":")[2]
    found = {"main": marks[req_key], "studio": marks.get(f"{req_key}@AKSTUDIO", 0)}
    held = ", ".join(f"{name} {n} of {ACCOUNTS[name]}" for name, n in found.items())
    assert all(n <= ACCOUNTS[name] for name, n in found.items()), held
    return held


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
