"""The faults: what is broken, how, and how often relative to the others."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import redis

from tests.chaos import databases
from tests.chaos.backlog import backlog_and_clearing
from tests.chaos.load import VIDEOS
from tests.chaos.releases import mixed_versions
from tests.chaos.site import SPOILT_WITHIN, Site
from tests.system.stack import GRACE
from tests.waiting import wait_for

ENDS_WITHIN = GRACE + 20  # seconds, on a machine that is busy
FAKETIME = shutil.which("faketime")


@dataclass(frozen=True)
class Fault:
    """
    Attributes:
        name: As it stands in the report.
        strike: Does it; returns when it is over.
        weight: How often, relative to the others; at 0 once in a long run.
        is_long: It takes half a minute, and is left out of short runs.
        is_beside: Others strike while it lasts.
    """

    name: str
    strike: Callable[[Site, random.Random], None]
    weight: int = 2
    is_long: bool = False
    is_beside: bool = False


def kill(process: subprocess.Popen) -> None:
    process.kill()
    if process.wait() != -signal.SIGKILL:
        raise ProcessLookupError("it had just died by itself")


def kill_all_consumers(site: Site, choice: random.Random) -> None:
    for consumer in list(site.stack.consumers):
        kill(consumer)


def stop_consumer(site: Site, choice: random.Random) -> None:
    consumer = choice.choice(site.running)
    consumer.terminate()
    wait_for(lambda: consumer.poll() is not None, ENDS_WITHIN, "it has stopped")


def freeze(which: Callable, least: float, most: float):
    """A process of the site, for some seconds."""
    return lambda site, choice: site.freeze(
        which(site, choice), choice.uniform(least, most)
    )


def web(site: Site, choice: random.Random) -> subprocess.Popen:
    return site.stack.web


def consumer(site: Site, choice: random.Random) -> subprocess.Popen:
    return choice.choice(site.stack.consumers)


def tell_group_twice(site: Site, choice: random.Random) -> None:
    """A consumer, or the web server, and all that it has started."""
    end_groups([choice.choice([site.stack.web, *site.running])], signal.SIGTERM, 2)


def end_all_groups(number: signal.Signals, times: int):
    """Those that are frozen do not hear it, unless it kills."""

    def strike(site: Site, choice: random.Random) -> None:
        hear = site.stack.consumers if number is signal.SIGKILL else site.running
        end_groups([site.stack.web, *hear], number, times)

    return strike


def end_groups(
    leaders: Iterable[subprocess.Popen], number: signal.Signals, times: int
) -> None:
    """Signal whole process groups; in the grace nothing of them may be left."""
    groups = {leader.pid for leader in leaders}
    for _ in range(times):
        for group in groups:
            try:
                os.killpg(group, number)
            except ProcessLookupError:
                continue  # it has just died by itself
    wait_for(lambda: not groups & living_groups(), ENDS_WITHIN, "they are gone")


def living_groups() -> set[int]:
    """The process groups of all processes but those that wait to be reaped."""
    listed = subprocess.run(["ps", "-eo", "pgid,stat"], capture_output=True, text=True)
    rows = [line.split() for line in listed.stdout.splitlines()[1:]]
    return {int(group) for group, state in rows if not state.startswith("Z")}


def restart(server: str):
    return lambda site, choice: site.restart(getattr(site, server))


def flush_redis(site: Site, choice: random.Random) -> None:
    with redis.Redis.from_url(site.redis.url) as link:
        link.flushall()


def kill_provider(site: Site, choice: random.Random) -> None:
    site.stack.simulator.kill()
    site.stack.simulator.wait()
    wait_for(site.is_provider_set, what="the provider is back")


def expire_links(site: Site, choice: random.Random) -> None:
    before, end = site.links_gone(), time.monotonic() + SPOILT_WITHIN
    site.stack.simulate(url_ttl=0.0)
    try:
        while site.links_gone() == before:
            if time.monotonic() > end:
                raise IndexError("nothing was downloaded")
            time.sleep(0.1)
    finally:
        site.stack.simulate(url_ttl=86_400.0)


def step_the_clock(site: Site, choice: random.Random) -> None:
    step = choice.choice(["+60s", "-60s", "+5s", "-5s"])
    site.add_consumer([FAKETIME or "", "-f", step], choice.uniform(4, 8))


def refuse_for_want_of_a_place(site: Site, choice: random.Random) -> None:
    """Strays: three in a row would be the truth about a lower limit."""
    site.spoil("submit", "50430", choice.randint(1, 2))


def spoil(action: str, *kinds: str, seconds: float = 0.0):
    def strike(site: Site, choice: random.Random) -> None:
        site.spoil(action, choice.choice(kinds), choice.randint(1, 4), seconds)

    return strike


def spoil_videos(action: str, *kinds: str):
    """The same for one of Ark's videos, which is asked for so that it is met."""

    def strike(site: Site, choice: random.Random) -> None:
        asking = site.aside(lambda: site.submit(**VIDEOS[0]))
        try:
            site.spoil(action, choice.choice(kinds), 1)
        finally:
            asking.join()

    return strike


MONGODB_AWAY = "mongodb", "mongodb_refuses"
BROKEN_LINKS = "truncated", "drop", "404", "truncated_video", "not_a_video"
FAULTS = [
    Fault("consumer killed", lambda *at: kill(consumer(*at)), 6),
    Fault("all consumers killed", kill_all_consumers, 2),
    Fault("consumer told to stop", stop_consumer, 3),
    Fault("consumer frozen", freeze(consumer, 0.5, 4), 3),
    Fault("consumer frozen beyond its lease", freeze(consumer, 28, 28), 1, True, True),
    Fault("web killed", lambda *at: kill(web(*at)), 3),
    Fault("web frozen", freeze(web, 0.5, 3), 2),
    Fault("MongoDB killed", restart("mongo"), 3),
    Fault("MongoDB frozen", databases.freeze("mongo"), 2),
    Fault("Redis killed", restart("redis"), 3),
    Fault("Redis frozen", databases.freeze("redis"), 2),
    Fault("Redis emptied", flush_redis, 4),
    Fault("provider killed", kill_provider, 2),
    Fault("provider refuses: 50429", spoil("submit", "50429"), 3),
    Fault("provider refuses: 50430", refuse_for_want_of_a_place, 2),
    Fault("connection lost before acceptance", spoil("submit", "drop_before"), 2),
    Fault("connection lost after acceptance", spoil("submit", "drop_after"), 2),
    Fault("5xx on submission", spoil("submit", "50500", "html_502", "100014"), 3),
    Fault("slow submission", spoil("submit", "late", seconds=3.0), 2),
    Fault("failing polls", spoil("poll", "50500", "50429", "html_502", "truncated"), 4),
    Fault("slow polls", spoil("poll", "slow", seconds=2.0), 2),
    Fault("failing downloads", spoil("image", "404", "truncated_image"), 3),
    Fault("links that have expired", expire_links, 2),
    Fault("answer to a video lost", spoil_videos("create", "drop", "truncated"), 2),
    Fault("video refused", spoil_videos("create", "ServerOverloaded")),
    Fault("failing polls of videos", spoil_videos("get", "html_502", "truncated")),
    Fault("broken links of videos", spoil_videos("video", *BROKEN_LINKS), 4),
    Fault("group told to stop twice", tell_group_twice, 2),
    Fault("all groups told to stop twice", end_all_groups(signal.SIGTERM, 2), 1),
    Fault("all groups killed", end_all_groups(signal.SIGKILL, 1), 1),
    Fault("mixed versions, rolled back", mixed_versions, 1, is_long=True),
    Fault("20,000 wait, cleared", backlog_and_clearing, 0, is_long=True),
    Fault("Redis full", databases.fill_redis, 1),
    Fault("Redis read-only", databases.make_redis_read_only, 1),
    Fault("Redis frozen until told", databases.freeze("redis", "redis"), 1),
    Fault("MongoDB frozen until told", databases.freeze("mongo", *MONGODB_AWAY), 1),
    Fault("MongoDB slow", databases.slow_mongodb, 1, is_long=True),
    *(
        Fault(f"index lost: {label}", databases.lose_index(label), 1)
        for label in databases.INDEXES
    ),
]
if FAKETIME:
    FAULTS.append(Fault("consumer with a wrong clock", step_the_clock, 2, True, True))


def schedule(
    choice: random.Random, count: int, *, with_long: bool, only: str = ""
) -> list[Fault]:
    """Each at least once, if it fits, and the rest by weight, in some order."""
    faults = [f for f in FAULTS if (with_long or not f.is_long) and only in f.name]
    every = choice.sample(faults, len(faults))
    weights = [fault.weight or bool(only) for fault in faults]
    more = choice.choices(faults, weights, k=max(count - len(every), 0))
    chosen = [*every, *more][:count]
    choice.shuffle(chosen)
    return chosen
