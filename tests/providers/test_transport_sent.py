"""Whether a failed call was sent, against servers that fail at every point."""

import contextlib
import socket

import pytest
import requests.adapters

from jimeng.providers.transport import AnswerLost, Unsent, trusting
from tests.certificates import make_authority


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
