"""Clearing the queue: seconds, commands a task, and memory, by the number of tasks."""

import resource
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from pymongo import monitoring

from jimeng import documents, jobs
from jimeng.cli.queue import OPERATOR, await_end
from jimeng.config import Config
from jimeng.documents import Generation, QuotaUsage, Task, utcnow
from jimeng.lanes.queue import path_of_lane
from jimeng.local.embedded import Mongo, Redis
from jimeng.operations import queue_actions

LANE = "volcengine_jimeng:jimeng_t2i_v30"
BATCH = 5000  # rows in one insert


class Commands(monitoring.CommandListener):
    """Counts what is sent to MongoDB."""

    def __init__(self) -> None:
        self.n = 0

    def started(self, event) -> None:
        self.n += 1

    def succeeded(self, event) -> None:
        pass

    failed = succeeded


def fill(tasks: int, users: int) -> None:
    """Tasks of one picture that wait, as a request would have written them."""
    documents.ensure_indexes()
    now = utcnow()
    for start in range(0, tasks, BATCH):
        made = [task(n, users, now) for n in range(start, min(start + BATCH, tasks))]
        Task.collection().insert_many([each.to_mongo() for each in made])
        rows = [waiting(n, each) for n, each in enumerate(made, start)]
        Generation.collection().insert_many(rows)
    place = {"last": tasks, "pending": tasks // users}
    name = path_of_lane(LANE).removeprefix("lanes.")
    lines = [
        QuotaUsage(id=f"user_{n}", lanes={name: place}, taken_at=now)
        for n in range(users)
    ]
    QuotaUsage.collection().insert_many([line.to_mongo() for line in lines])


def task(n: int, users: int, now) -> Task:
    return Task(
        user_id=f"user_{n % users}",
        prompt="一只猫",
        model="doubao-seedream-3.0-t2i",
        provider="volcengine_jimeng",
        lane=LANE,
        req_key="jimeng_t2i_v30",
        width=1328,
        height=1328,
        n=1,
        open=True,
        created_at=now - timedelta(seconds=60),
    )


def waiting(turn: int, task: Task) -> dict:
    return Generation(
        id=task.generation_ids[0],
        task_id=task.id,
        index=0,
        user_id=task.user_id,
        lane=task.lane,
        provider=task.provider,
        req_key=task.req_key,
        prompt=task.prompt,
        waiting=True,
        turn=turn,
        created_at=task.created_at,
    ).to_mongo()


def measure(tasks: int, users: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        mongo, redis = Mongo(Path(folder, "mongo")), Redis(Path(folder, "redis"))
        mongo.start()
        redis.start()
        try:
            config = Config(
                MONGODB_URI=mongo.uri,
                REDIS_URL=redis.url,
                VOLCENGINE_ACCESS_KEY="bench",
                VOLCENGINE_SECRET_KEY="bench",
            )
            commands = Commands()
            monitoring.register(commands)
            documents.connect(config, timeout=documents.WORKER_TIMEOUT)
            jobs.configure(config)
            fill(tasks, users)
            sent, began = commands.n, time.monotonic()
            await_end(queue_actions.clear(OPERATOR))
            took = time.monotonic() - began
            left = Task.collection().count_documents({"open": True})
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(
                f"{tasks:>8,} tasks of {users:>6,} users: {took:7.2f} s, "
                f"{(commands.n - sent) / tasks:6.3f} commands a task, "
                f"{peak} MB at most, {left} left"
            )
        finally:
            redis.stop()
            mongo.stop()


if __name__ == "__main__":
    for given in sys.argv[1:]:
        number, _, of = given.partition("/")
        measure(int(number), int(of or 1))
