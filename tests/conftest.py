"""Fixtures: a real MongoDB and Redis, a provider that does what it is told."""

import io
import itertools
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import mongoengine
import pytest
from flask import has_app_context
from PIL import Image as Pillow
from pymongo.collection import Collection
from pymongo.database import Database

from jimeng import jobs
from jimeng.accounts import password_hashing
from jimeng.batches import filling
from jimeng.cli.checks import databases as doctor_of_databases
from jimeng.config import Config
from jimeng.documents import Generation, Lane, utcnow
from jimeng.http import long_polls, watcher
from jimeng.jobs import poll_schedule, pump
from jimeng.jobs.bulk import worker
from jimeng.monitoring import readiness
from jimeng.process import broker
from jimeng.providers import ImageRequest, Progress, Provider, Registry
from tests import again, databases
from tests.databases import (  # noqa: F401 (hooks and fixtures)
    Connection,
    Servers,
    filled,
    own_mongo,
    pytest_configure_node,
    servers,
)
from tests.forgetting import forget, forget_lanes
from tests.forks import LIGHT, PATIENCE
from tests.imports import pytest_collection_finish, pytest_sessionstart  # noqa: F401
from tests.order import pytest_collection_modifyitems, pytest_xdist_make_scheduler  # noqa: F401
from tests.parts import (  # noqa: F401 (hooks and fixtures)
    pytest_make_collect_report,
    pytest_runtest_makereport,
    pytest_runtest_protocol,
)
from tests.rest import create
from tests.servers import (  # noqa: F401 (hooks and fixtures)
    ada,
    chromium,
    closed_server,
    host,
    live_server,
    own_stack,
    pytest_runtest_teardown,
    root,
    share,
)

QUICK_S = 10.0  # most tests take much less
# The log may still go to the standard error of an earlier test, which is closed; what
# is wrong with a line itself is raised by pytest.
logging.raiseExceptions = False


# For addresses in letters of all languages, which nothing here asks for, jsonschema
# would build 38 grammars in every process.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
for name in [each for each in os.environ if each.startswith(("VOLCENGINE_", "ARK_"))]:
    del os.environ[name]
databases.choose_temporary_root()
again.begin()


def png(width: int = 64, height: int = 64, colour: str = "teal") -> bytes:
    """A real picture, small and quick to make."""
    out = io.BytesIO()
    Pillow.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


class FakeProvider:
    """Does what it is told: *submits* and *polls* hold answers and errors to come; with
    none left, submissions are accepted and polls are done."""

    label = ("即梦", "Jimeng")
    address = "http://127.0.0.1:1"  # as a simulator's
    prepare = Provider.prepare

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


@pytest.fixture(scope="session", autouse=True)
def light_hashes() -> Iterator[None]:
    """Passwords are hashed as ever, with a hundredth of the work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(password_hashing, "METHOD", LIGHT)
        yield


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """However slow the machine is, what is begun in a request is done in it. A web
    process gives a command to Redis up after half a second and sends it again, which
    would count twice what has been counted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "REQUEST_BUDGET_S", 60.0)
        patch.setattr(filling, "IN_REQUEST_S", 60.0)
        patch.setattr(filling, "RUN_S", 60.0)
        for name in ("SLOW_S", "TIMEOUT_S", "FIRST_TIMEOUT_S"):
            patch.setattr(doctor_of_databases, name, 60.0)
        for name in ("MAX_CHECK_S", "DEADLINE_S"):
            patch.setattr(readiness, name, 60.0)
        patch.setattr(broker, "connect", partial(broker.connect, timeout=PATIENCE))
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_polls() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(poll_schedule, "POLL_INTERVAL_S", 0.05)
        yield


@pytest.fixture(scope="session")
def config(servers: Servers) -> Config:  # noqa: F811
    return Config(
        MONGODB_URI=servers.mongodb_uri,
        MONGODB_DATABASE=servers.database("jimeng_test"),
        REDIS_URL=servers.redis_url(),
        AUTH="off",
        ALLOW_OPEN_ACCESS=True,
        LOG_LEVEL="warning",
        DATA_DIR="nowhere",  # a `make run` of this checkout is none of theirs
    )


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider()


@pytest.fixture
def registry(provider: FakeProvider) -> Registry:
    return Registry({"volcengine_jimeng": provider}, {"volcengine_jimeng": 2})


@pytest.fixture(scope="session")
def connection(config: Config) -> Iterator[Connection]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mongoengine, "disconnect", databases.disconnect_alone)
        patch.setattr(watcher.Watcher, "_poll", databases.look_alone)
        made = Connection(config)
        patch.setattr(Collection, "drop_index", made.noting(Collection.drop_index))
        yield made
        mongoengine.disconnect()


def begin_anew(database: Database) -> None:
    """Nothing is stored, queued or remembered."""
    jobs.huey.storage.conn.flushdb()
    for name in filled(database):
        database[name].delete_many({})
    forget()


@pytest.fixture(scope="session")
def configure(config: Config) -> Iterator[Callable[[Config, Registry], None]]:
    """`jobs.configure`, with one connection to Redis that all tests share."""
    jobs.configure(config)
    kept = jobs.huey.storage

    def do(config: Config, registry: Registry) -> None:
        jobs.configure(config, registry)
        jobs.huey.storage = kept

    yield do
    kept.pool.disconnect()


def let_the_hour_begin() -> None:
    """What is counted by the hour or the day, of whatever time zone, is counted in one:
    a test that would begin just before the next begins just after it."""
    left = -time.time() % 3600
    if left < QUICK_S:
        time.sleep(left)


@pytest.fixture
def database(
    connection: Connection, configure: Callable, config: Config, registry: Registry
):
    """Empty collections, an empty queue, and nothing remembered."""
    let_the_hour_begin()
    connection.restore()
    configure(config, registry)
    kept = jobs.huey.storage
    found = mongoengine.get_db()
    begin_anew(found)
    connection.rebuild()
    yield found
    databases.let_indexes_be()
    if jobs.huey.storage is not kept:
        jobs.huey.storage.pool.disconnect()


@pytest.fixture(scope="session")
def built(config: Config):
    """The application, built once: building it takes longer than most tests."""
    from app import create_app

    return create_app(config)


def make_as_new(app, config: Config) -> None:
    """Its settings are those it was built with, and nothing is remembered but the API's
    description: of the same models it is the same."""
    app.config["JIMENG"] = config
    app.extensions.pop("metrics", None)


@pytest.fixture
def app(built, database, config: Config, registry: Registry):
    make_as_new(built, config)
    return built


@pytest.fixture
def client(app):
    """Somebody who speaks HTTP."""
    yield app.test_client()
    assert not has_app_context(), "a streamed answer is left open: close it"


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
            forget_lanes()
            pump.tick()
            run_queue()
            active = {"state": {"$in": ["generating", "saving", "starting"]}}
            come_due(**active)
            waiting = {"state": {"$in": ["queued", "starting", "generating", "saving"]}}
            if not Generation.collection().count_documents(waiting):
                return
        raise AssertionError("work does not end")

    return run


@pytest.fixture
def drawn(client, work_off) -> Callable[..., str]:
    """Have pictures made, and return the id of their task."""

    def drawn(**fields: object) -> str:
        task_id = create(client, **fields)
        work_off()
        return task_id

    return drawn


@pytest.fixture
def quick_room(monkeypatch) -> Iterator[None]:
    """Places for 24 who wait and for 8 streams, and looks in quick succession."""
    monkeypatch.setattr(watcher, "POLL_INTERVAL_S", 0.1)
    monkeypatch.setattr(long_polls, "WAKE_INTERVAL_S", 0.1)
    long_polls.configure(permits=long_polls.ProcessPermits(24, 8))
    yield
    long_polls.configure(permits=long_polls.FEW)


@pytest.fixture
def waits(monkeypatch) -> list[tuple[float, bool]]:
    """Of each wait for a task that has ended: its seconds, and whether they passed."""
    ended: list[tuple[float, bool]] = []
    turns = long_polls.watch_changes

    def noted(principal, task, seconds: float, is_gone) -> Iterator:
        until = time.monotonic() + seconds
        try:
            yield from turns(principal, task, seconds, is_gone)
        finally:
            ended.append((seconds, time.monotonic() >= until))

    monkeypatch.setattr(long_polls, "watch_changes", noted)
    return ended


@pytest.fixture
def soon(work_off, monkeypatch) -> Iterator[Callable[..., None]]:
    """Have something done by another thread once somebody waits for a task; by default
    all work. Where nobody does, it is not done."""
    turns, asked, threads = long_polls.watch_changes, [], []
    is_over = threading.Event()

    def noted(*args: object) -> Iterator:
        while asked:
            asked.pop().set()
        yield from turns(*args)

    def do(act: Callable[[], object] = work_off) -> None:
        is_waited_for = threading.Event()

        def run() -> None:
            is_waited_for.wait()
            if not is_over.is_set():
                act()

        asked.append(is_waited_for)
        threads.append(threading.Thread(target=run))
        threads[-1].start()

    monkeypatch.setattr(long_polls, "watch_changes", noted)
    yield do
    if asked:
        is_over.set()
    while asked:
        asked.pop().set()
    for each in threads:
        each.join()
