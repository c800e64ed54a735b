"""
The way that is usual: a worker is held for each task, and asks every five seconds.

It submits, sleeps, asks, downloads and writes, with the very same client and database,
and with as many threads as a consumer has. It keeps no promises: what it holds is lost
with it.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from pymongo import MongoClient
from pymongo.database import Database

from jimeng.config import Config, server
from jimeng.documents import utcnow
from jimeng.providers import ImageRequest, Registry
from jimeng.providers.download import fetch_picture
from tests.bench import throughput
from tests.bench.backlog import LANE
from tests.bench.rows import Row, Site
from tests.system.stack import Stack

WORKERS = int(server.WORKER[server.WORKER.index("-w") + 1])  # threads
ASK_EVERY = 5.0  # seconds
PICTURES = 48
REQUEST = ImageRequest("jimeng_t2i_v30", "一只猫", 512, 512, 1)


def rows(site: Site) -> Iterator[Row]:
    ours, _ = throughput.measure(site, "bench_ours", pictures=PICTURES)
    with throughput.stack_of(site, "bench_held") as stack:
        theirs = measure(stack, PICTURES)
    yield Row(
        f"{PICTURES} pictures of 5 s, none kept waiting by the provider",
        f"**{theirs / ours:.1f} times as fast**: {ours:.1f} s",
        f"a worker held for each, {WORKERS} threads: {theirs:.1f} s",
    )


def measure(stack: Stack, pictures: int) -> float:
    """Seconds until all are there."""
    config = Config(
        VOLCENGINE_ACCESS_KEY=stack.env["VOLCENGINE_ACCESS_KEY"],
        VOLCENGINE_SECRET_KEY=stack.env["VOLCENGINE_SECRET_KEY"],
        VOLCENGINE_ENDPOINT=stack.simulator_url,
    )
    provider = Registry.from_config(config).provider(LANE.partition(":")[0])
    host = stack.env["ALLOWED_PRIVATE_HOSTS"]

    def draw(found: Database, number: int) -> None:
        found.held.insert_one({"_id": number, "status": "processing"})
        name = provider.submit(REQUEST).remote_id
        while not (progress := provider.poll(name, REQUEST)).done:
            time.sleep(ASK_EVERY)
        content = fetch_picture(progress.urls[0], allowed_private=[host])
        done = {"status": "completed", "picture": content, "at": utcnow()}
        found.held.update_one({"_id": number}, {"$set": done})

    with MongoClient(stack.env["MONGODB_URI"]) as client:
        began = time.monotonic()
        found = client[stack.env["MONGODB_DATABASE"]]
        with ThreadPoolExecutor(WORKERS) as pool:
            for _ in pool.map(lambda number: draw(found, number), range(pictures)):
                pass
        return time.monotonic() - began
