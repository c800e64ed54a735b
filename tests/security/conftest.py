"""Servers on real sockets that do to a client whatever a test tells them."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.access.conftest import (  # noqa: F401 (fixtures)
    ada,
    admin,
    bob,
    built_closed,
    closed,
    nobody,
    secured,
    stored,
)
from tests.certificates import Authority, make_authority


@pytest.fixture(autouse=True)
def patient_database(monkeypatch) -> None:
    """A machine that is busy with other tests is no reason to answer with 503."""
    monkeypatch.setattr("jimeng.documents.connection.WEB_TIMEOUT", 30)


@dataclass
class Server:
    """
    Sends *first*, then *more* for as long as anybody reads.

    Attributes:
        requests: What was asked for: the heads, in order.
        sni: The names that TLS clients asked for.
        over: Set when the test is over.
    """

    first: bytes
    more: bytes = b""
    every: float = 0
    context: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    sni: list[str | None] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    current: socket.socket | None = None

    def __post_init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def run(self) -> None:
        if self.context:
            self.context.sni_callback = lambda sock, name, _: self.sni.append(name)
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(60)
                self.current = connection
                if self.context:
                    connection = self.context.wrap_socket(connection, server_side=True)
                    self.current = connection
                with connection:
                    self.answer(connection)

    def answer(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (packet := connection.recv(65536)):
            head += packet
        if b"\r\n\r\n" in head:
            self.requests.append(head)
        connection.sendall(self.first)
        while self.more and not self.over.wait(self.every):
            connection.sendall(self.more)

    def stop(self) -> None:
        self.over.set()
        # Closing does not wake a thread that waits in accept or send.
        for each in filter(None, (self.listener, self.current)):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start a server."""
    started: list[tuple[Server, threading.Thread]] = []

    def start(*given: bytes, **options: object) -> Server:
        server = Server(*given, **options)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        started.append((server, thread))
        return server

    yield start
    for server, thread in started:
        server.stop()
        thread.join(60)


@pytest.fixture
def names(monkeypatch) -> Callable[..., list[str]]:
    """Let a name have other addresses each time it is looked up, the last ones for
    good; returns the list of the names that were looked up."""

    def resolve(**answers: list[list[str]]) -> list[str]:
        asked: list[str] = []

        def getaddrinfo(host, port, *args, **kwargs):
            asked.append(host)
            turns = answers.get(host.split(".")[0], [[host]])
            found = turns.pop(0) if len(turns) > 1 else turns[0]
            kinds = [
                socket.AF_INET6 if ":" in each else socket.AF_INET for each in found
            ]
            return [
                (kind, socket.SOCK_STREAM, 6, "", (each, port))
                for kind, each in zip(kinds, found, strict=True)
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return resolve


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))
