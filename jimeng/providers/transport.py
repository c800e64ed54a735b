"""
One HTTP call, over connections that record whether the request may have been received.

The class of an exception does not show that: in `requests` a reset during the TLS
handshake is the same exception as a response lost after the request arrived. So the
connections record the moment before they send anything that the server could act upon.
They also limit the duration of the whole call and of each read, and the size of the
response.
"""

import base64
import io
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import EMSGSIZE
from functools import lru_cache
from http.client import HTTPResponse
from ssl import SSLContext

from requests import Request, RequestException, Response
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from jimeng.config.version import VERSION
from jimeng.errors import JimengError

AROUND = 1024 * 1024  # bytes of a response besides its body: head and framing
POOL_SIZE = 64  # idle connections that stay open
# A larger body is sent in pieces of this size, with a timeout of its own: urllib3
# would apply the connect timeout to sending all of it.
PIECE = 64 * 1024  # bytes
SLOWEST = 100_000  # bytes per second: the minimum bandwidth
SENDING = 10.0  # seconds in addition, and for any one piece
# Bytes of the send buffer: on a slow connection up to this much is still unsent when
# the wait for the response begins. The system's own buffer may contain megabytes.
UNDERWAY = 64 * 1024  # bytes

# Host and port -> the addresses to connect to, in this order.
Resolve = Callable[[str, int], Sequence[str]]


class Call:
    """
    The current call of this thread, as the connections see it.

    Attributes:
        resolve: Resolves the host name in place of the system.
        piece_timeout_s: Timeout in seconds for one piece of a large body.
        sent: Whether the server may have received something it could act upon.
    """

    def __init__(
        self, limit: float, resolve: Resolve | None, cap: int, body: bytes | None
    ) -> None:
        self._limit = limit
        self._remaining_bytes = cap + AROUND
        self._body = body if sending_time(len(body or b"")) else None  # a large one
        self.resolve = resolve
        self.piece_timeout_s = SENDING if self._body else None
        self.sent = False
        self._headed = False
        self._begin(limit)

    def _begin(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """
        Return the remaining time in seconds.

        Raises:
            TimeoutError: no time remains.
        """
        remaining_s = self._end - time.monotonic()
        if remaining_s <= 0:
            raise TimeoutError("the time for the whole call is over")
        return remaining_s

    def pieces(self, data: bytes) -> Iterator[bytes | memoryview]:
        """
        Yield the pieces of *data* to send one after the other, and set `sent` before
        each that the server could act upon. A large body has a timeout of its own,
        after which the timeout for the response starts anew.

        Raises:
            TimeoutError: no time remains; *sent* has not been set for this piece.
        """
        self.remaining()
        if data is not self._body:
            # The head precedes a large body; alone it is not yet a request.
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
            OSError: more was received than any valid response contains. The body is
                measured elsewhere; this stops endless header lines and chunk heads.
        """
        self._remaining_bytes -= received
        if self._remaining_bytes < 0:
            raise OSError(EMSGSIZE, "the answer does not end")


thread = threading.local()


def sending_time(size: int) -> float:
    """Return the timeout in seconds for sending a body; 0 if it is a small one."""
    return SENDING + size / SLOWEST if size > PIECE else 0.0


class TimedReader(io.RawIOBase):
    """Read a socket; no single read lasts beyond the end of the call."""

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
    Limit every single read. A read timeout applies to each packet, which does not help
    against a server that sends its head or body byte by byte.
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
        # Connect to the address that was checked; the name is still used for the Host
        # header, SNI and the certificate.
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
        # The TLS handshake is part of connecting: before its end, no part of the
        # request can have arrived.
        if self.sock is None:
            self.connect()
        call = thread.call
        usual = self.sock.gettimeout()
        if call.piece_timeout_s:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNDERWAY)
        for piece in call.pieces(data):
            self.sock.settimeout(min(call.piece_timeout_s or usual, call.remaining()))
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
    Return the TLS context for a CA bundle, cached: loading over a hundred certificates
    takes half as long as all other work for a picture, and each submission and each
    download has a connection of its own.
    """
    context = create_urllib3_context()
    context.load_verify_locations(bundle)
    return context


class WatchedAdapter(HTTPAdapter):
    """
    Used without a `requests.Session`, so there are no cookies, redirects, proxies or
    credentials from the environment.
    """

    def __init__(self) -> None:
        super().__init__(max_retries=0, pool_maxsize=POOL_SIZE)

    def cert_verify(self, conn, url, verify, cert) -> None:
        super().cert_verify(conn, url, verify, cert)
        if conn.ca_certs:
            conn.conn_kw["ssl_context"] = trusting(conn.ca_certs)
            conn.ca_certs = None  # otherwise loaded for each connection

    def init_poolmanager(self, *args, **kwargs) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": WatchedHTTPPool,
            "https": WatchedHTTPSPool,
        }


PLAIN = 1024 * 1024  # bytes of a response without a picture
CAP = 64 * 1024 * 1024  # bytes of a response that is or may contain a picture
CHUNK = 64 * 1024  # bytes
MAX_TEXT = 300  # characters of a service's text that a message quotes
# Maximum JSON tokens of a response larger than `PLAIN`: a picture is one long string.
# A response of nothing but brackets takes forty times its size as objects.
MAX_PARTS = 10_000


class CallFailed(JimengError):
    """
    A call without a complete response.

    Attributes:
        sent: Whether the server may have received something it could act upon: any
            part of the request or, for a body sent in pieces, the last piece.
    """

    code = "provider_unreachable"
    status = 502
    sent: bool


class Unsent(CallFailed):
    """
    No connection was established, or it ended before the last piece of a large body was
    sent: a body shorter than its Content-Length is not a valid request.
    """

    sent = False


class AnswerLost(CallFailed):
    """The request was sent, but its result is unknown."""

    sent = True


@dataclass(frozen=True)
class Answer:
    """
    Attributes:
        headers: Case-insensitive.
        body: After decoding the content encoding.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Send HTTP requests; thread-safe."""

    def __init__(self) -> None:
        self._pooled = WatchedAdapter()

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        auth: AuthBase | None = None,
        timeout: tuple[float, float] = (3.0, 10.0),
        limit: float = 15.0,
        cap: int = PLAIN,
        fresh: bool = False,
        resolve: Resolve | None = None,
        cut: bool = False,
    ) -> Answer:
        """
        Send one request, once, and read the whole response, whatever its status.

        Args:
            body: If large, sending it has a timeout of its own, `sending_time`.
            timeout: Seconds to connect and to send a piece, and to wait for each
                packet.
            limit: Seconds for everything else. Only a slow name lookup can exceed it,
                and then nothing is sent.
            cap: Maximum bytes of the response body.
            fresh: Use a new connection. The server may close a pooled one just as the
                request arrives, which looks like an accepted request.
            resolve: Resolves the host in place of the system. It may refuse the host
                with an error of its own, which passes through.
            cut: Truncate a body at *cap* instead of failing.

        Raises:
            Unsent: nothing was sent that the server could act upon.
            AnswerLost: something was, and no complete response was received.
        """
        call = Call(limit, resolve, cap, body)
        request = Request(method, url, headers=headers or {}, data=body, auth=auth)
        with self.response(request, call, timeout=timeout, fresh=fresh) as response:
            return _answer(response, call, cap, cut=cut)

    @contextmanager
    def response(
        self,
        request: Request,
        call: Call,
        *,
        timeout: tuple[float, float],
        fresh: bool = True,
    ) -> Iterator[Response]:
        """
        Send one request, once; the body is read inside the context.

        Args:
            call: The limits of the request and of its response.

        Raises:
            Unsent: as `call`, also from the context; AnswerLost likewise.
        """
        request.headers = {"User-Agent": f"jimeng/{VERSION}", **request.headers}
        if fresh:
            request.headers["Connection"] = "close"
        adapter = WatchedAdapter() if fresh else self._pooled
        thread.call = call
        try:
            # Preparing may fail as well.
            sent = adapter.send(request.prepare(), stream=True, timeout=timeout)
            try:
                yield sent
            finally:
                sent.close()
        except (RequestException, HTTPError, OSError, UnicodeError) as error:
            kind, cause = (AnswerLost if call.sent else Unsent), _cause(error)
            raise kind(f"{request.method} failed: {_describe(cause)}") from cause
        finally:
            del thread.call
            if fresh:
                adapter.close()

    def close(self) -> None:
        """Close the idle connections."""
        self._pooled.close()


def _answer(response: Response, call: Call, cap: int, *, cut: bool) -> Answer:
    body = bytearray()
    for chunk in response.raw.stream(min(CHUNK, cap), decode_content=True):
        body += chunk
        if cut and len(body) >= cap:
            del body[cap:]
            break
        if len(body) > cap:
            raise AnswerLost(f"the answer is larger than {cap} bytes")
        call.remaining()
    return Answer(response.status_code, response.headers, bytes(body))


def _cause(error: BaseException) -> BaseException:
    """Return the innermost error of a chain: the outer ones quote whole URLs."""
    inner = (error.__cause__, getattr(error, "reason", None), *error.args)
    found = next((each for each in inner if isinstance(each, BaseException)), None)
    return error if found is None else _cause(found)


def _describe(error: BaseException) -> str:
    known = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__} {known or ''}".rstrip()


def parse(body: bytes, *, exact: bool = False) -> object:
    """
    Parse a JSON response.

    Args:
        exact: Return numbers as text: ids exceed the precision of a float.

    Raises:
        ValueError: invalid JSON, or more than `MAX_PARTS` parts in a large response.
    """
    parts = sum(body.count(each) for each in (b",", b"[", b"{"))
    if len(body) > PLAIN and parts > MAX_PARTS:
        raise ValueError("too many parts")
    try:
        number = str if exact else None
        return json.loads(body, parse_int=number, parse_float=number)
    except RecursionError as error:
        raise ValueError("too deep") from error


def short(value: object) -> str | None:
    """Return *value* if it is short text, such as a code or an id; otherwise None."""
    return value if isinstance(value, str) and 0 < len(value) <= 200 else None


def decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def masked(text: str, secrets: Iterable[str]) -> str:
    """Truncate a service's text and mask keys: services echo wrong ones."""
    for secret in secrets:
        text = text.replace(secret, "***")
    text = re.sub(r"\[[^\s\[\]]+\]", "[***]", text)
    return re.sub(r"\s+", " ", text)[:MAX_TEXT]
