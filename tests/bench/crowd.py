"""Many who wait, are told of changes, or are slow; and how long others wait beside."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from tests.bench.beside import row, together
from tests.bench.requests import BODY, CREATE, post
from tests.bench.rows import Row, Site
from tests.bench.started import started

STREAMS, WAITING, SLOW = 1000, 300, 300
WAIT_S = 10
SENDERS = 16
ADDRESSES = 8  # as none may have more than 256 connections of a process
HEAD = b"POST /api/v1/ai/image/task HTTP/1.1\r\nHost: localhost\r\n"
BEGINNINGS = (
    HEAD,
    HEAD + b"Content-Length: 900000\r\n\r\nx",
    b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n",  # which is not read
)


def rows(site: Site) -> Iterator[Row]:
    with started(site) as port, ExitStack() as links:

        def follow(number: int) -> str:
            task_id = submit(port, f"follows{number}")
            link = links.enter_context(connect(port, number))
            path = f"/api/v1/tasks/{task_id}/events"
            link.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            return link.recv(4096)[9:12].decode()

        def wait(number: int) -> str:
            began = time.monotonic()
            submit(port, f"waits{number}", Prefer=f"wait={WAIT_S}")
            return "waited" if time.monotonic() - began >= WAIT_S else "did not wait"

        def begin_all() -> str:
            for number in range(SLOW):
                link = links.enter_context(connect(port, number))
                link.sendall(BEGINNINGS[number % len(BEGINNINGS)])
            time.sleep(WAIT_S)
            return "heads, bodies, readers"

        coming = partial(together, STREAMS, follow, SENDERS)
        yield row(port, f"{STREAMS} streams of events that come", coming)
        yield row(port, f"{STREAMS} streams held", lambda: time.sleep(WAIT_S))
        waiting = partial(together, WAITING, wait, WAITING)
        yield row(port, f"{WAITING} that wait, and the streams", waiting)
        yield row(port, f"{SLOW} slow clients, and the streams", begin_all)


def submit(port: int, user: str, **headers: str) -> str:
    body = {**BODY, "user_id": user}
    return post(port, CREATE, body, headers)["data"]["task_id"]


def connect(port: int, number: int) -> socket.socket:
    source = f"127.0.0.{2 + number % ADDRESSES}", 0
    return socket.create_connection(("127.0.0.1", port), 60, source)
