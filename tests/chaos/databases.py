"""What databases do beside dying: they lose an index, are full, refuse, are slow."""

import os
import random
import signal
import statistics
import time
from collections.abc import Callable

import redis

from tests.chaos.site import Site
from tests.system.commands import flask
from tests.waiting import wait_for

INDEXES = ("tasks.idem", "generations.slot", "generations.due", "tasks.open")
WITHOUT = 3.0  # seconds that work goes on without an index
STOPS, RUNS = 0.2, 0.05  # seconds that a slow database stands still, and works
SLOW = 6.0  # seconds
KEPT = 2.0  # seconds that it lasts after it was told


def lose_index(label: str) -> Callable[[Site, random.Random], None]:
    def strike(site: Site, choice: random.Random) -> None:
        """Drop it while work goes on, until it is told; then the command builds it."""
        collection, _, name = label.partition(".")
        site.await_ready()
        with site.stack.database() as found:
            rows = found[collection]
            rows.drop_index(name)

            def is_noticed() -> bool:
                missing = site.missing() or ()
                return "index_missing" in missing or name in rows.index_information()

            wait_for(is_noticed, what=f"somebody misses {label}")
            if name in rows.index_information():
                return  # a process that was just starting has built it
            site.said["index_missing"] += 1
            time.sleep(WITHOUT)
            assert "indexes: ok" in flask(site.stack, "indexes")

    return strike


def refused_by_redis(code: str, command: str, begin: list, end: list):
    """It refuses all that writes, until that is told."""

    def strike(site: Site, choice: random.Random) -> None:
        with redis.Redis.from_url(site.redis.url) as link:
            link.execute_command(command, *begin)
            try:
                site.await_missing(code)
                time.sleep(KEPT)
            finally:
                link.execute_command(command, *end)
        site.await_ready()

    return strike


FULL = "CONFIG SET", ["maxmemory", "1mb"], ["maxmemory", "0"]
READ_ONLY = "REPLICAOF", ["127.0.0.1", 9], ["NO", "ONE"]  # of one that is not there
fill_redis = refused_by_redis("redis_full", *FULL)
make_redis_read_only = refused_by_redis("redis_read_only", *READ_ONLY)


def freeze(server: str, *codes: str) -> Callable[[Site, random.Random], None]:
    """For some seconds; or until readiness says one of *codes*."""

    def strike(site: Site, choice: random.Random) -> None:
        child = getattr(site, server).child
        os.killpg(child.pid, signal.SIGSTOP)
        try:
            if codes:
                site.await_missing(*codes)
            else:
                time.sleep(choice.uniform(0.5, 4))
        finally:
            os.killpg(child.pid, signal.SIGCONT)
        if codes:
            site.await_ready()

    return strike


def slow_mongodb(site: Site, choice: random.Random) -> None:
    """It works a fifth of the time: what is asked takes longer, and is taken."""
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
