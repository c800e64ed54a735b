"""
The tests' databases: as the product starts them, but in memory where it has room.

A process that is killed loses as little there as on a disk; only a machine without
power would tell the difference, and no test turns that off.
"""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import mongoengine
import pytest
from bson import Int64, Timestamp
from mongoengine import DEFAULT_CONNECTION_NAME
from pymongo.database import Database

from jimeng import documents
from jimeng.config import Config
from jimeng.documents import indexes, utcnow
from jimeng.http.watcher import Watch, Watcher
from jimeng.local.embedded import Mongo as Embedded
from jimeng.local.embedded import Redis as EmbeddedRedis
from tests.forgetting import remember_indexes
from tests.waiting import PATIENCE_S

MEMORY = Path("/dev/shm")
ENOUGH = 2 << 30  # bytes: several databases, and their logs
_looking = threading.Lock()  # at MongoDB, by the thread for all who wait


class Patient:
    """A server that has as long to start as a busy machine takes."""

    def start(self, timeout: float = PATIENCE_S) -> None:
        super().start(timeout)  # type: ignore[misc]


class Mongo(Patient, Embedded):
    """Its journal grows when it has to, and not by 300 MB in advance; and its user is
    let in with the least work that there is, by each of hundreds of clients."""

    def command(self) -> list[str]:
        return [
            *super().command(),
            *("--wiredTigerEngineConfigString", "log=(prealloc=false,file_max=16MB)"),
            *("--setParameter", "scramSHA256IterationCount=5000"),
        ]


class Redis(Patient, EmbeddedRedis):
    """With databases for all processes of a run."""

    def command(self) -> list[str]:
        return [*super().command(), "--databases", "1024"]


class Lenient(Mongo):
    """It takes a time of the future for the present, as one whose clock is wrong."""

    def command(self) -> list[str]:
        drift = 100 * timedelta(days=365) // timedelta(seconds=1)
        setting = f"maxAcceptableLogicalClockDriftSecs={drift}"
        return [*super().command(), "--setParameter", setting]


@contextmanager
def clock_behind(data_dir: Path) -> Iterator[Mongo]:
    """A MongoDB on data that were written in two years, which it finds by itself."""
    before, then = Lenient(data_dir), utcnow() + timedelta(days=730)
    before.start()
    signature = {"hash": bytes(20), "keyId": Int64(0)}  # not looked at, of a member
    told = {"clusterTime": Timestamp(then, 1), "signature": signature}
    with (
        before._client(before._member_uri) as client,
        client.start_session() as session,
    ):
        session.advance_cluster_time(told)
        client.test.things.insert_one({}, session=session)
    before.stop()
    server = Mongo(data_dir)
    try:
        yield server
    finally:
        server.stop()


def kill(server: Embedded | EmbeddedRedis) -> None:
    assert server.child is not None
    server.child.kill()


def revive(server: Embedded | EmbeddedRedis) -> None:
    """Start one that was killed, on what it had on disk."""
    server.spawn()
    assert server.await_ready(time.monotonic() + PATIENCE_S)


@dataclass(frozen=True)
class Servers:
    """
    A MongoDB and a Redis that all processes of a run share, as one of them sees them:
    each has databases of its own. A test that breaks a server starts another.

    Args:
        folder: What each has stored: its address and password, too.
        redis: The address, without a database.
        number: Which of the processes this is.
    """

    folder: Path
    mongodb_uri: str
    redis: str
    number: int = 0

    def database(self, name: str) -> str:
        """The name of a database of MongoDB that is this process's own."""
        return f"{name}_{self.number}"

    def redis_url(self, number: int = 0) -> str:
        """One of 16 databases of Redis that are."""
        return f"{self.redis}/{16 * self.number + number}"


FOLDER = "jimeng-databases-"
STARTED = pytest.StashKey[tuple[str, str, str]]()


def start_servers(config: pytest.Config) -> tuple[str, str, str]:
    """Start both, once and until the run ends; the first fields of `Servers`."""
    if STARTED not in config.stash:
        root = Path(os.environ.get("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir()))
        for old in root.glob(f"{FOLDER}*-*"):  # of runs that were killed
            if not Path("/proc", old.name.split("-")[-2]).exists():
                shutil.rmtree(old, ignore_errors=True)
        made = tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-", dir=root)
        folder = Path(made)
        config.add_cleanup(lambda: shutil.rmtree(folder))
        mongo, redis = Mongo(folder / "mongo"), Redis(folder / "redis")
        for server in (mongo, redis):
            config.add_cleanup(server.stop)
            server.start()
        config.stash[STARTED] = str(folder), mongo.uri, redis.url.removesuffix("/0")
    return config.stash[STARTED]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tell one of pytest-xdist's processes where they are."""
    node.workerinput["servers"] = start_servers(node.config)


@pytest.fixture(scope="session")
def servers(pytestconfig: pytest.Config) -> Servers:
    told = getattr(pytestconfig, "workerinput", {"workerid": "0"})
    folder, *more = told.get("servers") or start_servers(pytestconfig)
    return Servers(Path(folder), *more, int(told["workerid"].removeprefix("gw")))


@pytest.fixture(scope="module")
def own_mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongo]:
    """One that may be broken, and one that no other process keeps busy."""
    server = Mongo(tmp_path_factory.mktemp("own_mongo"))
    server.start()
    yield server
    server.stop()


def at_port(uri: str, port: int, more: str = "") -> str:
    """
    The way to the same server by another port of this machine.

    Args:
        more: Options added at the end.
    """
    parts = urlsplit(uri)
    netloc = parts.netloc.rpartition(":")[0]
    return urlunsplit(
        parts._replace(netloc=f"{netloc}:{port}", query=parts.query + more)
    )


def choose_temporary_root() -> None:
    """Let pytest's temporary directories be in memory, if programs may run there."""
    if "PYTEST_DEBUG_TEMPROOT" in os.environ or not MEMORY.is_dir():
        return
    runs_programs = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
    if runs_programs and shutil.disk_usage(MEMORY).free > ENOUGH:
        os.environ["PYTEST_DEBUG_TEMPROOT"] = str(MEMORY)


def connect_lightly(
    connect: Callable = mongoengine.connect, **settings: object
) -> object:
    """Nobody who looks at the database meanwhile connects, too."""
    with _looking:
        return connect(**{**settings, "w": 1, "journal": False})


class Connection:
    """
    The tests' connection to MongoDB, made anew where a test has put another in its
    place. Its indexes are built once: to look at all of them takes longer than most
    tests.

    Its writes do not wait for the journal: only `tests.system` loses servers.

    Attributes:
        is_whole: No test has dropped an index since they were built.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._made: object = None
        self.is_whole = True

    def restore(self) -> None:
        if self._made is None or current_client() is not self._made:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(mongoengine, "connect", connect_lightly)
                documents.connect(self._config, timeout=PATIENCE_S)
            if self._made is None:
                indexes.build()
            self._made = current_client()
            remember_indexes()

    def noting(self, drop: Callable) -> Callable:
        """The same method of a collection, after which an index is missing."""

        def noted(*args: object, **how: object) -> object:
            self.is_whole = False
            return drop(*args, **how)

        return noted

    def rebuild(self) -> None:
        """Build what a test has dropped, of empty collections. A look that began while
        it was missing must not have the last word."""
        if not self.is_whole:
            let_indexes_be()
            assert indexes.build(replace_unique=True) == {}
            self.is_whole = True


def current_client() -> object:
    try:
        return mongoengine.get_connection()
    except mongoengine.ConnectionFailure:
        return None


def filled(database: Database) -> list[str]:
    """The collections that hold anything, by one question for all of them; but for
    MongoDB's own: what was under way while it noted everything is noted after that."""
    looks = [
        {"coll": name, "pipeline": [{"$limit": 1}, {"$project": {"in": name}}]}
        for name in database.list_collection_names()
        if not name.startswith("system.")
    ]
    every = database.aggregate(
        [{"$documents": []}, *({"$unionWith": look} for look in looks)]
    )
    return [each["in"] for each in every]


def disconnect_alone(
    alias: str = DEFAULT_CONNECTION_NAME, disconnect: Callable = mongoengine.disconnect
) -> None:
    """Close the connection when no thread looks at the database: while another is being
    put in its place that one would open it once more, and nothing closes what it
    opens."""
    let_indexes_be()
    with _looking:
        disconnect(alias)


def look_alone(
    watcher: Watcher, watches: list[Watch], look: Callable = Watcher._poll
) -> None:
    """Look for those who wait still, and not while the connection is closed."""
    with _looking:
        look(watcher, [each for each in watches if each in watcher._watches])


def let_indexes_be() -> None:
    """Wait for the thread that looks at the indexes, and for those of `readiness` whose
    answer nobody has waited for."""
    for each in threading.enumerate():
        if each.name.startswith(("indexes", "ready")):
            each.join(30)
