"""Fixtures: a real MongoDB and Redis, a provider that does what it is told."""

import io
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta

import mongoengine
import pytest
from PIL import Image as Pillow

from jimeng import documents, jobs, lanes
from jimeng.config import Config
from jimeng.documents import Generation, Lane, utcnow
from jimeng.jobs import janitor, pump
from jimeng.lanes import switches
from jimeng.local.embedded import Mongo, Redis
from jimeng.providers import ImageRequest, Progress, Registry
from tests.system import people
from tests.system.stack import Stack

# Chromium would look up hosts of its maker at every start.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

for name in [each for each in os.environ if each.startswith(("VOLCENGINE_", "ARK_"))]:
    del os.environ[name]


def png(width: int = 64, height: int = 64, colour: str = "teal") -> bytes:
    """A real picture, small and quick to make."""
    out = io.BytesIO()
    Pillow.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


class FakeProvider:
    """
    Does what it is told: *submits* and *polls* hold answers and errors to come; with
    none left, submissions are accepted and polls are done.
    """

    def __init__(self) -> None:
        self.submits: list = []
        self.polls: list = []
        self.requests: list[ImageRequest] = []
        self.polled: list[str] = []
        self._ids = itertools.count(1)

    def submit(self, request: ImageRequest) -> Progress:
        self.requests.append(request)
        return self._next(self.submits, Progress(f"remote-{next(self._ids)}"))

    def poll(self, remote_id: str, request: ImageRequest) -> Progress:
        self.polled.append(remote_id)
        return self._next(self.polls, Progress(remote_id, done=True, images=(png(),)))

    @staticmethod
    def _next(answers: list, otherwise: Progress) -> Progress:
        answer = answers.pop(0) if answers else otherwise
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(scope="session")
def mongo(tmp_path_factory) -> Iterator[Mongo]:
    server = Mongo(tmp_path_factory.mktemp("mongo"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory) -> Iterator[Redis]:
    server = Redis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def config(mongo: Mongo, redis_server: Redis) -> Config:
    return Config(
        MONGODB_URI=mongo.uri,
        MONGODB_DATABASE="jimeng_test",
        REDIS_URL=redis_server.url,
        AUTH="off",
        ALLOW_OPEN_ACCESS=True,
        POLL_INTERVAL=0.05,
        LOG_LEVEL="warning",
    )


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def registry(provider: FakeProvider) -> Registry:
    return Registry({"volcengine_jimeng": provider}, {"volcengine_jimeng": 2})


class Connection:
    """
    The tests' connection to MongoDB, made anew where a test has put another in its
    place: with all its indexes that takes longer than most tests.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._made: object = None

    def restore(self) -> None:
        if self._made is None or current_client() is not self._made:
            documents.connect(self._config, timeout=documents.WORKER_TIMEOUT)
            documents.ensure_indexes()
            self._made = current_client()


def current_client() -> object:
    try:
        return mongoengine.get_connection()
    except mongoengine.ConnectionFailure:
        return None


@pytest.fixture(scope="session")
def connection(config: Config) -> Iterator[Connection]:
    yield Connection(config)
    mongoengine.disconnect()


@pytest.fixture
def database(connection: Connection, config: Config, registry: Registry):
    """Empty collections, an empty queue, and nothing remembered."""
    connection.restore()
    jobs.configure(config, registry)
    jobs.huey.storage.conn.flushdb()
    found = mongoengine.get_db()
    for name in found.list_collection_names():
        found[name].delete_many({})
    lanes.forget()
    switches.forget()
    janitor.forget()
    yield found
    jobs.huey.storage.pool.disconnect()


@pytest.fixture(scope="session")
def built(config: Config):
    """The application, built once: building it takes longer than most tests."""
    from app import create_app

    return create_app(config)


def make_as_new(app, config: Config) -> None:
    """Its settings are those it was built with, and nothing is remembered."""
    app.config["JIMENG"] = config
    for kept in ("metrics", "openapi"):
        app.extensions.pop(kept, None)


@pytest.fixture
def app(built, database, config: Config, registry: Registry):
    make_as_new(built, config)
    return built


@pytest.fixture
def client(app):
    """Somebody who speaks HTTP."""
    return app.test_client()


@pytest.fixture(scope="session")
def live_server(mongo: Mongo, redis_server: Redis, tmp_path_factory) -> Iterator[Stack]:
    """The whole product as `make run` starts it, with the demo provider."""
    made = Stack(
        tmp_path_factory.mktemp("live"),
        mongo.uri,
        redis_server.url.removesuffix("/0") + "/1",  # beside the other tests' queue
        database="jimeng_live",
    )
    made.start_consumer()
    made.await_ready()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def closed_server(mongo: Mongo, redis_server: Redis, tmp_path_factory):
    """The same with sign-in on: `people.make` lets somebody in."""
    made = Stack(
        tmp_path_factory.mktemp("closed"),
        mongo.uri,
        redis_server.url.removesuffix("/0") + "/3",
        database="jimeng_closed",
        **people.SIGN_IN,
    )
    made.start_consumer()
    made.await_ready()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def ada(closed_server: Stack) -> people.Account:
    """A user of `closed_server`."""
    return people.make(closed_server, "ada@example.com")


@pytest.fixture(scope="session")
def root(closed_server: Stack) -> people.Account:
    """An admin of `closed_server`."""
    return people.make(closed_server, "root@example.com", role="admin")


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """A real browser, shared: each test opens a context or a page of its own."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is needed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def lane() -> str:
    return "volcengine_jimeng:jimeng_t2i_v30"


def run_queue() -> int:
    """Run what is queued now, and what that queues; return how many jobs ran."""
    ran = 0
    while jobs.huey.storage.queue_size():
        jobs.huey.execute(jobs.huey.dequeue())
        ran += 1
    return ran


def come_due(**where: object) -> None:
    """Let the time of those generations have come."""
    Generation.collection().update_many(
        {"due_at": {"$exists": True}, **where},
        {"$set": {"due_at": utcnow() - timedelta(seconds=1)}},
    )


@pytest.fixture
def work_off(database) -> Callable[[], None]:
    """Run all there is to do, moving the time, until every picture has ended."""

    def run() -> None:
        for _ in range(200):
            Lane.collection().update_many({}, {"$unset": {"not_before": ""}})
            lanes.forget()
            pump.tick()
            run_queue()
            active = {"state": {"$in": ["generating", "saving", "starting"]}}
            come_due(**active)
            waiting = {"state": {"$in": ["queued", "starting", "generating", "saving"]}}
            if not Generation.collection().count_documents(waiting):
                return
        raise AssertionError("work does not end")

    return run
