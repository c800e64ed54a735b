"""A server that signs, receivers over HTTP, and a clock that is moved."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain

import pytest
from standardwebhooks import Webhook

from jimeng import batches
from jimeng.config import Config
from jimeng.documents import WebhookDelivery, utcnow
from jimeng.webhooks import deliveries, outbox
from tests.batches.conftest import fill
from tests.billing.conftest import settle
from tests.conftest import make_as_new
from tests.rest import API, data_of

KEY = "k" * 40
USER = "user_123"
WEBHOOKS = f"{API}/webhooks"


@dataclass
class Received:
    """One request that a receiver has had."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    def verified(self, secret: str) -> dict:
        """The body, if the signature is right; else an error."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """
    Attributes:
        answers: Status, headers and body of each answer to come; with none left 204.
        held: While it is set, requests are answered.
    """

    url: str
    received: list[Received] = field(default_factory=list)
    answers: list[tuple[int, dict, bytes]] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, named, body))


def handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append(Received(self.path, headers, body))
            receiver.held.wait()
            answers = receiver.answers
            status, more, text = answers.pop(0) if answers else (204, {}, b"")
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def receivers() -> Iterator[Callable[[], Receiver]]:
    """Makes receivers, each at a port of its own."""
    servers, made = [], []

    def make() -> Receiver:
        receiver = Receiver("")
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(receiver))
        receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
        receiver.held.set()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        made.append(receiver)
        return receiver

    yield make
    for receiver in made:
        receiver.held.set()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver(receivers) -> Receiver:
    return receivers()


@pytest.fixture
def signing(config) -> Config:
    return replace(
        config,
        SECRET_KEY=KEY,
        ALLOWED_USER_HOSTS=("127.0.0.1",),
        PUBLIC_URL="https://pictures.example.com",
    )


@pytest.fixture
def app(built, database, signing, configure, registry):
    """The application, which has a key to sign with."""
    make_as_new(built, signing)
    configure(signing, registry)
    return built


@pytest.fixture
def endpoint(client) -> Callable[..., dict]:
    """Makes an endpoint; returns its record with the secret."""

    def make(url: str, **fields: object) -> dict:
        body = {"url": url, "user_id": USER, **fields}
        return data_of(client.post(WEBHOOKS, json=body), 201)

    return make


@pytest.fixture
def deliver(database) -> Callable[[], int]:
    """Announce what has ended and attempt what is ready, one after the other."""

    def run() -> int:
        settle()  # the end of a cancelled task waits for its costs
        while outbox.sweep():
            pass
        deliveries.make_due_ready()
        n = 0
        while (delivery := claim_any()) is not None:
            deliveries.deliver(delivery)
            n += 1
        return n

    return run


def claim_any() -> WebhookDelivery | None:
    """Claim the next delivery of any group, unless webhooks are paused."""
    ready = map(deliveries.claim_ready, deliveries.FILTERS)
    return next(chain.from_iterable(ready), None)


@pytest.fixture
def deliver_batch(work_off, deliver) -> Callable[[], int]:
    """Draw all that batches hold, and tell of it and of their ends."""

    def run() -> int:
        fill()
        work_off()
        fill()
        batches.announce_ended()
        return deliver()

    return run


@pytest.fixture
def log(client) -> Callable[..., list[dict]]:
    """The deliveries of an endpoint, newest first, as its owner reads them."""

    def read(webhook_id: str, language: str = "en", **query: object) -> list[dict]:
        answer = client.get(
            f"{WEBHOOKS}/{webhook_id}/deliveries",
            query_string=query,
            headers={"Accept-Language": language},
        )
        return data_of(answer)

    return read


def later(seconds: float) -> None:
    """Let so many seconds have passed for all deliveries that wait."""
    WebhookDelivery.collection().update_many(
        {"due_at": {"$exists": True}},
        [{"$set": {"due_at": {"$subtract": ["$due_at", round(seconds * 1000)]}}}],
    )


def waits() -> list[float]:
    """Seconds until the next attempt, of each delivery that waits."""
    rows = WebhookDelivery.collection().find({"due_at": {"$exists": True}})
    return [(row["due_at"] - utcnow()) / timedelta(seconds=1) for row in rows]
