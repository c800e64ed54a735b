"""
Connections that record from which moment a request may have been received.

They also enforce timeouts of the whole call, on each read and on sending.
"""

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from errno import EMSGSIZE
from functools import lru_cache
from http.client import HTTPResponse
from ssl import SSLContext

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

AROUND = 1024 * 1024  # bytes of an answer that are not its body: head and framing
POOL_SIZE = 64  # idle connections that are kept
# A body beyond this is sent piece by piece, and has time of its own for that: urllib3
# would have all of it sent within the seconds for connecting.
PIECE = 64 * 1024  # bytes
SLOWEST = 100_000  # bytes a second that a line must carry
SENDING = 10.0  # seconds beyond that, and for any one piece
# What a slow line has not carried yet, when the wait for the answer begins. The system
# would take in megabytes.
UNDERWAY = 64 * 1024  # bytes

# Host and port -> the addresses that may be connected to, in this order.
Resolve = Callable[[str, int], Sequence[str]]


class Call:
    """
    The call that this thread is making, for the connections.

    Attributes:
        resolve: Resolves the host name instead of the system.
        patience: Seconds that a piece of a large body may take.
        sent: Whether the server may have received something to act upon.
    """

    def __init__(
        self, limit: float, resolve: Resolve | None, cap: int, body: bytes | None
    ) -> None:
        self._limit = limit
        self._left = cap + AROUND
        self._body = body if sending_time(len(body or b"")) else None  # a large one
        self.resolve = resolve
        self.patience = SENDING if self._body else None
        self.sent = False
        self._headed = False
        self._begin(limit)

    def _begin(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """
        Return the seconds left.

        Raises:
            TimeoutError: there are none.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for the whole call is over")
        return left

    def pieces(self, data: bytes) -> Iterator[bytes | memoryview]:
        """
        What of *data* is to be sent one after the other; `sent` is noted before each
        that somebody could act upon. A large body has time of its own, and so has the
        answer to it.

        Raises:
            TimeoutError: the time is over, before *sent* is noted.
        """
        self.remaining()
        if data is not self._body:
            # The head of a large body, which comes first, orders nothing yet.
            self.sent = self._body is None or self._headed
            self._headed = True
            yield data
            return
        self._begin(sending_time(len(data)))
        view = memoryview(data)
        for start in range(0, len(data), PIECE):
            self.remaining()
            self.sent = start + PIECE >= len(data)
            yield view[start : start + PIECE]
        self._begin(self._limit)

    def count(self, received: int) -> None:
        """
        Raises:
            OSError: more has come by now than any answer may have. The body is
                measured elsewhere; this ends lines and chunk heads without end.
        """
        self._left -= received
        if self._left < 0:
            raise OSError(EMSGSIZE, "the answer does not end")


thread = threading.local()


def sending_time(size: int) -> float:
    """Seconds that a body of so many bytes may take to be sent; 0 for a small one."""
    return SENDING + size / SLOWEST if size > PIECE else 0.0


class TimedReader(io.RawIOBase):
    """Reads a socket; a single read waits no longer than the call may last."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase, call: Call) -> None:
        self._sock, self._raw, self._call = sock, raw, call
        self._timeout = sock.gettimeout() or float("inf")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int | None:
        self._sock.settimeout(min(self._timeout, self._call.remaining()))
        received = self._raw.readinto(buffer)
        self._call.count(received or 0)
        return received

    def close(self) -> None:
        self._raw.close()
        super().close()


class TimedResponse(HTTPResponse):
    """
    A read timeout is per packet: against a server that drips its head or its body
    only a limit on every single read helps.
    """

    def __init__(self, sock: socket.socket, *args, **kwargs) -> None:
        super().__init__(sock, *args, **kwargs)
        reader = TimedReader(sock, self.fp.detach(), thread.call)
        self.fp = io.BufferedReader(reader)


class WatchedHTTP(HTTPConnection):
    response_class = TimedResponse

    def _new_conn(self) -> socket.socket:
        resolve = thread.call.resolve
        if resolve is None:
            return super()._new_conn()
        # The address that was checked is the one connected to; the name stays for
        # the Host header, SNI and the certificate.
        name = self._dns_host
        *others, last = resolve(name, self.port)
        try:
            for self._dns_host in others:
                thread.call.remaining()
                with suppress(HTTPError):
                    return super()._new_conn()
            self._dns_host = last
            return super()._new_conn()
        finally:
            self._dns_host = name

    def send(self, data) -> None:
        # A TLS handshake is part of connecting: until it is over, nothing of the
        # request can have arrived.
        if self.sock is None:
            self.connect()
        call = thread.call
        usual = self.sock.gettimeout()
        if call.patience:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNDERWAY)
        for piece in call.pieces(data):
            self.sock.settimeout(min(call.patience or usual, call.remaining()))
            super().send(piece)
        self.sock.settimeout(usual)


class WatchedHTTPS(WatchedHTTP, HTTPSConnection):
    pass


class WatchedHTTPPool(HTTPConnectionPool):
    ConnectionCls = WatchedHTTP


class WatchedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = WatchedHTTPS


@lru_cache(maxsize=8)
def trusting(bundle: str) -> SSLContext:
    """
    What makes TLS connections to whom the authorities in a file know. Made once: to
    read a hundred and more takes as long as half of all else that a picture costs,
    and each submission and each download has a connection of its own.
    """
    context = create_urllib3_context()
    context.load_verify_locations(bundle)
    return context


class WatchedAdapter(HTTPAdapter):
    """
    Used without a `requests.Session`, so there are no cookies, no redirects, and
    neither proxies nor credentials from the environment.
    """

    def __init__(self) -> None:
        super().__init__(max_retries=0, pool_maxsize=POOL_SIZE)

    def cert_verify(self, conn, url, verify, cert) -> None:
        super().cert_verify(conn, url, verify, cert)
        if conn.ca_certs:
            conn.conn_kw["ssl_context"] = trusting(conn.ca_certs)
            conn.ca_certs = None  # they would be read for each connection

    def init_poolmanager(self, *args, **kwargs) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": WatchedHTTPPool,
            "https": WatchedHTTPSPool,
        }
