"""What databases do beside dying: they lose an index, are full, refuse, are slow."""

import os
import random
import signal
import statistics
import time
from collections.abc import Callable

import redis

from tests.chaos.site import Site
from tests.waiting import wait_for

INDEXES = ("tasks.idem", "generations.slot", "generations.due", "tasks.open")
AGAIN, DROPPED = 0.2, 3.0  # seconds from one drop to the next, and for all of them
REBUILT = 60.0  # seconds, within which an index is back
STOPS, RUNS = 0.2, 0.05  # seconds that a slow database stands still, and works
SLOW = 6.0  # seconds
KEPT = 2.0  # seconds that it lasts after it was told


def lose_index(label: str) -> Callable[[Site, random.Random], None]:
    def strike(site: Site, choice: random.Random) -> None:
        """Drop it as often as it is rebuilt, until somebody says so; then it heals."""
        collection, _, name = label.partition(".")
        site.await_ready()
        with site.stack.database() as found:
            indexed, drops = found[collection], 0
            before = site.said["index_missing"]
            end = time.monotonic() + DROPPED
            told = site.aside(lambda: site.await_missing("index_missing"))
            while time.monotonic() < end or told.is_alive():
                if name in indexed.index_information():
                    indexed.drop_index(name)
                    drops += 1
                time.sleep(AGAIN)
            assert drops > 0, f"{label} was never there"
            assert site.said["index_missing"] > before, f"nobody misses {label}"
            there = indexed.index_information
            wait_for(lambda: name in there(), REBUILT, f"{label} is rebuilt")

    return strike


def fill_redis(site: Site, choice: random.Random) -> None:
    with redis.Redis.from_url(site.redis.url) as link:
        link.config_set("maxmemory", "1mb")
        try:
            site.await_missing("redis_full")
            time.sleep(KEPT)
        finally:
            link.config_set("maxmemory", "0")
    site.await_ready()


def make_redis_read_only(site: Site, choice: random.Random) -> None:
    """It follows a primary that is not there."""
    with redis.Redis.from_url(site.redis.url) as link:
        link.replicaof("127.0.0.1", 9)
        try:
            site.await_missing("redis_read_only")
            time.sleep(KEPT)
        finally:
            link.replicaof("NO", "ONE")
    site.await_ready()


def freeze(server: str, *codes: str) -> Callable[[Site, random.Random], None]:
    def strike(site: Site, choice: random.Random) -> None:
        child = getattr(site, server).child
        os.killpg(child.pid, signal.SIGSTOP)
        try:
            site.await_missing(*codes)
        finally:
            os.killpg(child.pid, signal.SIGCONT)
        site.await_ready()

    return strike


def slow_mongodb(site: Site, choice: random.Random) -> None:
    """It works a fifth of the time: what is asked takes as long, and is taken."""
    assert site.mongo.child is not None
    site.await_ready()
    pid, end, taken = site.mongo.child.pid, time.monotonic() + SLOW, []
    slowed = site.aside(lambda: taken.append(site.submit()))
    with site.stack.database() as found:
        timing: list[float] = []
        pings = site.aside(lambda: timing.extend(timed(found.command, end)))
        while time.monotonic() < end or slowed.is_alive():
            os.killpg(pid, signal.SIGSTOP)
            time.sleep(STOPS)
            os.killpg(pid, signal.SIGCONT)
            time.sleep(RUNS)
            assert time.monotonic() < end + REBUILT, "nothing is taken"
        pings.join()
    assert taken, "nothing is taken while MongoDB is slow"
    assert statistics.mean(timing) > STOPS / 4, f"it was not slow: {timing}"


def timed(command: Callable[[str], object], end: float) -> list[float]:
    """Seconds that each of many pings takes, one behind the other."""
    found = []
    while time.monotonic() < end:
        began = time.monotonic()
        command("ping")
        found.append(time.monotonic() - began)
        time.sleep(0.02)
    return found
