"""The printed configurations, before the real server: slow clients stay out."""

import time
from contextlib import ExitStack

import pytest

from tests.proxy import PROXIES, before
from tests.serving import answer_of, ask, check_answers, connect, front

pytestmark = pytest.mark.system


@pytest.fixture(scope="module", params=PROXIES)
def ports(request, tmp_path_factory):
    """Of the proxy and of what stands behind it."""
    folder = tmp_path_factory.mktemp(request.param)
    with (
        front(
            tmp_path_factory.mktemp("behind"),
            *("--workers", "1"),
            TRUSTED_PROXIES="1",
        ) as behind,
        before(behind, folder, request.param) as port,
    ):
        yield port, behind


def test_slow_clients_stay_at_the_proxy(ports):
    """Half requests hold up nobody, and do not even reach what is behind."""
    port, behind = ports
    with ExitStack() as links:
        for _ in range(60):
            link = links.enter_context(connect(port))
            link.sendall(
                b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n"
            )

        check_answers(port)
        check_answers(behind)


def test_large_answers_and_bodies_pass(ports):
    """Byte by byte the same as without it."""
    port, behind = ports

    assert ask(port, "/?size=9000000").endswith(b"x" * 9_000_000)
    assert b"900000 bytes" in ask(port, body=b"x" * 900_000)


def test_one_idle_connection_serves_many(ports):
    """None is cut between the proxy and what is behind it, some seconds apart."""
    port, _ = ports
    with connect(port) as link:
        for rest in (0, 3, 6):
            time.sleep(rest)
            link.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b" 200 " in answer_of(link)


def test_events_pass_as_they_happen(ports):
    """Nothing is kept back until there is more."""
    port, behind = ports
    with connect(port) as link:
        link.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        got = b""
        while b"data: first" not in got:
            got += link.recv(4096)
        assert b"data: last" not in got
        ask(behind, "/first-has-come")
        while b"data: last" not in got:
            got += link.recv(4096)


@pytest.mark.parametrize("ports", ["nginx"], indirect=True)
def test_bodies_that_are_too_large_end_at_nginx(ports):
    """Caddy passes them on, and the application refuses them."""
    port, _ = ports
    with connect(port) as link:
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 17000000\r\n\r\n"
        link.sendall(head)

        assert b" 413 " in link.recv(4096).splitlines()[0]
