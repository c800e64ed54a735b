"""A large body: how long it may take to be sent, and when it counts as sent."""

import socket
import time

import pytest

from jimeng.providers import transport as connections
from jimeng.providers.transport import PIECE, UNDERWAY, AnswerLost, Unsent, sending_time

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
