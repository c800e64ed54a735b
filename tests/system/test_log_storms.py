"""Redis away, read-only or full: real consumers and servers say so, and no more."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from jimeng.documents import utcnow
from tests.databases import Mongo, Redis, kill, revive
from tests.forks import PATIENT
from tests.system.stack import Stack
from tests.waiting import wait_for

BROKEN_FOR = 6.0  # seconds, in which one of them once wrote thousands of lines
FEW = 3  # lines, the one that tells of the end included
PROMPT = {"prompt": "一只猫", "user_id": "ada", "size": "512x512"}


def setting(name: str, value: str) -> Callable[[Redis], None]:
    def change(server: Redis) -> None:
        with redis.Redis.from_url(server.url) as link:
            link.config_set(name, value)

    return change


def replicate(host: str, port: str) -> Callable[[Redis], None]:
    def change(server: Redis) -> None:
        with redis.Redis.from_url(server.url) as link:
            link.replicaof(host, port)

    return change


WAYS = {
    "away": (kill, revive),
    "read_only": (replicate("127.0.0.1", "1"), replicate("NO", "ONE")),
    "no_replicas": (
        setting("min-replicas-to-write", "1"),
        setting("min-replicas-to-write", "0"),
    ),
    "full": (setting("maxmemory", "1"), setting("maxmemory", "0")),
}


@dataclass
class Site:
    """One web server and one consumer over a Redis that is broken in its way."""

    redis: Redis
    stack: Stack
    mend: Callable[[Redis], None] | None = None

    def written(self, name: str, since: dict[str, int]) -> list[str]:
        text = (self.stack.folder / f"{name}.log").read_bytes()[since[name] :]
        return text.decode().splitlines()

    def sizes(self) -> dict[str, int]:
        names = ("web", "consumer0")
        return {n: (self.stack.folder / f"{n}.log").stat().st_size for n in names}


@pytest.fixture(scope="module")
def sites(tmp_path_factory) -> Iterator[dict[str, Site]]:
    mongo = Mongo(tmp_path_factory.mktemp("storms_mongo"))
    mongo.start()
    made = {}
    for way in WAYS:
        folder: Path = tmp_path_factory.mktemp(f"storms_{way}")
        server = Redis(folder / "redis")
        server.start()
        stack = Stack(
            folder,
            mongo.uri,
            server.url,
            database=f"storms_{way}",
            duration=600.0,
            **{PATIENT: "1"},  # MongoDB is not what is away
            LOG_LEVEL="warning",
            USER_MAX_PENDING="1000000",
        )
        stack.start_consumer()
        made[way] = Site(server, stack)
    yield made
    for each in made.values():
        each.stack.stop()
        each.redis.stop()
    mongo.stop()


@pytest.mark.system
def test_broken_redis_makes_no_log_storm(sites):
    """A line when it begins and one when it ends, of the consumer and of the web."""
    for site in sites.values():
        site.stack.await_ready()
        # Two are drawn for a long while, and looked at all the time; one waits.
        for seed in range(3):
            site.stack.create(seed=seed)
        wait_for(lambda s=site.stack: s.slots_held() == 2, what="two are under way")
    sizes = {way: site.sizes() for way, site in sites.items()}

    for way, site in sites.items():
        WAYS[way][0](site.redis)
    end = time.monotonic() + BROKEN_FOR
    while time.monotonic() < end:
        for site in sites.values():
            poke(site.stack)
            assert site.stack.ask("POST", "/api/v1/ai/image/task", PROMPT)[0] in {
                202,
                503,
            }
    for way, site in sites.items():
        WAYS[way][1](site.redis)

    for way, site in sites.items():
        lines = ended(site, sizes[way])
        assert "outage began what=redis" in lines[0], way
        assert len(lines) <= FEW, (way, lines)
        assert all("what=redis" in line for line in lines), (way, lines)
        said = site.written("web", sizes[way])
        assert len(said) <= FEW, (way, said)
    web = sites["away"].written("web", sizes["away"])
    assert "outage began what=redis" in web[0]


def poke(stack: Stack) -> None:
    """Let something be due, so that it must be queued."""
    with stack.database() as found:
        at = {"$set": {"due_at": utcnow() - timedelta(seconds=1)}}
        found.generations.update_many({"state": "generating"}, at)


def ended(site: Site, since: dict[str, int]) -> list[str]:
    """What the consumer has written until it said that it is over."""

    def over() -> list[str]:
        lines = site.written("consumer0", since)
        return lines if lines and "outage ended what=redis" in lines[-1] else []

    return wait_for(over, what="the outage has ended")
