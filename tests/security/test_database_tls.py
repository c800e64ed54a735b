"""Databases on other machines: by TLS, and only those whose authority is known."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Queue
from urllib.parse import quote, urlsplit

import certifi
import pytest
from pymongo import MongoClient
from pymongo.monitoring import ServerHeartbeatListener
from redis import Redis
from redis.exceptions import RedisError

from jimeng.config import Config
from tests.databases import at_port
from tests.rest import CAT, CREATE, client_with
from tests.waiting import PATIENCE_S


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def behind_tls(authority) -> Iterator[Callable[[int], int]]:
    """Stand before a server as its TLS; returns the port for that."""
    opened: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def carry(plain: socket.socket, port: int) -> None:
        with (
            suppress(OSError),
            authority.server_side().wrap_socket(plain, server_side=True) as client,
            socket.create_connection(("127.0.0.1", port)) as server,
        ):
            back = threading.Thread(target=pump, args=(server, client), daemon=True)
            back.start()
            pump(client, server)
            back.join()

    def accept(listener: socket.socket, port: int) -> None:
        with suppress(OSError):
            while True:
                plain, _ = listener.accept()
                opened.append(plain)
                thread = threading.Thread(target=carry, args=(plain, port), daemon=True)
                thread.start()
                threads.append(thread)

    def start(port: int) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        opened.append(listener)
        threading.Thread(target=accept, args=(listener, port), daemon=True).start()
        return listener.getsockname()[1]

    yield start
    for each in opened:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@pytest.fixture
def settings(config, behind_tls) -> Callable[[str, str], dict[str, str]]:
    """Those that lead to one of the two by TLS, with the authority in a file."""

    def settings_of(which: str, bundle: str) -> dict[str, str]:
        if which == "MONGODB_URI":
            port = behind_tls(urlsplit(config.MONGODB_URI).port)
            end = f"&tls=true&tlsCAFile={quote(bundle, safe='')}"
            return {which: at_port(config.MONGODB_URI, port, end)}
        found = urlsplit(config.REDIS_URL)
        place = f":{found.password}@127.0.0.1:{behind_tls(found.port)}/0"
        return {which: f"rediss://{place}?ssl_ca_certs={bundle}"}

    return settings_of


@pytest.mark.parametrize("which", ["MONGODB_URI", "REDIS_URL"])
def test_database_is_reached_by_tls(app, config, registry, settings, authority, which):
    """With an authority of one's own, as the settings name it."""
    changes = settings(which, authority.bundle)
    Config.from_env(changes)

    with client_with(config, registry, **changes) as client:
        answer = client.post(CREATE, json=CAT)

    assert answer.status_code == 202, answer.json


class Failures(ServerHeartbeatListener):
    """Why no connection comes about, as often as it is tried."""

    def __init__(self) -> None:
        self.told: Queue[Exception] = Queue()

    def started(self, event) -> None:
        pass

    succeeded = started

    def failed(self, event) -> None:
        self.told.put(event.reply)


def test_other_database_is_not_believed(settings):
    """What another authority has signed gets neither password nor task."""
    mongodb = settings("MONGODB_URI", certifi.where())["MONGODB_URI"]
    redis = settings("REDIS_URL", certifi.where())["REDIS_URL"]

    failures = Failures()
    with MongoClient(mongodb, event_listeners=[failures]):
        reason = failures.told.get(timeout=PATIENCE_S)
    assert "certificate verify failed" in str(reason)
    with (
        Redis.from_url(redis) as queue,
        pytest.raises(RedisError, match="certificate verify failed"),
    ):
        queue.ping()
