"""A client's connection, with timeouts and minimum rates for both directions."""

import _socket
import socket
import time
from collections import Counter
from contextlib import suppress

import gevent.socket
from gunicorn.http.errors import LimitRequestHeaders

MAX_HEAD_BYTES = 64 * 1024
HEAD_TIMEOUT_S = 10.0  # from the first byte of a request, or from connecting
BODY_TIMEOUT_S = 60.0  # for the whole request
MIN_BYTES_PER_S = 1024  # of a request, after the first `HEAD_TIMEOUT_S`
PACKET_TIMEOUT_S = 10.0  # from one packet of a request to the next
READ_WINDOW_S = 20.0  # in which a client has to read `MIN_READ_BYTES`
MIN_READ_BYTES = 20 * 1024  # of a response
SEND_BYTES = 256 * 1024  # passed to the system at a time
MAX_BUFFERED_BYTES = 64 * 1024 * 1024  # buffered for all clients of a process
MAX_BUFFERED_BYTES_PER_PEER = 32 * 1024 * 1024  # buffered for one client address
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class ClientTooSlow(TimeoutError):
    """The client sends or reads too slowly."""


def is_followed(data: bytes) -> bool:
    """Whether *data* is the head of a response whose body follows immediately."""
    is_whole = data.startswith(b"HTTP/1.1 2") and data.endswith(b"\r\n\r\n")
    return is_whole and b"\r\nContent-Length: " in data


class ClientSocket(gevent.socket.socket):
    """
    Args:
        accepted: The accepted socket, which must not be used any more.
        peer: The client's address; empty if connections come from a proxy.

    Attributes:
        received: Bytes received of the current request.
        reads_head: Whether the head of the request is being read.
        large_bytes: Length of a large body, which the application reads itself; 0 if
            the body is not large, or its length is unknown.
        awaits_continue: The client waits for "100 Continue" before it sends the body.
    """

    def __init__(
        self, accepted: gevent.socket.socket, peer: str, buffered: "BufferedBytes"
    ) -> None:
        family, kind, proto = accepted.family, accepted.type, accepted.proto
        super().__init__(family, kind, proto, fileno=accepted.detach())
        self.peer = peer
        self._buffered = buffered
        self._head = b""  # of a response, sent together with the start of its body
        self.begin_request()

    def begin_request(self, received: int = 0) -> None:
        """Reset for the next request, of which *received* bytes were already read."""
        self.received = received
        self.reads_head = True
        self.large_bytes = 0
        self.awaits_continue = False
        self._began = time.monotonic()

    def begin_large(self, size: int) -> None:
        """Start the timeout of a large body, which may have waited until now."""
        self.large_bytes = size
        self._began = time.monotonic()

    def await_data(self, seconds: float) -> bool:
        """Wait for a first byte, without consuming it; return whether there is one."""
        self.settimeout(seconds)
        try:
            return bool(super().recv(1, socket.MSG_PEEK))
        except OSError:  # also if another greenlet has shut the socket down
            return False

    def is_silent(self) -> bool:
        """Whether the socket is open and has no unread data."""
        try:
            _socket.socket.recv(self._sock, 1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def recv(self, size: int, flags: int = 0) -> bytes:
        """
        Raises:
            ClientTooSlow: the request does not arrive in time.
            LimitRequestHeaders: the head is too long.
        """
        if self.awaits_continue:
            self.awaits_continue = False
            self.sendall(CONTINUE)
        allowed = HEAD_TIMEOUT_S
        if self.large_bytes:  # it has a permit: fail early if it cannot be in time
            pace = self.received / self.large_bytes
            allowed = max(allowed, BODY_TIMEOUT_S * pace)
        elif not self.reads_head:
            allowed += self.received / MIN_BYTES_PER_S
        remaining = self._began + min(allowed, BODY_TIMEOUT_S) - time.monotonic()
        self.settimeout(max(min(remaining, PACKET_TIMEOUT_S), 0.001))
        try:
            if remaining <= 0:
                raise TimeoutError
            data = super().recv(size, flags)
        except TimeoutError:
            raise ClientTooSlow("a request") from None
        self.received += len(data)
        if self.reads_head and self.received > MAX_HEAD_BYTES:
            raise LimitRequestHeaders("all of them together")
        return data

    def sendall(self, data, flags: int = 0) -> None:
        """
        Raises:
            ClientTooSlow: the client does not read.
        """
        if is_followed(data):
            self._head = data
            return
        rest, self._head = memoryview(self._head + data), b""
        rest = rest[self._offer(rest[:SEND_BYTES]) :]
        if not rest:
            return
        began, read = time.monotonic(), 0
        self.set_buffered(len(rest))
        try:
            while rest:
                remaining = began + READ_WINDOW_S - time.monotonic()
                if remaining <= 0:
                    if read < MIN_READ_BYTES:
                        raise ClientTooSlow("an answer")
                    began, read, remaining = time.monotonic(), 0, READ_WINDOW_S
                self.settimeout(remaining)
                try:
                    sent = super().send(rest[:SEND_BYTES], flags)
                except TimeoutError:
                    continue
                read += sent
                rest = rest[sent:]
        finally:
            self.set_buffered(0)

    def end_answer(self) -> None:
        """Send a head that has no body, such as the response to a HEAD request."""
        if self._head:
            self.sendall(b"")

    def cut_off(self) -> None:
        """Shut the socket down, which ends all waits for it in other greenlets."""
        with suppress(OSError):
            self.shutdown(socket.SHUT_RDWR)

    def set_buffered(self, size: int) -> None:
        """Record that *size* bytes are buffered for this client."""
        self._buffered.change(self, size)

    def _offer(self, data: memoryview) -> int:
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0


class BufferedBytes:
    """
    Bytes buffered in memory for the clients of a process, in both directions. Above a
    limit, the oldest buffering client of the address with the most bytes is cut off.
    """

    def __init__(self) -> None:
        self._sizes: dict[ClientSocket, int] = {}  # oldest first
        self._peers: Counter[str] = Counter()

    def change(self, client: ClientSocket, size: int) -> None:
        self._peers[client.peer] += size - self._sizes.get(client, 0)
        if size:
            self._sizes[client] = size
        else:
            self._sizes.pop(client, None)
        if not self._peers[client.peer]:
            del self._peers[client.peer]
        if not size:
            return
        peer, most = max(self._peers.items(), key=lambda each: each[1])
        is_much = peer and most > MAX_BUFFERED_BYTES_PER_PEER
        if is_much or self._peers.total() > MAX_BUFFERED_BYTES:
            next(each for each in self._sizes if each.peer == peer).cut_off()
