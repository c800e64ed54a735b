"""
A thousand known tar pits, and a thousand that were never tried and have an event all at
once, beside a thousand receivers that answer, and pictures.
"""

import asyncio
import secrets
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from jimeng.documents import Task, WebhookAddress, WebhookEndpoint, utcnow
from jimeng.documents.webhook import fingerprint
from tests.bench.rows import Row, Site
from tests.system.stack import Stack

RECEIVERS = 1000  # of each kind, each of a user of its own
A_SECOND = 20  # events of each kind
PICTURES = 16
KEY = secrets.token_hex(32)


class Receivers:
    """
    Two servers: one answers at once, the other reads and never answers.

    Attributes:
        told: When each event arrived at the first, by the user in its path.
        held: How many connections the second has had.
    """

    def __init__(self) -> None:
        self.told: dict[str, float] = {}
        self.held = 0
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.good, self.pit = (
            asyncio.run_coroutine_threadsafe(self._serve(each), self._loop).result()
            for each in (self._answer, self._hold)
        )

    async def _serve(self, handle) -> int:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, backlog=1024)
        return server.sockets[0].getsockname()[1]

    async def _answer(self, reader, writer) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.told.setdefault(head.split()[1].strip("/"), time.time())
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async def _hold(self, reader, writer) -> None:
        self.held += 1
        await reader.read()
        await reader.read()


def rows(site: Site) -> Iterator[Row]:
    receivers = Receivers()
    with site.stack(
        "tar_pits", SECRET_KEY=KEY, ALLOWED_USER_HOSTS="127.0.0.1"
    ) as stack:
        stack.simulate(plain=True)
        stack.start_consumer()
        stack.await_ready()
        draw(stack)  # the queue learns how long a picture takes
        register(stack, receivers)
        with stack.database() as found:
            traps = [ended(user_of("trap", n)) for n in range(RECEIVERS)]
            found.tasks.insert_many(traps)
        for name in ("new receivers", "known receivers"):
            alone = draw(stack)
            with events(stack) as sent:
                beside = draw(stack)
            yield row(name, receivers, sent, alone, beside)
            receivers.told.clear()


def register(stack: Stack, receivers: Receivers) -> None:
    """Give each user an endpoint; those of known tar pits have failed before."""
    ports = {"good": receivers.good, "pit": receivers.pit, "trap": receivers.pit}
    made = [
        WebhookEndpoint.row(
            user_id=user_of(kind, n),
            url=f"http://127.0.0.1:{port}/{user_of(kind, n)}",
            fingerprint=fingerprint(KEY),
        )
        for n in range(RECEIVERS)
        for kind, port in ports.items()
    ]
    failed = [
        WebhookAddress.row(
            id=f"{user_of('pit', n)} 127.0.0.1:{receivers.pit}",
            user_id=user_of("pit", n),
            answers=False,
        )
        for n in range(RECEIVERS)
    ]
    with stack.database() as found:
        found.webhook_endpoints.insert_many(made)
        found.webhook_addresses.insert_many(failed)


def user_of(kind: str, number: int) -> str:
    return f"{number:04}{kind}"  # by turns, in the order of their names


@contextmanager
def events(stack: Stack) -> Iterator[dict[str, float]]:
    """End a task of each user, some a second; by user, when. Then wait a little."""
    sent: dict[str, float] = {}

    def send() -> None:
        began = time.monotonic()
        for n in range(RECEIVERS):
            users = [user_of(kind, n) for kind in ("good", "pit")]
            with stack.database() as found:
                found.tasks.insert_many([ended(user) for user in users])
            sent[users[0]] = time.time()
            time.sleep(max(began + n / A_SECOND - time.monotonic(), 0))

    thread = threading.Thread(target=send)
    thread.start()
    yield sent
    thread.join()
    time.sleep(10)


def ended(user: str) -> dict:
    now = utcnow()
    words = dict.fromkeys(("prompt", "model", "provider", "lane", "req_key"), "x")
    return Task.row(
        **words,
        user_id=user,
        width=1,
        height=1,
        n=1,
        status="cancelled",
        completed_at=now,
        announce=True,
    )


def draw(stack: Stack) -> list[float]:
    """Seconds that pictures take, one after the other."""
    found = []
    for _ in range(PICTURES):
        began = time.monotonic()
        stack.await_ended([stack.create(size="512x512")], 60)
        found.append(time.monotonic() - began)
    return found


def row(
    name: str,
    receivers: Receivers,
    sent: dict[str, float],
    alone: list[float],
    beside: list[float],
) -> Row:
    told = receivers.told
    took = sorted(told[user] - at for user, at in sent.items() if user in told)
    late = sum(each > 5 for each in took) + len(sent) - len(took)
    at = statistics.quantiles(took, n=100, method="inclusive")
    found = f"median {at[49]:.2f} s, 99 % {at[98]:.2f} s, longest {took[-1]:.2f} s"
    return Row(
        f"{RECEIVERS} {name} and as many tar pits, {A_SECOND} events a second of each, "
        f"beside {RECEIVERS} tar pits that were never tried",
        f"**{len(took)} told**, {found}, {late} later than 5 s or not at all; "
        f"{receivers.held} attempts at tar pits; a picture "
        f"{statistics.median(beside):.2f} s",
        f"a picture without them {statistics.median(alone):.2f} s",
        "all within 5 s",
    )
