"""A request waits once for a database that is frozen: what follows is not tried."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pymongo import MongoClient
from pymongo.errors import (
    ExecutionTimeout,
    NetworkTimeout,
    ServerSelectionTimeoutError,
)
from redis.exceptions import RedisError

from jimeng import jobs
from jimeng.documents import Task, best_effort, utcnow
from jimeng.errors import QueueUnavailable, outages
from jimeng.limits import reservations
from jimeng.process import broker
from tests.commands import counted
from tests.rest import API, CAT, CREATE, refused

TRIES = 2  # of one command


class FrozenServer:
    """Accepts connections, as a stopped process does, and never answers."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                self.connections.append(self.listener.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self.listener.close()
        for each in self.connections:
            each.close()


@pytest.fixture
def frozen_redis(app, config, monkeypatch) -> Iterator[FrozenServer]:
    """Redis is frozen for this process, which is a web server."""
    monkeypatch.setattr(reservations._state, "redis_retry_at", 0.0)
    server = FrozenServer()
    address = f"redis://127.0.0.1:{server.port}/0"
    broker.connect(replace(config, REDIS_URL=address), timeout=0.05)
    yield server
    server.close()
    broker.connect(config)


@pytest.fixture
def in_request() -> Iterator[None]:
    outages.begin_request()
    yield
    outages.end_request()


def test_second_command_is_not_tried(frozen_redis, in_request):
    """Neither by a connection of the client, nor by one of a script's own."""
    with pytest.raises(QueueUnavailable):
        jobs.check_queue()
    tried = len(frozen_redis.connections)
    assert tried == TRIES

    with pytest.raises(RedisError):
        jobs.evaluate("return 1", [])
    with pytest.raises(RedisError), jobs.huey.storage.conn.pipeline() as pipeline:
        pipeline.get("x").execute()
    with pytest.raises(QueueUnavailable):
        jobs.check_queue()

    assert len(frozen_redis.connections) == tried


def test_script_is_waited_for_once(frozen_redis, in_request):
    with pytest.raises(RedisError):
        jobs.evaluate("return 1", [])
    with pytest.raises(QueueUnavailable):
        jobs.check_queue()

    assert len(frozen_redis.connections) == TRIES


def test_it_is_tried_again_by_the_next_request_and_later(frozen_redis, monkeypatch):
    """A stream goes on for longer than an outage; and a worker always tries."""
    for begin in (outages.begin_request, outages.begin_request, outages.end_request):
        begin()
        before = len(frozen_redis.connections)
        with pytest.raises(QueueUnavailable):
            jobs.check_queue()
        assert len(frozen_redis.connections) == before + TRIES
    outages.begin_request()
    monkeypatch.setattr(outages, "SILENT_S", 0.0)
    for _ in range(2):
        before = len(frozen_redis.connections)
        with pytest.raises(QueueUnavailable):
            jobs.check_queue()
        assert len(frozen_redis.connections) >= before + TRIES
    outages.end_request()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", CREATE, 503),
        ("POST", f"{CREATE}?dry_run=1", 200),
        ("POST", "/v1/images/generations", 503),
        ("POST", "/mcp", 200),
        ("GET", "/account/usage", 200),
        ("GET", "/admin/failures", 200),
        ("GET", "/admin/queue", 200),
    ],
)
def test_request_waits_for_frozen_redis_once(
    frozen_redis, client, method, path, status
):
    """At most: some of what is asked for is cached."""
    call = {"name": "list_models", "arguments": {}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    body = message if path == "/mcp" else {**CAT, "prompt": "猫"}

    answer = client.open(path, method=method, json=body if method == "POST" else None)

    assert answer.status_code == status, answer.text
    assert len(frozen_redis.connections) <= TRIES


@pytest.fixture
def frozen_mongodb(app, monkeypatch) -> list[object]:
    """MongoDB is frozen; the operations that wait for it."""
    tried: list[object] = []

    def wait(self: MongoClient, *args: object, **kwargs: object) -> None:
        if threading.current_thread() is threading.main_thread():
            tried.append(args)  # else it is what checks the indexes
        raise ServerSelectionTimeoutError("timed out")

    monkeypatch.setattr(MongoClient, "_select_server", wait)
    return tried


@pytest.mark.parametrize("path", ["/tasks", "/", "/batches", f"{API}/queue", "/nosuch"])
def test_request_waits_for_frozen_mongodb_once(client, frozen_mongodb, path):
    """The page about the outage does not ask who is signed in."""
    client.set_cookie("session", "x" * 43)

    answer = client.get(path)

    assert answer.status_code in {503, 404}
    assert len(frozen_mongodb) <= 1


def test_nothing_is_tried_after_a_step_that_was_skipped(database, config, in_request):
    with counted(config) as commands:
        with best_effort("a step"):
            raise NetworkTimeout("timed out")
        with pytest.raises(NetworkTimeout):
            Task.find_one({})
        with pytest.raises(NetworkTimeout):
            Task.collection().update_one({}, {"$set": {"updated_at": utcnow()}})

    assert commands == []


def test_nothing_is_tried_while_a_timeout_is_raised(database, config, in_request):
    """Such as what gives a reservation back."""
    with counted(config) as commands:
        with pytest.raises(NetworkTimeout):
            try:
                raise NetworkTimeout("timed out")
            finally:
                with best_effort("giving back"):
                    Task.find_one({})
        assert commands == []


def test_slow_operation_is_no_silence(database, config, in_request):
    """MongoDB has answered: the next operation may be faster."""
    with counted(config) as commands:
        with best_effort("a slow step"):
            raise ExecutionTimeout("operation exceeded time limit", 50)
        Task.find_one({})

    assert len(commands) == 1


def test_frozen_redis_refuses_a_creation(frozen_redis, client):
    refused(client.post(CREATE, json={**CAT, "prompt": "猫"}), 503, "queue_unavailable")
    assert Task.find_one({}) is None
