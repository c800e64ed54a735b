"""The printed proxies before the product that has just started: a crowd of one address
is served or told to come again, and slow clients hold up nobody."""

import asyncio
import base64
import json
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial

import pytest

from tests.proxy import PROXIES, before
from tests.rest import CREATE, create
from tests.security.test_streams import noise
from tests.serving import connect, product
from tests.waiting import meanwhile

pytestmark = pytest.mark.system
CROWD = 1250  # connections of one address
SLOW = 300  # connections
RESULT = "/api/v1/ai/image/result"
EDITED = "doubao-seedream-4.0"  # takes pictures
OPEN = {"AUTH": "off", "ALLOW_OPEN_ACCESS": "1", "TRUSTED_PROXIES": "1"}
KEYS = {"ARK_API_KEY": "key-of-the-test"}
# A busy machine is not what the crowd is about.
PATIENT = """
from jimeng import documents
from jimeng.http import requests
documents.connect(app.config["JIMENG"], timeout=60.0)
requests.PERMIT_TIMEOUT_S = 60.0
"""
Answer = tuple[int, dict[str, str]]


@pytest.fixture(params=PROXIES)
def port(request, client, config, tmp_path, tmp_path_factory) -> Iterator[int]:
    """Of a proxy before the product."""
    with (
        product(config, tmp_path, PATIENT, **OPEN, **KEYS) as behind,
        before(behind, tmp_path_factory.mktemp(request.param), request.param) as port,
    ):
        yield port


def request(method: str, path: str, body: object = None, prefer: str = "") -> bytes:
    content = b"" if body is None else json.dumps(body).encode()
    lines = (
        *(f"{method} {path} HTTP/1.1", "Host: localhost", "Connection: close"),
        *("Content-Type: application/json", f"Content-Length: {len(content)}"),
        *([f"Prefer: {prefer}"] if prefer else []),
    )
    return "\r\n".join((*lines, "", "")).encode() + content


def submission(user: str, **fields: object) -> bytes:
    return request("POST", CREATE, {"prompt": "一只猫", "user_id": user, **fields})


def read(answer: bytes) -> Answer:
    first, *lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines)


async def ask(port: int, start: asyncio.Barrier, sent: bytes) -> Answer:
    """Connect, wait until all have, send, and read until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await start.wait()
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    return read(answer)


def ask_all(port: int, requests: Sequence[bytes]) -> list[Answer]:
    async def gather() -> list[Answer]:
        start = asyncio.Barrier(len(requests))
        return await asyncio.gather(*(ask(port, start, each) for each in requests))

    # This thread may have a loop already, that of a browser.
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(lambda: asyncio.run(gather())).result()


def check(answers: Sequence[Answer]) -> None:
    """Each is whole: a result, or when to come again."""
    others = [each for each in answers if each[0] not in {200, 202}]
    assert {status for status, _ in others} <= {429}
    assert all(int(head["Retry-After"]) > 0 for _, head in others)
    assert len(answers) > len(others)


def test_crowd_of_one_address_is_served_or_told_to_come_again(port, client):
    """Of many customers, of one, and waiting; some beyond all limits."""
    waits = request("GET", f"{RESULT}/{create(client)}", prefer="wait=5")
    crowd = [
        (submission(f"user{n}"), submission("one"), waits)[n % 3] for n in range(CROWD)
    ]

    answers = ask_all(port, crowd)

    check(answers)
    assert {status for status, _ in answers} == {200, 202, 429}


@pytest.mark.parametrize("port", ["nginx"], indirect=True)
def test_slow_large_bodies_end_at_nginx(port):
    """Half of each is enough to hold a permit; Caddy passes that on."""
    hold_up(port, large("slow")[:200_000], then=[large(f"user{n}") for n in range(8)])


def test_slow_clients_hold_up_nobody(port):
    """Half a head, or half a small body."""
    whole = submission("slow", prompt="x" * 700)
    hold_up(port, whole[:60], whole[:-60], then=[large("one"), *map(submission, "abc")])


def large(user: str) -> bytes:
    """A submission of 4 MB."""
    picture = "data:image/png;base64," + base64.b64encode(noise()).decode()
    return submission(user, model=EDITED, images=[picture])


def hold_up(port: int, *halves: bytes, then: Sequence[bytes]) -> None:
    """While `SLOW` clients send one of *halves*, and a byte now and then, do *then*."""
    with ExitStack() as links:
        slow = [links.enter_context(connect(port)) for _ in range(SLOW)]
        for n, link in enumerate(slow):
            link.sendall(halves[n % len(halves)])

        with meanwhile(partial(trickle, slow), every_s=2):
            answers = ask_all(port, then)

    assert {status for status, _ in answers} == {202}


def trickle(links: Sequence[socket.socket]) -> None:
    for link in links:
        with suppress(OSError):  # of a head that has come to its end
            link.send(b"x")
