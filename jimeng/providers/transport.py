"""
One HTTP call: connections that know whether a request may have been received.

The class of an exception does not tell: a reset during the TLS handshake and an answer
lost after the request arrived are the same one in `requests`. So the connections note
the moment before something is sent that could be acted upon. They bound the time of a
whole call too, of each single read, and of what is sent.
"""

import base64
import io
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from errno import EMSGSIZE
from functools import lru_cache
from http.client import HTTPResponse
from ssl import SSLContext

from requests import PreparedRequest, Request, RequestException
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.util.ssl_ import create_urllib3_context

from jimeng.config.version import VERSION
from jimeng.errors import JimengError

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


PLAIN = 1024 * 1024  # bytes of an answer without a picture
CAP = 64 * 1024 * 1024  # bytes of one that is a picture, or may hold one
CHUNK = 64 * 1024  # bytes
MAX_TEXT = 300  # characters of a service's text that go into a message
# Of an answer that is longer than `PLAIN`, which takes a picture: one long word. As
# objects an answer of nothing but brackets has forty times its size.
MAX_PARTS = 10_000


class CallFailed(JimengError):
    """
    A call got no complete answer.

    Attributes:
        sent: Whether the other side may have received what it could act upon: any of
            it, or, where the body goes piece by piece, the last piece.
    """

    code = "provider_unreachable"
    status = 502
    sent: bool


class Unsent(CallFailed):
    """
    No connection came about, or it ended before the last piece of a large body was
    sent: what has a length and is shorter is no request.
    """

    sent = False


class AnswerLost(CallFailed):
    """The request was sent; what came of it is unknown."""

    sent = True


@dataclass(frozen=True)
class Answer:
    """
    Attributes:
        headers: Looked up in any case.
        body: Decoded from its content encoding.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Makes calls; thread-safe."""

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
        Send one request, once, and read the whole answer, whatever its status.

        Args:
            body: Has `sending_time` of its own where it is large.
            timeout: Seconds to connect and to send a piece, and to wait for each
                packet.
            limit: Seconds for everything else; only a slow name lookup can exceed
                it, and then nothing is sent.
            cap: Bytes that the answer's body may have.
            fresh: Use a connection of its own. One from the pool may be closed by
                the server just as the request arrives, which looks like a request
                that was accepted.
            resolve: Looks up the host in place of the system, and may refuse it
                with an error of its own, which passes through.
            cut: Read no more of a body than *cap*, in place of failing.

        Raises:
            Unsent: nothing was sent that could be acted upon.
            AnswerLost: something was, and no whole answer came back.
        """
        own = {"User-Agent": f"jimeng/{VERSION}"}
        if fresh:
            own["Connection"] = "close"
        adapter = WatchedAdapter() if fresh else self._pooled
        call = thread.call = Call(limit, resolve, cap, body)
        try:
            request = Request(
                method, url, headers={**own, **(headers or {})}, data=body, auth=auth
            ).prepare()
            return _exchange(adapter, request, timeout, cap, call, cut=cut)
        except (RequestException, HTTPError, OSError) as error:
            kind, cause = (AnswerLost if call.sent else Unsent), _cause(error)
            raise kind(f"{method} failed: {_describe(cause)}") from cause
        finally:
            del thread.call
            if fresh:
                adapter.close()

    def close(self) -> None:
        """Close the idle connections."""
        self._pooled.close()


def _exchange(
    adapter: HTTPAdapter,
    request: PreparedRequest,
    timeout: tuple[float, float],
    cap: int,
    call: Call,
    *,
    cut: bool,
) -> Answer:
    response = adapter.send(request, stream=True, timeout=timeout)
    try:
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
    finally:
        response.close()


def _cause(error: BaseException) -> BaseException:
    """Find the first error of a chain: the outer ones quote whole URLs."""
    inner = (error.__cause__, getattr(error, "reason", None), *error.args)
    found = next((each for each in inner if isinstance(each, BaseException)), None)
    return error if found is None else _cause(found)


def _describe(error: BaseException) -> str:
    known = error.strerror if isinstance(error, OSError) else None
    return f"{type(error).__name__} {known or ''}".rstrip()


def parse(body: bytes, *, exact: bool = False) -> object:
    """
    Parse an answer in JSON.

    Args:
        exact: Keep numbers as text: ids are longer than a float is exact.

    Raises:
        ValueError: it is no JSON, or has so many parts that it can be no answer.
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
    """Return a code or an id, which is short text; None for anything else."""
    return value if isinstance(value, str) and 0 < len(value) <= 200 else None


def decode(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def masked(text: str, secrets: Iterable[str]) -> str:
    """Shorten a service's text and mask keys: services echo wrong ones."""
    for secret in secrets:
        text = text.replace(secret, "***")
    text = re.sub(r"\[[^\s\[\]]+\]", "[***]", text)
    return re.sub(r"\s+", " ", text)[:MAX_TEXT]
