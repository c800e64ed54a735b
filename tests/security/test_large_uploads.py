"""Uploads at a real server: who has no account, or is slow, holds up nobody else."""

import secrets
import time
from contextlib import ExitStack

import pytest

from jimeng.http.requests import MAX_LARGE_BODIES, PERMIT_TIMEOUT_S
from tests.access.conftest import make_person
from tests.serving import connect, product, read_all

UPLOAD = b"POST /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\n"
SIZE = 12_000_000
SLOW = 10  # connections
OF_ONE = MAX_LARGE_BODIES // 2  # that a user gets

pytestmark = pytest.mark.system


@pytest.fixture
def serve(config, tmp_path):
    """The product in a process of its own, with sign-in, where a place is waited for
    *timeout_s*."""
    closed_off = {"AUTH": "on", "SECRET_KEY": secrets.token_hex(32)}

    def serve(*, timeout_s: float = PERMIT_TIMEOUT_S, **env: str):
        more = "from jimeng.http import requests\n"
        more += f"requests.PERMIT_TIMEOUT_S = {timeout_s}\n"
        return product(config, tmp_path, more, **closed_off | env)

    return serve


def head_of(key: str) -> bytes:
    kind = b"Content-Type: multipart/form-data; boundary=b\r\n"
    return UPLOAD + f"Authorization: Bearer {key}\r\n".encode() + kind


def form(size: int) -> bytes:
    """Of so many bytes, with a picture that is none."""
    named = b'Content-Disposition: form-data; name="file"; filename="a.png"'
    begin, end = b"--b\r\n" + named + b"\r\n\r\n", b"\r\n--b--\r\n"
    return begin + b"x" * (size - len(begin) - len(end)) + end


def upload(port: int, key: str) -> int:
    """The status of a picture of more than a megabyte, which is none."""
    head = head_of(key) + b"Connection: close\r\n"
    body = form(2_000_000)
    with connect(port) as link:
        link.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        return int(read_all(link)[9:12])


def test_without_an_account_nobody_sends_much(secured, serve):
    """Slow ones are refused by their heads, and hold no place for who has one."""
    ada = make_person(secured, "ada@example.com")
    with serve() as port, ExitStack() as links:
        slow = [links.enter_context(connect(port)) for _ in range(SLOW)]
        for link in slow:
            link.sendall(UPLOAD + b"Content-Length: %d\r\n\r\n" % SIZE + b"x" * 60_000)

        statuses = [upload(port, ada.key) for _ in range(3)]
        refused = [link.recv(12) for link in slow]

    assert set(statuses) == {422}
    assert refused == [b"HTTP/1.1 401"] * SLOW


def hold(links: ExitStack, port: int, head: bytes, count: int = OF_ONE) -> list:
    """So many uploads of which half has come, and been read."""
    held = [links.enter_context(connect(port)) for _ in range(count)]
    for link in held:
        link.sendall(head + b"Content-Length: %d\r\n" % SIZE)
        link.sendall(b"Expect: 100-continue\r\n\r\n")
        assert b" 100 " in link.recv(4096)  # it has a place
        link.sendall(form(SIZE)[: SIZE // 2])
    return held


def test_one_too_many_waits_and_is_told_to_come_again(secured, serve):
    """Before any of it is read; nobody else notices."""
    ada, bob = (make_person(secured, f"{n}@example.com") for n in ("ada", "bob"))
    with serve(timeout_s=0.5) as port, ExitStack() as links:
        hold(links, port, head_of(ada.key))
        with connect(port) as link:
            head = head_of(ada.key) + b"Connection: close\r\n"
            link.sendall(head + b"Content-Length: %d\r\n\r\n" % SIZE)
            answer = read_all(link)

        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 2\r\n" in answer and b"server_busy" in answer
        assert upload(port, bob.key) == 422


def test_one_that_waits_has_the_next_place(secured, serve):
    """Also where it is the same user's that it has to wait for."""
    ada = make_person(secured, "ada@example.com")
    with serve(timeout_s=60) as port, ExitStack() as links:
        first, *_ = hold(links, port, head_of(ada.key))
        waits = links.enter_context(connect(port))
        waits.sendall(head_of(ada.key) + b"Content-Length: %d\r\n" % SIZE)
        waits.sendall(b"Expect: 100-continue\r\n\r\n")
        upload(port, "jm_nobody")  # by then it waits

        first.sendall(form(SIZE)[SIZE // 2 :])

        assert b" 422 " in first.recv(4096)
        assert b" 100 " in waits.recv(4096)


def test_behind_a_proxy_it_says_who_sends(secured, serve):
    """Without sign-in places go by address; what a client writes is not believed."""

    def head(client: bytes) -> bytes:
        said = b"X-Forwarded-For: 192.0.2.9, " + client + b"\r\n"
        return head_of("nobody's").replace(b"Authorization: Bearer nobody's\r\n", said)

    def status(port: int, client: bytes) -> bytes:
        with connect(port) as link:
            link.sendall(head(client) + b"Content-Length: %d\r\n\r\n" % SIZE)
            link.sendall(form(SIZE))
            return link.recv(4096)[9:12]

    is_open = {"AUTH": "off", "ALLOW_OPEN_ACCESS": "1", "TRUSTED_PROXIES": "1"}
    with serve(timeout_s=0.5, **is_open) as port, ExitStack() as links:
        hold(links, port, head(b"192.0.2.1"))

        assert status(port, b"192.0.2.1") == b"503"
        assert status(port, b"192.0.2.2") == b"422"


def test_who_is_refused_reads_why_though_it_sends_on(serve):
    """Most clients do not read before they have sent all."""
    with serve() as port, connect(port) as link:
        link.sendall(head_of("nobody's") + b"Content-Length: %d\r\n\r\n" % SIZE)
        for _ in range(6):
            link.sendall(b"x" * (SIZE // 6))
            time.sleep(0.1)

        assert link.recv(4096).startswith(b"HTTP/1.1 401 ")
