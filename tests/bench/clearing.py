"""Clearing the queue: seconds, commands a task, and memory, by the number of tasks."""

import resource
import sys
import tempfile
import time
from pathlib import Path

import mongoengine
from pymongo import monitoring

from jimeng import documents, jobs
from jimeng.cli.queue import OPERATOR, await_end
from jimeng.config import Config
from jimeng.documents import QuotaUsage, Task, utcnow
from jimeng.lanes.queue import path_of_lane
from jimeng.operations import queue_actions
from tests.bench.backlog import LANE, fill
from tests.bench.rows import databases


class Commands(monitoring.CommandListener):
    """Counts what is sent to MongoDB."""

    def __init__(self) -> None:
        self.n = 0

    def started(self, event) -> None:
        self.n += 1

    def succeeded(self, event) -> None:
        pass

    failed = succeeded


def prepare(tasks: int, users: int) -> None:
    """Tasks of one picture that wait, as a request would have written them."""
    documents.ensure_indexes()
    fill(mongoengine.get_db(), tasks, users=users)
    place = {"last": tasks, "pending": tasks // users}
    name = path_of_lane(LANE).removeprefix("lanes.")
    lines = [
        QuotaUsage(id=f"user_{n}", lanes={name: place}, taken_at=utcnow())
        for n in range(users)
    ]
    QuotaUsage.collection().insert_many([line.to_mongo() for line in lines])


def measure(tasks: int, users: int) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        databases(Path(folder)) as (mongo, redis),
    ):
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
        prepare(tasks, users)
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


if __name__ == "__main__":
    for given in sys.argv[1:]:
        number, _, of = given.partition("/")
        measure(int(number), int(of or 1))
