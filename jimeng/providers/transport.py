"""
One HTTP call, and whether any of it was sent.

The class of an exception does not tell: a reset during the TLS handshake and an
answer lost after the request arrived are the same one in `requests`. So the
connections here note the moment before the first byte of the request is sent.
"""

import io
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from errno import EMSGSIZE
from http.client import HTTPResponse

from requests import PreparedRequest, Request, RequestException
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from jimeng import __version__
from jimeng.errors import JimengError

PLAIN = 1024 * 1024  # bytes of an answer without a picture
CAP = 64 * 1024 * 1024  # bytes of one that is a picture, or may hold one
CHUNK = 64 * 1024  # bytes
AROUND = 1024 * 1024  # bytes of an answer that are not its body: head and framing
POOL_SIZE = 64  # idle connections that are kept

# Host and port -> the addresses that may be connected to, in this order.
Resolve = Callable[[str, int], Sequence[str]]


class CallFailed(JimengError):
    """
    A call got no complete answer.

    Attributes:
        sent: Whether the other side may have received any of it.
    """

    code = "provider_unreachable"
    status = 502
    sent: bool


class Unsent(CallFailed):
    """No connection came about, so not a byte of the request was sent."""

    sent = False


class AnswerLost(CallFailed):
    """The request, or a part of it, was sent; what came of it is unknown."""

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


class Call:
    """What the connections must know of the call that this thread is making."""

    def __init__(self, limit: float, resolve: Resolve | None, cap: int) -> None:
        self._end = time.monotonic() + limit
        self._left = cap + AROUND
        self.resolve = resolve
        self.sent = False

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

    def count(self, received: int) -> None:
        """
        Raises:
            OSError: more has come by now than any answer may have. The body is
                measured elsewhere; this ends lines and chunk heads without end.
        """
        self._left -= received
        if self._left < 0:
            raise OSError(EMSGSIZE, "the answer does not end")


_thread = threading.local()


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
        reader = TimedReader(sock, self.fp.detach(), _thread.call)
        self.fp = io.BufferedReader(reader)


class WatchedHTTP(HTTPConnection):
    response_class = TimedResponse

    def _new_conn(self) -> socket.socket:
        resolve = _thread.call.resolve
        if resolve is None:
            return super()._new_conn()
        # The address that was checked is the one connected to; the name stays for
        # the Host header, SNI and the certificate.
        name = self._dns_host
        *others, last = resolve(name, self.port)
        try:
            for self._dns_host in others:
                _thread.call.remaining()
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
        _thread.call.remaining()
        _thread.call.sent = True
        super().send(data)


class WatchedHTTPS(WatchedHTTP, HTTPSConnection):
    pass


class WatchedHTTPPool(HTTPConnectionPool):
    ConnectionCls = WatchedHTTP


class WatchedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = WatchedHTTPS


class WatchedAdapter(HTTPAdapter):
    """
    Used without a `requests.Session`, so there are no cookies, no redirects, and
    neither proxies nor credentials from the environment.
    """

    def __init__(self) -> None:
        super().__init__(max_retries=0, pool_maxsize=POOL_SIZE)

    def init_poolmanager(self, *args, **kwargs) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {
            "http": WatchedHTTPPool,
            "https": WatchedHTTPSPool,
        }


class Transport:
    """Makes calls; any number of threads may share one."""

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
    ) -> Answer:
        """
        Send one request, once, and read the whole answer, whatever its status.

        Args:
            timeout: Seconds to connect, and to wait for each packet.
            limit: Seconds for everything; only a slow name lookup can exceed it,
                and then nothing is sent.
            cap: Bytes that the answer's body may have.
            fresh: Use a connection of its own. One from the pool may be closed by
                the server just as the request arrives, which looks like a request
                that was accepted.
            resolve: Looks up the host in place of the system, and may refuse it
                with an error of its own, which passes through.

        Raises:
            Unsent: not a byte of the request was sent.
            AnswerLost: at least one was, and no whole answer came back.
        """
        own = {"User-Agent": f"jimeng/{__version__}"}
        if fresh:
            own["Connection"] = "close"
        adapter = WatchedAdapter() if fresh else self._pooled
        call = _thread.call = Call(limit, resolve, cap)
        try:
            request = Request(
                method, url, headers={**own, **(headers or {})}, data=body, auth=auth
            ).prepare()
            return _exchange(adapter, request, timeout, cap, call)
        except (RequestException, HTTPError, OSError) as error:
            kind, cause = (AnswerLost if call.sent else Unsent), _cause(error)
            raise kind(f"{method} failed: {_describe(cause)}") from cause
        finally:
            del _thread.call
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
) -> Answer:
    response = adapter.send(request, stream=True, timeout=timeout)
    try:
        body = bytearray()
        for chunk in response.raw.stream(CHUNK, decode_content=True):
            body += chunk
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
