"""
One HTTP call: whether any of it was sent, and its answer.

The class of an exception does not tell: a reset during the TLS handshake and an
answer lost after the request arrived are the same one in `requests`. So the
connections note the moment before something is sent that could be acted upon.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from requests import PreparedRequest, Request, RequestException
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import HTTPError

from jimeng.config.version import VERSION
from jimeng.errors import JimengError
from jimeng.providers.connections import Call, Resolve, WatchedAdapter, thread

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
