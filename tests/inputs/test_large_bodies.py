"""Large bodies: where they may come, how many at a time, and how long they take."""

import time
from contextlib import ExitStack, suppress

import pytest

from jimeng.http.bodies import MOST_PLAIN, MOST_WITH_PICTURES
from jimeng.serve import incoming
from jimeng.serve.incoming import (
    LARGE,
    MOST_BODY,
    MOST_LARGE,
    PLACES,
    Incoming,
)
from tests import serving
from tests.serving import answer_of, ask, connect, front, read_all
from tests.waiting import wait_for

UPLOAD = b"POST /api/v1/uploads HTTP/1.1\r\nHost: localhost\r\n"
SIZE = 12_000_000
OF_ONE = PLACES // 2  # that an address gets
HEAD = UPLOAD + b"Content-Length: %d\r\n\r\n" % SIZE
HALF = HEAD + b"x" * (SIZE // 2)  # fast enough not to make room for others


def test_server_knows_each_route_that_brings_pictures(app):
    """Its loop has only the first line to go by; the application has the limits too."""
    marked = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "brings_pictures", False)
        and "POST" in rule.methods
    }

    assert {"/api/v1/uploads", "/api/v1/ai/image/task", "/api/v1/ai/tasks"} <= marked
    unknown = {path for path in marked if not LARGE.match(f"POST {path} ".encode())}
    assert unknown == set()
    assert (MOST_PLAIN, MOST_WITH_PICTURES) == (MOST_BODY, MOST_LARGE)


@pytest.mark.parametrize(
    ("path", "size", "is_long", "is_large"),
    [
        ("/api/v1/uploads", 900_000, False, False),
        ("/api/v1/uploads", 12_000_000, False, True),
        ("/api/v1/uploads?a=b", 12_000_000, False, True),
        ("/api/v1/uploads", 17_000_000, True, False),
        ("/api/v1/uploads/x", 12_000_000, True, False),
        ("/api/v1/users", 1_100_000, True, False),
        ("/api/v1/batches", 12_000_000, False, True),
        ("/api/v1/batches/x/retry", 12_000_000, True, False),
        ("/batches/preview", 12_000_000, False, True),
        ("/api/v1/ai/tasks", 16_777_216, False, True),
    ],
)
def test_body_may_be_large_where_pictures_come(path, size, is_long, is_large):
    head = f"POST {path} HTTP/1.1\r\nContent-Length: {size}\r\n\r\n"
    request = Incoming(head.encode())

    request.is_whole()

    assert (request.is_too_long, request.is_large) == (is_long, is_large)


def test_large_body_comes_packet_after_packet(monkeypatch):
    """Ten seconds from one to the next, and a minute for all of it."""
    request = Incoming(HEAD)
    request.is_whole()
    began = time.monotonic()

    request.add(b"x" * 200_000)
    assert not request.is_overdue(began + 9)
    assert request.is_overdue(began + 11)
    monkeypatch.setattr(incoming, "WITHIN", 100)
    assert not request.is_overdue(began + 59)
    assert request.is_overdue(began + 61)


def let_them_be_read(port: int) -> None:
    """Who is accepted later, and answered, comes after what had been sent before."""
    for _ in range(3):
        ask(port)


def is_taken(port: int, head: bytes = HEAD, of: str = "127.0.0.1") -> bool:
    with suppress(OSError), connect(port, of=of) as link:
        link.sendall(head + b"x" * SIZE)
        return b" 200 " in link.recv(4096)
    return False


@pytest.mark.system
def test_fifth_large_body_waits_and_is_told_to_come_again(tmp_path):
    """Of one address, before any of it is read; nobody else notices."""
    with front(tmp_path, "--workers", "1") as port, ExitStack() as links:
        held = [links.enter_context(connect(port)) for _ in range(OF_ONE)]
        for link in held:
            link.sendall(HALF)
        let_them_be_read(port)
        with connect(port) as link:
            link.sendall(HEAD)
            answer = read_all(link)

        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: 2\r\n" in answer and b"server_busy" in answer
        assert is_taken(port, of="127.0.0.2")
        for link in held:  # each packet gives it ten seconds more
            link.sendall(b"x" * 1000)
        serving.check_answers(port, 5)
        first = held[0]
        first.sendall(b"x" * (SIZE - SIZE // 2 - 1000))
        assert b"%d bytes" % SIZE in answer_of(first)
        # A place is free a moment after its answer.
        wait_for(lambda: is_taken(port), what="the next one has the place")


@pytest.mark.system
def test_who_sends_too_slowly_makes_room(tmp_path):
    """Where all places are taken: they could be held for nothing, by anybody."""
    with front(tmp_path, "--workers", "1") as port, ExitStack() as links:
        held = [links.enter_context(connect(port)) for _ in range(OF_ONE)]
        for link in held[1:]:
            link.sendall(HEAD)
        held[0].sendall(HALF)
        let_them_be_read(port)

        assert is_taken(port)
        assert all(b" 408 " in read_all(link) for link in held[1:])
        held[0].sendall(b"x" * (SIZE - SIZE // 2))
        assert b"%d bytes" % SIZE in answer_of(held[0])


@pytest.mark.system
def test_chunked_large_body_needs_a_place_too(tmp_path):
    """It has no length to be judged by: it is judged by what has come."""
    chunked = UPLOAD + b"Transfer-Encoding: chunked\r\n\r\n"
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    with front(tmp_path, "--workers", "1") as port, ExitStack() as links:
        for _ in range(OF_ONE):
            link = links.enter_context(connect(port))
            link.sendall(HALF)
        let_them_be_read(port)
        with connect(port) as link:
            link.sendall(chunked + piece * 30)
            assert b" 503 " in read_all(link)


@pytest.mark.system
def test_behind_a_proxy_it_says_who_sends(tmp_path):
    """What clients write before the proxy's own words is not believed."""

    def head(client: bytes) -> bytes:
        return HEAD[:-2] + b"X-Forwarded-For: 192.0.2.9, " + client + b"\r\n\r\n"

    how = "--workers", "1"
    with front(tmp_path, *how, TRUSTED_PROXIES="1") as port, ExitStack() as links:
        for _ in range(OF_ONE):
            link = links.enter_context(connect(port))
            link.sendall(head(b"192.0.2.1") + b"x" * (SIZE // 2))
        let_them_be_read(port)

        assert not is_taken(port, head(b"192.0.2.1"))
        assert is_taken(port, head(b"192.0.2.2"))


@pytest.mark.system
def test_one_that_waits_has_the_next_place(tmp_path):
    """Of its own address, too: several behind one share it."""
    with front(tmp_path, "--workers", "1") as port, ExitStack() as links:
        held = [links.enter_context(connect(port)) for _ in range(OF_ONE)]
        for link in held:
            link.sendall(HALF)
        let_them_be_read(port)
        next_one = links.enter_context(connect(port))
        next_one.sendall(HEAD)
        let_them_be_read(port)

        held[0].sendall(b"x" * (SIZE - SIZE // 2))
        assert b"%d bytes" % SIZE in answer_of(held[0])

        next_one.sendall(b"x" * SIZE)
        assert b"%d bytes" % SIZE in answer_of(next_one)
