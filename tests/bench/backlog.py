"""
A big queue: pictures sent a second with much and with little waiting, and idle.

``python -m tests.bench.backlog 100 20000 100000`` measures these alone.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from pymongo.database import Database

from jimeng.documents import Generation, Task, utcnow
from jimeng.documents.task import new_task_id
from jimeng.local.embedded import Mongo, Redis
from tests.bench.processes import cpu_seconds
from tests.system.stack import Stack
from tests.waiting import wait_for

SIZES = (100, 100_000)
SLOTS = 20
DURATION = 1.0  # seconds a picture
SETTLE, SECONDS, IDLE = 3.0, 15.0, 20.0
USERS = 50
BATCH = 5000
SIDE = 512  # pixels
LANE = "volcengine_jimeng:jimeng_t2i_v30"


def measure(
    folder: Path, mongodb_uri: str, redis_url: str, sizes: Sequence[int] = SIZES
) -> None:
    """Let one consumer work on a new queue of each size, and on none."""
    folder.mkdir()
    stack = Stack(
        folder,
        mongodb_uri,
        redis_url,
        database="bench_backlog",
        limit=SLOTS,
        duration=DURATION,
        VOLCENGINE_CONCURRENCY=str(SLOTS),
        LOG_LEVEL="warning",
    )
    try:
        stack.await_up()
        print(f"\n{'pictures sent a second':26}", end="", flush=True)
        rates = [sent_per_second(stack, size) for size in sizes]
        print("".join(f"{n:>10,}" for n in sizes) + f"{'ratio':>8}")
        print(f"{'':26}" + "".join(f"{each:10.1f}" for each in rates), end="")
        print(f"{rates[-1] / rates[0]:8.2f}")
        idle(stack)
    finally:
        stack.stop()


def sent_per_second(stack: Stack, size: int) -> float:
    """How many the provider takes, while as many as *size* wait behind them."""
    stack.begin_anew()
    stack.remember_durations(LANE, DURATION)
    with stack.database() as found:
        fill(found, size)
    stack.start_consumer()
    # A short queue is filled up as it is worked off.
    with stack.database() as found:
        top_up = size < 10 * SLOTS * (SETTLE + SECONDS)
        wait_for(lambda: stack.ledger()["rows"], 60, "the first is sent")
        run(found, SETTLE, size if top_up else 0)
        began, before = time.monotonic(), len(stack.ledger()["rows"])
        run(found, SECONDS, size if top_up else 0)
        sent = len(stack.ledger()["rows"]) - before
    return sent / (time.monotonic() - began)


def run(found: Database, seconds: float, size: int) -> None:
    """Wait, and keep *size* waiting."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.5)
        if size:
            waiting = found.generations.count_documents({"state": "queued"})
            fill(found, size - waiting)


def fill(found: Database, size: int, side: int = SIDE) -> None:
    """Write tasks of one picture, as if they had just been asked for."""
    for batch in batches(size, side):
        found.tasks.insert_many([task.to_mongo() for task, _ in batch])
        found.generations.insert_many([each.to_mongo() for _, each in batch])


def batches(size: int, side: int) -> Iterator[list[tuple[Task, Generation]]]:
    for first in range(0, size, BATCH):
        numbers = range(first, min(first + BATCH, size))
        yield [waiting(number % USERS, number // USERS, side) for number in numbers]


def waiting(user: int, turn: int, side: int) -> tuple[Task, Generation]:
    """A task that was asked for a minute ago, and its picture in line."""
    common = {
        "user_id": f"user_{user}",
        "prompt": "一只猫",
        "provider": "volcengine_jimeng",
        "lane": LANE,
        "req_key": "jimeng_t2i_v30",
        "width": side,
        "height": side,
        "seed": 1,
        "created_at": utcnow() - timedelta(minutes=1),
    }
    task = Task(id=new_task_id(), n=1, model="m", open=True, **common)
    name = task.generation_ids[0]
    return task, Generation(
        id=name, task_id=task.id, index=0, turn=turn, waiting=True, **common
    )


def idle(stack: Stack) -> None:
    """What one consumer and MongoDB do and use of a core with nothing to do."""
    stack.begin_anew()
    stack.start_consumer()
    stack.await_ready()
    time.sleep(IDLE / 2)
    with stack.database() as found:
        mongod = found.client.admin.command("serverStatus")["pid"]
        pids = (stack.consumers[0].pid, mongod)
        ops, cpu, began = operations(found), cpu_seconds(*pids), time.monotonic()
        time.sleep(IDLE)
        took = time.monotonic() - began
        asked = (operations(found) - ops - 1) / took
        after = cpu_seconds(*pids)
    print(f"{'idle, operations a second':26}{asked:10.1f}")
    for name, start, end in zip(("consumer", "mongod"), cpu, after, strict=True):
        print(f"{f'idle, {name} of a core':26}{(end - start) / took:10.1%}")


def operations(found: Database) -> int:
    """All that this server was asked so far, but for what drivers ask by themselves."""
    status = found.client.admin.command("serverStatus")
    metrics = status["metrics"]["commands"]
    names = ("find", "insert", "update", "delete", "findAndModify", "aggregate")
    return sum(int(metrics[name]["total"]) for name in names)


def main(sizes: Sequence[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mongo, redis = Mongo(Path(folder, "mongo")), Redis(Path(folder, "redis"))
        mongo.start()
        redis.start()
        try:
            measure(Path(folder, "backlog"), mongo.uri, redis.url, sizes)
        finally:
            redis.stop()
            mongo.stop()


if __name__ == "__main__":
    main([int(each) for each in sys.argv[1:]] or SIZES)
