"""A call over HTTP: answered, slow, large, or failed at any point, sent or not."""

import contextlib
import gzip
import socket
import threading
import time

import pytest
import requests.adapters

from jimeng.providers import transport as connections
from jimeng.providers.transport import (
    PIECE,
    UNDERWAY,
    AnswerLost,
    Unsent,
    sending_time,
    trusting,
)
from tests.certificates import make_authority


def test_answer_is_whole(post, answering, answer_with):
    """Status, headers and body come back, whatever the status is."""
    server = answering(answer_with(429, b"busy", "X-Id: 7"))

    answer = post(server.url)

    assert (answer.status, answer.headers["x-id"], answer.body) == (429, "7", b"busy")


def test_compressed_answer_is_decoded(post, answering, answer_with):
    """A content encoding that nobody asked for is undone."""
    body = gzip.compress(b"picture" * 100)
    server = answering(answer_with(200, body, "Content-Encoding: gzip"))

    assert post(server.url).body == b"picture" * 100


@pytest.mark.parametrize("encoding", ["plain", "gzip"])
def test_answer_over_the_cap_counts_as_sent(post, answering, answer_with, encoding):
    """Too large an answer is dropped; small on the way and large in memory, too."""
    body, headers = bytes(100_000), ()
    if encoding == "gzip":
        body, headers = gzip.compress(body), ("Content-Encoding: gzip",)
    server = answering(answer_with(200, body, *headers))

    with pytest.raises(AnswerLost, match="larger than 50000 bytes"):
        post(server.url, cap=50_000)


def test_redirect_is_not_followed(post, answering, answer_with):
    """A signed request goes where it was meant to, and nowhere else."""
    server = answering(answer_with(307, b"", "Location: /elsewhere"))

    assert post(server.url).status == 307
    assert len(server.requests) == 1


def test_environment_has_no_say(post, answering, answer_with, monkeypatch):
    """A proxy in the environment is not used: it would see the signed request."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = answering(answer_with(200, b"direct"))

    assert post(server.url).body == b"direct"


def test_fresh_calls_share_no_connection(post, answering, answer_with):
    """Each gets its own, and leaves none behind for the next."""
    server = answering(answer_with(200, b"1"))

    post(server.url)
    post(server.url)

    assert server.connections == 2
    assert b"Connection: close" in server.requests[0]


def test_pooled_calls_share_a_connection(post, answering, answer_with):
    """Polls do not pay for a handshake each."""
    server = answering(answer_with(200, b"1"))

    post(server.url, fresh=False)
    post(server.url, fresh=False)

    assert server.connections == 1


def test_threads_do_not_see_each_other(post, serve, reset_connection):
    """What one thread sent does not make another's refused call look sent."""
    arrived, leave = threading.Event(), threading.Event()

    def behave(connection):
        server.read_request(connection)
        arrived.set()
        leave.wait(60)
        reset_connection(connection)

    server = serve(behave)
    kinds = []

    def send():
        with pytest.raises(AnswerLost) as caught:
            post(server.url, timeout=(1, 5))
        kinds.append(caught.type)

    thread = threading.Thread(target=send)
    thread.start()
    assert arrived.wait(60)
    with pytest.raises(Unsent):
        post("http://127.0.0.1:1")
    leave.set()
    thread.join(60)

    assert kinds == [AnswerLost]


def test_messages_do_not_quote_the_url(post):
    """A link's query may be a signature, and messages are logged."""
    with pytest.raises(Unsent) as caught:
        post("http://127.0.0.1:1/picture?x-signature=abc")

    assert "abc" not in str(caught.value)
    assert "abc" not in str(caught.value.__cause__)


QUICK = (0.3, 0.3)  # seconds to connect, to wait for a packet
LARGE = bytes(range(256)) * 8192  # 2 MiB


@pytest.fixture
def hand_in(transport):
    """Send a large body."""

    def hand_in(url, **options):
        options = {"timeout": QUICK, "fresh": True, "body": LARGE, **options}
        return transport.call("POST", url, **options)

    return hand_in


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


def test_slow_line_has_time_to_carry_it(hand_in, serve, answer_with):
    """It takes three times as long as connecting may, and arrives byte by byte."""
    got = []

    def behave(connection):
        got.append(slowly(connection, whole(connection), pause=0.12))
        connection.sendall(answer_with(200, b"yes"))

    server = serve(behave)
    started = time.monotonic()

    answer = hand_in(server.url, limit=5, timeout=(0.3, 3))

    assert answer.body == b"yes"
    assert time.monotonic() - started > 3 * QUICK[0]
    assert got[0].endswith(b"\r\n\r\n" + LARGE)


def test_wait_for_the_answer_begins_when_it_has_been_carried(
    hand_in, serve, answer_with
):
    """What the system has taken in, and the line has not, is less than a wait."""
    server = serve(lambda connection: connection.recv(1) and server.over.wait(5))
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
            hand_in(server.url)

    # The other side of a loopback has its own buffers beside this one's.
    assert sum(sent) < len(LARGE)
    assert max(sent) <= PIECE
    assert UNDERWAY * 2 / connections.SLOWEST < 3


def test_line_that_is_too_slow_did_not_send(hand_in, serve, monkeypatch):
    """The last piece never went: a body that is cut short orders nothing."""
    monkeypatch.setattr(connections, "SENDING", 0.2)
    monkeypatch.setattr(connections, "SLOWEST", 10**7)
    server = serve(lambda connection: server.over.wait(30))

    with pytest.raises(Unsent, match="Timeout"):
        hand_in(server.url, limit=60)


def test_reset_on_the_way_did_not_send(hand_in, serve, reset_connection):
    """Half of it arrived, and half of it is no request."""

    def behave(connection):
        slowly(connection, len(LARGE) // 2, pause=0)
        reset_connection(connection)

    with pytest.raises(Unsent):
        hand_in(serve(behave).url)


def test_refusal_on_the_way_is_the_answer(hand_in, serve, answer_with):
    """A service that has seen enough says so before the end, and is heard."""

    def behave(connection):
        slowly(connection, len(LARGE) // 2, pause=0)
        connection.sendall(answer_with(413, b"too large"))
        connection.shutdown(socket.SHUT_WR)
        server.over.wait(0.5)

    server = serve(behave)

    assert hand_in(server.url, limit=2).status == 413


def test_reset_after_the_whole_counts_as_sent(hand_in, serve, reset_connection):
    """The last piece arrived, and so may an order."""

    def behave(connection):
        slowly(connection, whole(connection), pause=0)
        reset_connection(connection)

    with pytest.raises(AnswerLost):
        hand_in(serve(behave).url)


def test_no_answer_to_a_large_one_counts_as_sent(hand_in, serve):
    """All of it arrived and nothing came back within the read timeout."""

    def behave(connection):
        slowly(connection, whole(connection), pause=0)
        server.over.wait(5)

    server = serve(behave)

    with pytest.raises(AnswerLost, match="Timeout"):
        hand_in(server.url)


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


def test_refused_port_is_not_sent(post):
    """Nobody listens: nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(Unsent, match="Connection refused"):
        post(f"http://127.0.0.1:{port}")


def test_unknown_host_is_not_sent(post, monkeypatch):
    """A name without an address: nothing was sent."""

    def nowhere(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)

    with pytest.raises(Unsent, match="gaierror"):
        post("http://provider.invalid")


def test_key_that_no_header_can_hold_is_not_sent(post, answering, answer_with):
    """A head that cannot be encoded, as of a key with a letter of another script."""
    server = answering(answer_with(200, b"{}"))

    with pytest.raises(Unsent, match="UnicodeEncodeError"):
        post(server.url, headers={"Authorization": "Bearer 密钥"})


def test_connect_timeout_is_not_sent(post):
    """A host that never completes the connection: nothing was sent."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):  # more than the queue of a listener that never accepts
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())

        with pytest.raises(Unsent, match="Timeout"):
            post(f"http://127.0.0.1:{listener.getsockname()[1]}")


def test_reset_before_reading_counts_as_sent(post, serve, reset_connection):
    """Reset unread: the request was on its way, so nobody knows."""

    def behave(connection):
        connection.recv(1, socket.MSG_PEEK)  # it is there, and nobody reads it
        reset_connection(connection)

    server = serve(behave)

    with pytest.raises(AnswerLost):
        post(server.url)


def test_reset_in_the_handshake_is_not_sent(post, serve, reset_connection):
    """TLS broken off before its end: the request had not begun."""

    def behave(connection):
        connection.recv(1024)
        reset_connection(connection)

    server = serve(behave)

    with pytest.raises(Unsent, match="Reset"):
        post(f"https://127.0.0.1:{server.port}")


def test_handshake_without_answer_is_not_sent(post, serve):
    """TLS that is never answered: the request had not begun."""
    server = serve(lambda connection: server.over.wait(5))

    with pytest.raises(Unsent, match="Timeout"):
        post(f"https://127.0.0.1:{server.port}")


def test_untrusted_certificate_is_not_sent(post, serve, tls, monkeypatch):
    """A server that is not who it says gets nothing of the request."""
    monkeypatch.undo()

    def behave(connection):
        with tls.wrap_socket(connection, server_side=True) as secured:
            server.read_request(secured)

    server = serve(behave)

    with pytest.raises(Unsent, match="SSL"):
        post(f"https://127.0.0.1:{server.port}")
    assert server.requests == []


def test_reset_after_the_request_over_tls_counts_as_sent(post, serve, tls):
    """TLS was up and the request arrived: it may have been carried out."""

    def behave(connection):
        with tls.wrap_socket(connection, server_side=True) as secured:
            server.read_request(secured)

    server = serve(behave)

    with pytest.raises(AnswerLost):
        post(f"https://127.0.0.1:{server.port}")
    assert len(server.requests) == 1


def test_answer_over_tls(post, serve, tls, answer_with):
    """A trusted server is asked and heard over TLS; whom to trust is read once."""
    read = trusting.cache_info().misses

    def behave(connection):
        with tls.wrap_socket(connection, server_side=True) as secured:
            server.read_request(secured)
            secured.sendall(answer_with(200, b"yes"))

    server = serve(behave)

    bodies = [post(f"https://127.0.0.1:{server.port}").body for _ in range(3)]

    assert bodies == [b"yes"] * 3
    assert trusting.cache_info().misses == read + 1


def test_reset_after_the_request_counts_as_sent(post, serve, reset_connection):
    """The request arrived and the answer was lost."""

    def behave(connection):
        server.read_request(connection)
        reset_connection(connection)

    server = serve(behave)

    with pytest.raises(AnswerLost):
        post(server.url)
    assert len(server.requests) == 1


def test_no_answer_in_time_counts_as_sent(post, serve):
    """The request arrived and nothing came back within the read timeout."""

    def behave(connection):
        server.read_request(connection)
        server.over.wait(5)

    server = serve(behave)

    with pytest.raises(AnswerLost, match="Timeout"):
        post(server.url)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.",
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=["body", "chunk", "status", "garbage", "encoding"],
)
def test_broken_answer_counts_as_sent(post, serve, answer):
    """An answer that breaks off or cannot be read is no answer."""

    def behave(connection):
        server.read_request(connection)
        connection.sendall(answer)

    server = serve(behave)

    with pytest.raises(AnswerLost):
        post(server.url)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["head", "body", "chunks"],
)
def test_dripping_answer_ends_at_the_limit(post, serve, head):
    """No packet is late, yet the call ends when its time is over."""

    def behave(connection):
        server.read_request(connection)
        connection.sendall(head)
        for _ in range(500):  # which would end without the rest, and in no timeout
            if server.over.wait(0.02):
                return
            connection.sendall(b"1")

    server = serve(behave)

    with pytest.raises(AnswerLost, match="Timeout"):
        post(server.url, limit=0.4)


def test_time_over_while_connecting_is_not_sent(post, serve):
    """Once connecting has used up the time, the request is not begun any more."""
    server = serve(lambda connection: server.read_request(connection))

    with pytest.raises(Unsent):
        post(server.url, limit=0)
    assert server.requests == []
