"""What a benchmark finds, as a row of one table."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jimeng.local.embedded import Mongo, Redis
from tests.system.stack import Stack


@dataclass(frozen=True)
class Site:
    """
    Attributes:
        folder: For whatever is written.
        full: Take as long as it takes, for figures that are to be printed.
    """

    folder: Path
    mongodb_uri: str
    redis_url: str
    full: bool = False

    @contextmanager
    def stack(
        self, name: str, *, of: type[Stack] = Stack, **settings
    ) -> Iterator[Stack]:
        """The whole product in processes of its own, on a database of its own."""
        folder = self.folder / name
        folder.mkdir()
        settings = {"database": f"bench_{name}", "LOG_LEVEL": "warning", **settings}
        settings = {"fresh": True, **settings}
        made = of(folder, self.mongodb_uri, self.redis_url, **settings)
        try:
            made.await_up()
            yield made
        finally:
            made.stop()


@contextmanager
def databases(folder: Path) -> Iterator[tuple[Mongo, Redis]]:
    """Of one's own, in new folders."""
    mongo, redis = Mongo(folder / "mongo"), Redis(folder / "redis")
    mongo.start()
    redis.start()
    try:
        yield mongo, redis
    finally:
        redis.stop()
        mongo.stop()


@dataclass(frozen=True)
class Row:
    """
    Attributes:
        what: Was measured.
        found: Here.
        beside: Of what stands beside it, in the same minute.
        goal: That is meant to be reached.
    """

    what: str
    found: str
    beside: str = ""
    goal: str = ""


def head() -> str:
    return "| | found | beside | goal |\n| --- | --- | --- | --- |"


def show(rows: Iterable[Row]) -> None:
    """Print each as soon as it is there."""
    for row in rows:
        cells = (row.what, row.found, row.beside, row.goal)
        print("| " + " | ".join(cells) + " |", flush=True)


def load() -> str:
    """How busy the machine is: processes that want to run, over the last minute."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
