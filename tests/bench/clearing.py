"""Clearing the queue: seconds and commands a task, by the number of tasks and users."""

import time
from collections.abc import Iterator

import mongoengine

from jimeng import jobs
from jimeng.cli.queue import OPERATOR, await_end
from jimeng.config import Config
from jimeng.documents import QuotaUsage, Task, utcnow
from jimeng.lanes.queue import path_of_lane
from jimeng.operations import queue_actions
from tests.bench.backlog import LANE, fill
from tests.bench.rows import Row, Site
from tests.bench.started import prepare
from tests.commands import counted

SIZES = ((2_000, 1), (20_000, 1), (20_000, 20_000))  # tasks, and of how many users


def rows(site: Site) -> Iterator[Row]:
    for tasks, users in SIZES:
        config = Config(
            MONGODB_URI=site.mongodb_uri,
            MONGODB_DATABASE=f"clearing_{tasks}_{users}",
            REDIS_URL=site.redis_url,
            VOLCENGINE_ACCESS_KEY="bench",
            VOLCENGINE_SECRET_KEY="bench",
        )
        prepare(config)
        with counted(config) as commands:
            jobs.configure(config)
            ask(tasks, users)
            commands.clear()
            began = time.monotonic()
            await_end(queue_actions.clear(OPERATOR))
            took, sent = time.monotonic() - began, len(commands)
        assert not Task.collection().count_documents({"open": True})
        said = f"**{took:.1f} s**, {sent / tasks:.3f} commands a task"
        yield Row(f"clearing {tasks:,} tasks, users: {users:,}", said)


def ask(tasks: int, users: int) -> None:
    """Tasks of one picture that wait, as requests would have written them."""
    fill(mongoengine.get_db(), tasks, users=users)
    place = {"last": tasks, "pending": tasks // users}
    name = path_of_lane(LANE).removeprefix("lanes.")
    lines = [
        QuotaUsage(id=f"user_{n}", lanes={name: place}, taken_at=utcnow())
        for n in range(users)
    ]
    QuotaUsage.collection().insert_many([line.to_mongo() for line in lines])
