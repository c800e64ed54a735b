"""A big queue: pictures sent a second with much and with little waiting, and idle."""

import time
from collections.abc import Iterable, Iterator
from itertools import islice

from pymongo.database import Database

from jimeng.documents import Generation, Task, utcnow
from tests.bench.processes import Meter, mongod
from tests.bench.rows import Row, Site
from tests.system.stack import Stack
from tests.waiting import wait_for

SIZES = (100, 100_000)
SLOTS = 20
DURATION = 1.0  # seconds a picture
SETTLE, SECONDS, IDLE = 3.0, 8.0, 10.0
USERS = 50
BATCH = 2500
SIDE = 512  # pixels
LANE = "volcengine_jimeng:jimeng_t2i_v30"


def rows(site: Site) -> Iterator[Row]:
    """Let one consumer work on a new queue of each size, and on none."""
    with site.stack(
        "backlog", limit=SLOTS, duration=DURATION, VOLCENGINE_CONCURRENCY=str(SLOTS)
    ) as stack:
        few, many = (sent_per_second(stack, size) for size in SIZES)
        yield Row(
            f"sent a second, {SIZES[1]:,} waiting",
            f"**{many / few:.2f}**: {many:.1f}",
            f"{SIZES[0]:,} waiting: {few:.1f}",
            "0.67",
        )
        yield idle(stack)


def sent_per_second(stack: Stack, size: int) -> float:
    """How many the provider takes, while as many as *size* wait behind them."""
    stack.begin_anew()
    with stack.database() as found:
        fill(found, size)
    stack.start_consumer()
    # A short queue is filled up as it is worked off.
    with stack.database() as found:
        top_up = size < 10 * SLOTS * (SETTLE + SECONDS)
        wait_for(lambda: stack.ledger()["rows"], 60, "the first is sent")
        keep_waiting(found, SETTLE, size if top_up else 0)
        began, before = time.monotonic(), len(stack.ledger()["rows"])
        keep_waiting(found, SECONDS, size if top_up else 0)
        sent = len(stack.ledger()["rows"]) - before
    return sent / (time.monotonic() - began)


def keep_waiting(found: Database, seconds: float, size: int) -> None:
    """For so many seconds have as many as *size* waiting."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.5)
        if size:
            waiting = found.generations.count_documents({"state": "queued"})
            fill(found, size - waiting)


def fill(found: Database, size: int, side: int = SIDE, *, users: int = USERS) -> None:
    """As if asked for just now: the janitor would write the pictures of older tasks."""
    about = {"width": side, "height": side}
    each = (waiting(f"user_{n % users}", n // users, **about) for n in range(size))
    insert(found, each)


def insert(found: Database, pairs: Iterable[tuple[dict, dict]]) -> None:
    """The tasks of some thousands, then their generations, and so on."""
    rows = iter(pairs)
    while some := [*islice(rows, BATCH)]:
        found.tasks.insert_many([task for task, _ in some])
        found.generations.insert_many([generation for _, generation in some])


def waiting(user_id: str, turn: int, **fields: object) -> tuple[dict, dict]:
    """A task that was asked for just now, and its picture in line, as stored."""
    return stored(
        {"user_id": user_id, "prompt": "一只猫", "created_at": utcnow(), **fields},
        {"model": "m", "open": True},
        {"turn": turn, "waiting": True},
    )


def stored(common: dict, task: dict, generation: dict) -> tuple[dict, dict]:
    """Rows of a task of one picture, and of that, with these fields besides."""
    common = {
        "provider": "volcengine_jimeng",
        "lane": LANE,
        "req_key": "jimeng_t2i_v30",
        "width": SIDE,
        "height": SIDE,
        "seed": 1,
        **common,
    }
    made = Task.row(n=1, **common, **task)
    name = made["_id"]
    more = {"id": f"{name}_0", "task_id": name, "index": 0, **generation}
    return made, Generation.row(**common, **more)


def idle(stack: Stack) -> Row:
    """What one consumer and MongoDB do and use of a core with nothing to do."""
    stack.begin_anew()
    stack.start_consumer()
    stack.await_ready()
    time.sleep(IDLE / 2)
    with stack.database() as found:
        ops, meter = operations(found), Meter(stack.consumers[0].pid, mongod(found))
        time.sleep(IDLE)
        took, used, _ = meter.read()
        asked = (operations(found) - ops - 1) / took
    ours, theirs = (each / took for each in used)
    said = f"{asked:.1f} a second; consumer {ours:.1%}, mongod {theirs:.1%} of a core"
    return Row("idle, operations of MongoDB", said, goal="5 a second")


def operations(found: Database) -> int:
    """All that this server was asked so far, but for what drivers ask by themselves."""
    status = found.client.admin.command("serverStatus")
    metrics = status["metrics"]["commands"]
    names = ("find", "insert", "update", "delete", "findAndModify", "aggregate")
    return sum(int(metrics[name]["total"]) for name in names)
