"""A call over HTTP: answered, slow, large, or failed at any point, sent or not."""

import gzip
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests.adapters
from replies import http, reset

from jimeng.providers import transport as connections
from jimeng.providers.transport import (
    PIECE,
    UNDERWAY,
    AnswerLost,
    Call,
    Unsent,
    sending_time,
    trusting,
)
from tests.certificates import make_authority
from tests.each import for_each

# Seconds to connect, to wait for a packet.
PATIENT, QUICK = (60.0, 60.0), (0.3, 0.3)


@pytest.fixture
def post(transport):
    """Send a small request, in no hurry but for what a test says."""

    def post(url, *, body=b"{}", timeout=PATIENT, limit=120.0, fresh=True, **options):
        how = {"timeout": timeout, "limit": limit, "fresh": fresh, **options}
        return transport.call("POST", url, body=body, **how)

    return post


def test_answer_is_whole(post, answering, monkeypatch):
    """
    A signed request goes where it was meant to: neither to a proxy of the environment
    nor where a redirect leads. Fresh calls share no connection; polls do, and do not
    pay for a handshake each.
    """
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    packed = gzip.compress(b"picture" * 100)
    server = answering(
        http(429, b"busy", "X-Id: 7"),
        http(200, packed, "Content-Encoding: gzip"),
        http(307, b"", "Location: /elsewhere"),
        http(200, b"1"),
    )

    busy, decoded, moved = (post(server.url) for _ in range(3))

    assert (busy.status, busy.headers["x-id"], busy.body) == (429, "7", b"busy")
    assert decoded.body == b"picture" * 100
    assert moved.status == 307
    assert (len(server.requests), server.connections) == (3, 3)
    assert b"Connection: close" in server.requests[0]
    for _ in range(2):
        post(server.url, fresh=False)
    assert server.connections == 4


@pytest.mark.parametrize("encoding", ["plain", "gzip"])
def test_answer_over_the_cap_counts_as_sent(post, answering, encoding):
    body, headers = bytes(100_000), ()
    if encoding == "gzip":
        body, headers = gzip.compress(body), ("Content-Encoding: gzip",)
    server = answering(http(200, body, *headers))

    with pytest.raises(AnswerLost, match="larger than 50000 bytes"):
        post(server.url, cap=50_000)


def test_threads_do_not_see_each_other(post, serve):
    """What one thread sent does not make another's refused call look sent."""
    arrived, leave = threading.Event(), threading.Event()

    def behave(connection):
        server.read_request(connection)
        arrived.set()
        leave.wait(60)
        reset(connection)

    server = serve(behave)
    with ThreadPoolExecutor() as threads:
        other = threads.submit(post, server.url)
        assert arrived.wait(60)
        with pytest.raises(Unsent):
            post("http://127.0.0.1:1")
        leave.set()

        with pytest.raises(AnswerLost):
            other.result()


LARGE = bytes(range(256)) * 8192  # 2 MiB


def slowly(connection: socket.socket, wanted: int, pause: float) -> bytes:
    """Read *wanted* bytes with a *pause* before each 256 kB."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    data = b""
    while len(data) < wanted:
        time.sleep(pause)
        want = min(256 * 1024, wanted - len(data))
        while want and (packet := connection.recv(want)):
            data, want = data + packet, want - len(packet)
        if want:
            break
    return data


def whole(connection: socket.socket) -> int:
    """Bytes of head and body together, told by the head."""
    head = b""
    while b"\r\n\r\n" not in head:
        head = connection.recv(65536, socket.MSG_PEEK)
    return head.index(b"\r\n\r\n") + 4 + len(LARGE)


def test_slow_line_has_time_to_carry_it(post, serve):
    """It takes three times as long as connecting may, and arrives byte by byte."""
    got = []

    def behave(connection):
        got.append(slowly(connection, whole(connection), pause=0.12))
        connection.sendall(http(200, b"yes"))

    server = serve(behave)
    started = time.monotonic()

    answer = post(server.url, body=LARGE, timeout=(QUICK[0], 60.0))

    assert answer.body == b"yes"
    assert time.monotonic() - started > 3 * QUICK[0]
    assert got[0].endswith(b"\r\n\r\n" + LARGE)


def test_wait_for_the_answer_begins_when_it_has_been_carried(post, serve):
    """What the system has taken in, and the line has not, is less than a wait."""
    server = serve(lambda connection: connection.recv(1) and server.over.wait(60))
    sent = []
    original = socket.socket.sendall

    def counting(sock, data, *flags):
        original(sock, data, *flags)
        sent.append(len(data))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "sendall", counting)
        patch.setattr(connections, "SENDING", 0.3)
        patch.setattr(connections, "SLOWEST", 10**9)
        with pytest.raises(Unsent, match="Timeout"):
            post(server.url, body=LARGE)

    # The other side of a loopback has its own buffers beside this one's.
    assert sum(sent) < len(LARGE)
    assert max(sent) <= PIECE
    assert UNDERWAY * 2 / connections.SLOWEST < 3


def test_refusal_on_the_way_is_the_answer(post, serve):
    """A service that has seen enough says so before the end, and is heard."""

    def behave(connection):
        slowly(connection, len(LARGE) // 2, pause=0)
        connection.sendall(http(413, b"too large"))
        connection.shutdown(socket.SHUT_WR)
        server.over.wait(0.5)

    server = serve(behave)

    assert post(server.url, body=LARGE).status == 413


@for_each(
    ("is_whole", "is_reset", "error", "words"),
    [
        (False, True, Unsent, None),
        (True, True, AnswerLost, None),
        (True, False, AnswerLost, "Timeout"),
    ],
)
def test_only_the_last_piece_orders(
    post, serve, monkeypatch, is_whole, is_reset, error, words
):
    """Half of it is no request; after the whole, nobody knows what became of it."""
    begin = Call._begin

    def behave(connection):
        wanted = whole(connection) if is_whole else len(LARGE) // 2
        slowly(connection, wanted, pause=0)
        if is_reset:
            reset(connection)
        server.over.wait(20)  # and hangs up, long before the time for sending is over

    server = serve(behave)
    with monkeypatch.context() as patch, pytest.raises(error, match=words):
        # Once all is sent, the answer ends at the limit.
        patch.setattr(
            Call, "_begin", lambda call, s: begin(call, 0.5 if call.sent else s)
        )
        post(server.url, body=LARGE)


def test_time_for_sending():
    """12 MiB of pictures, in base64, on a line of one megabit and a half."""
    assert sending_time(PIECE) == 0
    assert sending_time(16 * 1024 * 1024) == pytest.approx(10 + 168, abs=1)


@pytest.fixture
def tls(tmp_path, monkeypatch):
    """A server's TLS context for 127.0.0.1, which clients of this test trust."""
    made = make_authority(tmp_path)
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", made.bundle)
    return made.server_side()


@pytest.fixture
def secured(serve, tls):
    """Start a server that reads a request over TLS, and gives *answer* to it."""

    def start(answer=b""):
        def behave(connection):
            with tls.wrap_socket(connection, server_side=True) as secured:
                server.read_request(secured)
                secured.sendall(answer)

        server = serve(behave)
        return server

    return start


def test_refused_port_is_not_sent(post):
    """Messages are logged, and do not quote a link, whose query may be a signature."""
    with pytest.raises(Unsent, match="Connection refused") as caught:
        post("http://127.0.0.1:1/picture?x-signature=abc")

    assert "abc" not in f"{caught.value} {caught.value.__cause__}"


def test_key_that_no_header_can_hold_is_not_sent(post, answering):
    """A head that cannot be encoded, as of a key with a letter of another script."""
    server = answering(http(200, b"{}"))

    with pytest.raises(Unsent, match="UnicodeEncodeError"):
        post(server.url, headers={"Authorization": "Bearer 密钥"})


def test_reset_before_reading_counts_as_sent(post, serve):
    """Reset unread: the request was on its way, so nobody knows."""

    def behave(connection):
        connection.recv(1, socket.MSG_PEEK)  # it is there, and nobody reads it
        reset(connection)

    server = serve(behave)

    with pytest.raises(AnswerLost):
        post(server.url)


@for_each(("words", "timeout"), [("Reset", PATIENT), ("Timeout", QUICK)])
def test_handshake_that_fails_is_not_sent(post, serve, words, timeout):
    def behave(connection):
        connection.recv(1024)
        if words == "Reset":
            reset(connection)
        server.over.wait(60)

    server = serve(behave)

    with pytest.raises(Unsent, match=words):
        post(f"https://127.0.0.1:{server.port}", timeout=timeout)


def test_untrusted_certificate_is_not_sent(post, secured, monkeypatch):
    """A server that is not who it says gets nothing of the request."""
    monkeypatch.undo()
    server = secured()

    with pytest.raises(Unsent, match="SSL"):
        post(f"https://127.0.0.1:{server.port}")
    assert server.requests == []


def test_reset_after_the_request_over_tls_counts_as_sent(post, secured):
    """TLS was up and the request arrived: it may have been carried out."""
    server = secured()

    with pytest.raises(AnswerLost):
        post(f"https://127.0.0.1:{server.port}")
    assert len(server.requests) == 1


def test_answer_over_tls(post, secured):
    """A trusted server is asked and heard over TLS; whom to trust is read once."""
    read = trusting.cache_info().misses
    server = secured(http(200, b"yes"))

    bodies = [post(f"https://127.0.0.1:{server.port}").body for _ in range(3)]

    assert bodies == [b"yes"] * 3
    assert trusting.cache_info().misses == read + 1


def test_no_answer_in_time_counts_as_sent(post, serve):
    def behave(connection):
        server.read_request(connection)
        server.over.wait(60)

    server = serve(behave)

    with pytest.raises(AnswerLost, match="Timeout"):
        post(server.url, timeout=(60.0, 0.3))


@for_each(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.",
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
def test_broken_answer_counts_as_sent(post, answers, answer):
    server = answers(answer)

    with pytest.raises(AnswerLost):
        post(server.url)
    assert len(server.requests) == 1


def test_time_over_while_connecting_is_not_sent(post, serve):
    server = serve(lambda connection: server.read_request(connection))

    with pytest.raises(Unsent):
        post(server.url, limit=0)
