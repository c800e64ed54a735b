"""
Clients that send or read slowly hold up nobody but themselves. They are not cut off:
that is for a proxy to do, see ``docs/deployment.md``.
"""

import socket
import time
from contextlib import ExitStack

import pytest

from tests.serving import (
    answer_of,
    check_answers,
    connect,
    front,
    read_all,
)

pytestmark = pytest.mark.system
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
EXPECTING = HEAD + b"Expect: 100-continue\r\n"
LARGE = b"".join(b"X-%d: %s\r\n" % (n, b"a" * 8000) for n in range(110))
MANY = 60  # connections
BIG = 6_000_000  # bytes; more than the system takes at once


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with front(tmp_path_factory.mktemp("front"), "--log-level", "warning") as found:
        yield found


@pytest.fixture
def begin():
    """Connects, and sends that much; the connection is closed in the end."""
    with ExitStack() as links:

        def begin(port: int, data: bytes, **how: int) -> socket.socket:
            link = links.enter_context(connect(port, **how))
            link.sendall(data)
            return link

        yield begin


SLOW = {
    "nothing": b"",
    "half a head": HEAD,
    "half a body": HEAD + b"Content-Length: 900\r\n\r\n" + b"x" * 100,
    "half a chunk": CHUNKED + b"ff\r\nxxx",
    "a head after another": HEAD + b"Content-Length: 0\r\n\r\n" + HEAD,
}


LENGTHS = {
    "length": HEAD + b"Content-Length: %d\r\n\r\n" % 10**20,
    "chunk": CHUNKED + b"ffffffff\r\nx",
    "longer chunk": CHUNKED + b"fffffffff\r\nx",
    "chunk with zeros": CHUNKED + b"0000000005\r\nx",
    "line of a chunk": CHUNKED + b"ff;%s\r\nx" % (b"a" * 8187),
}
HALVES = SLOW | LENGTHS


@pytest.mark.parametrize("said", HALVES.values(), ids=HALVES)
def test_half_a_request_holds_up_nobody(begin, port, said):
    """Others are answered while these are waited for, however long they are to be."""
    for _ in range(3 * MANY):
        begin(port, said)

    check_answers(port)


def test_who_does_not_read_holds_up_nobody(begin, port):
    """What was answered is held until it is read."""
    large = b"GET /?size=3000000 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for _ in range(MANY):
        begin(port, large, receive=4096)

    check_answers(port)


def test_who_reads_slowly_gets_all_of_it(begin, port):
    """In pieces, over some seconds, every byte and no other."""
    wanted = b"GET /?size=%d HTTP/1.1\r\nHost: localhost\r\n" % BIG
    with begin(port, wanted + b"Connection: close\r\n\r\n", receive=8192) as link:
        got = b""
        while data := link.recv(300_000):
            got += data
            time.sleep(0.005)

    head, _, body = got.partition(b"\r\n\r\n")
    assert b" 200 " in head
    assert body == b"x" * BIG


def test_a_connection_stays_for_longer_than_clients_keep_it(begin, port):
    """And holds up nobody."""
    request = HEAD + b"Content-Length: 0\r\n\r\n"
    links = [begin(port, request) for _ in range(MANY)]
    for link in links:
        assert b" 200 " in answer_of(link)

    time.sleep(6)  # beyond what servers commonly wait

    for link in links:
        link.sendall(request)
        assert b" 200 " in answer_of(link)


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b"Content-Length: 5\r\n\r\nhello",
        HEAD + b"content-length:5 \r\n\r\nhello",
        CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
        CHUNKED + b"2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        CHUNKED + b"5\r\nhello\r\n0\r\nA: b\r\n\r\n",
        EXPECTING + b"Content-Length: 5\r\n\r\nhello",
    ],
)
@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_requests_arrive_whole_however_they_are_cut(port, said, piece):
    """Byte by byte or at once, the application reads the same body, twice."""
    with connect(port) as link:
        for _ in range(2):
            for at in range(0, len(said), piece):
                link.sendall(said[at : at + piece])
            got = answer_of(link)
            assert b" 200 " in got and got.endswith(b"5 bytes")


def test_who_awaits_leave_gets_it_once(begin, port):
    """`Expect: 100-continue` is answered before the body comes."""
    with begin(port, EXPECTING + b"Content-Length: 2\r\n\r\n") as link:
        assert link.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        link.sendall(b"hi")
        assert answer_of(link).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"GET /" + b"a" * 9000, b" 414 "),
        (HEAD + LARGE, b" 431 "),
        (CHUNKED + b"hello\r\n", b" 400 "),
        (b"nonsense\r\n\r\n", b" 400 "),
    ],
)
def test_what_cannot_be_a_request_is_refused_at_once(begin, port, said, status):
    """Without waiting for an end that need not come."""
    with begin(port, said) as link:
        assert status in read_all(link)


def test_many_requests_in_one_go_are_answered_in_order(begin, port):
    """A client need not wait for answers before it asks on."""
    bodies = [b"x" * n for n in range(30)]
    requests = [HEAD + b"Content-Length: %d\r\n\r\n" % len(b) + b for b in bodies]
    with begin(port, b"".join(requests)) as link:
        got = b""
        while b"29 bytes" not in got:
            got += link.recv(65_536)

    said = [line for line in got.split(b"\r\n") if line.endswith(b" bytes")]
    assert len(said) <= 30 and got.count(b" 200 ") == 30
