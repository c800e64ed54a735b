"""Servers that misbehave on purpose, one connection at a time, on real sockets."""

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest
from replies import ACCESS_KEY, API_KEY, FOX, SECRET_KEY, SWAN, http

from jimeng.providers import ark_videos
from jimeng.providers import provider as provider_module
from jimeng.providers.ark import ArkProvider
from jimeng.providers.transport import Transport
from jimeng.providers.visual import VisualProvider
from simulator import Simulator, inputs

Behave = Callable[[socket.socket], None]


@dataclass
class Server:
    """
    Attributes:
        requests: The raw requests that `read_request` has read, in order.
        connections: How many were accepted.
        over: Set when the test is over: what a handler that says nothing waits for.
    """

    listener: socket.socket
    behave: Behave
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    accepted: list[socket.socket] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def bodies(self) -> list[dict]:
        return [json.loads(each.partition(b"\r\n\r\n")[2]) for each in self.requests]

    def run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            self.accepted.append(connection)
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(60)
            self.behave(connection)

    def stop(self) -> None:
        self.over.set()
        # Closing does not wake a thread that waits in accept or recv.
        for each in (self.listener, *self.accepted):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def read_request(self, connection: socket.socket) -> bytes:
        """Read one whole request; empty once the client has closed."""
        data = b""
        while b"\r\n\r\n" not in data:
            if not (packet := connection.recv(65536)):
                return b""
            data += packet
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            body += connection.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]


@pytest.fixture
def serve() -> Iterator[Callable[[Behave], Server]]:
    """Start a server that does *behave* with each connection."""
    started: list[tuple[Server, threading.Thread]] = []

    def start(behave: Behave) -> Server:
        server = Server(socket.create_server(("127.0.0.1", 0)), behave)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        started.append((server, thread))
        return server

    yield start
    for server, thread in started:
        server.stop()
        thread.join(60)


@pytest.fixture
def answering(serve) -> Callable[..., Server]:
    """
    Start a server that gives the listed answers in turn, the last one for ever; with
    *closes*, one to each connection.
    """

    def start(*answers: bytes, closes: bool = False) -> Server:
        left = list(answers)

        def behave(connection: socket.socket) -> None:
            while server.read_request(connection):
                connection.sendall(left.pop(0) if len(left) > 1 else left[0])
                if closes:
                    return

        server = serve(behave)
        return server

    return start


@pytest.fixture
def answers(answering) -> Callable[..., Server]:
    return partial(answering, closes=True)


def clients(make: Callable) -> Iterator[Callable]:
    """Makes clients of a server, and of a dead port for None."""
    made = []

    def client(server=None, **options):
        made.append(make(server.url if server else "http://127.0.0.1:1", **options))
        return made[-1]

    yield client
    for each in made:
        each.close()


@pytest.fixture
def provider():
    yield from clients(
        lambda url, **options: VisualProvider(
            ACCESS_KEY, SECRET_KEY, endpoint=url, **options
        )
    )


@pytest.fixture
def ark():
    yield from clients(
        lambda url, **options: ArkProvider(API_KEY, base_url=f"{url}/api/v3", **options)
    )


KEYS = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "ark_key": API_KEY}


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    """Refuses what it does not know; what is asked for takes no time."""
    how = {"duration": 0.0, "plain": True, "strict": True}
    with Simulator(**KEYS, **how, limit=1000, video_limit=1000) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def services(running) -> Iterator[dict]:
    """Clients of the simulator, by the provider's name."""
    keys = (ACCESS_KEY, SECRET_KEY)
    made = {
        "volcengine_jimeng": VisualProvider(*keys, endpoint=running.url),
        "volcengine_ark": ArkProvider(API_KEY, base_url=f"{running.url}/api/v3"),
    }
    yield made
    for each in made.values():
        each.close()


@pytest.fixture(autouse=True, scope="session")
def unhurried() -> Iterator[None]:
    """However long an answer takes here, it is not too old to act upon."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ark_videos, "MAX_STATE_AGE_S", 60.0)
        patch.setattr(provider_module, "CALL_MARGIN_S", 60.0)
        patch.setattr(inputs, "FETCH_TIMEOUT_S", 60.0)  # the simulator's
        yield


@pytest.fixture
def draw(ark, answering):
    """Ask an Ark that answers with *status*, *body* and *headers* for a picture."""

    def draw(body, status=200, *headers, request=SWAN):
        return ark(answering(http(status, body, *headers))).submit(request)

    return draw


@pytest.fixture
def submit(provider, answering):
    """Submit to a server that answers with *status* and *body*."""

    def submit(body, status=200):
        return provider(answering(http(status, body))).submit(FOX)

    return submit


@pytest.fixture
def poll(provider, answering):
    """Poll a server that answers with *status* and *body*."""

    def poll(body, status=200):
        return provider(answering(http(status, body))).poll("12", FOX)

    return poll


@pytest.fixture
def transport():
    transport = Transport()
    yield transport
    transport.close()
