"""
Download pictures and videos, but not from private networks (SSRF protection).

The links come from the provider's response. A forged response could otherwise make
this server request addresses that only it can reach.
"""

import hashlib
import logging
import socket
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import BinaryIO
from unicodedata import normalize
from urllib.parse import urljoin, urlsplit

from requests import Request

from jimeng.errors import JimengError, StorageUnavailable
from jimeng.providers.transport import (
    CAP,
    Answer,
    Call,
    CallFailed,
    Resolve,
    Transport,
)

log = logging.getLogger(__name__)

TIMEOUT = (3.0, 10.0)  # seconds to connect, to wait for each packet
REDIRECTS, MAX_REDIRECTS = frozenset({301, 302, 303, 307, 308}), 3
GONE = frozenset({403, 404, 410})  # an expired signature is answered with 403
# Of a large file, such as a video.
MAX_FILE_BYTES = 512 * 2**20
MAX_FILE_S = 20 * 60.0
MIN_BYTES_PER_S, SPEED_WINDOW_S = 100_000, 30.0
MAX_CONTINUATIONS = 5  # of one attempt, after its first request
PIECE_BYTES = 256 * 1024  # what is in memory of it
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
UNICAST = IPv6Network("2000::/3")  # all global unicast addresses allocated so far

# Formally global addresses that are only reachable from inside a network.
INSIDE = (
    IPv4Network("192.0.0.0/24"),  # RFC 6890; the metadata service of Oracle Cloud
    IPv4Network("192.88.99.0/24"),  # RFC 7526: deprecated 6to4 relays
    IPv4Network("168.63.129.16/32"),  # Azure's platform services
)


class LinkGone(JimengError):
    """The link has expired or never worked: fetching it again will not help."""

    code = "link_gone"
    status = 502
    transient = False


class FetchFailed(JimengError):
    """The download failed; the same link may work later."""

    code = "fetch_failed"
    status = 502
    transient = True


def fetch_picture(
    url: str,
    *,
    allowed_private: Collection[str],
    cap: int = CAP,
    limit: float = 20.0,
) -> bytes:
    """
    Download *url*; redirects are not followed.

    Args:
        url: http or https.
        allowed_private: ``host`` or ``host:port``, lower case, that may resolve to
            addresses outside the public internet.
        cap: Bytes that are accepted at most.
        limit: Seconds for everything.

    Raises:
        LinkGone: the status is 403, 404 or 410.
        FetchFailed: any other status than 200, an incomplete response, or a host
            that must not be contacted.
    """
    answer = ask(url, allowed_private, cap=cap, limit=limit)
    return body_of(answer)


def fetch_user_url(
    url: str,
    *,
    allowed_private: Collection[str],
    never: Collection[str],
    cap: int,
    limit: float,
) -> bytes:
    """
    Download a user's URL, following up to `MAX_REDIRECTS` redirects.

    Args:
        url: https; http only for allowed hosts.
        allowed_private: As in `fetch_picture`.
        never: Hosts that are never contacted: this server's own names.
        cap: Bytes that are accepted at most.
        limit: Seconds for everything.

    Raises:
        LinkGone: as `fetch_picture`, and so is FetchFailed.
    """
    end = time.monotonic() + limit
    for _ in range(MAX_REDIRECTS + 1):
        check_user_url(url, allowed_private, never)
        remaining_s = max(end - time.monotonic(), 0.1)
        answer = ask(url, allowed_private, cap=cap, limit=remaining_s)
        if answer.status not in REDIRECTS:
            return body_of(answer)
        url = urljoin(url, answer.headers.get("Location", ""))
    raise FetchFailed("the link leads on and on")


def post_user_url(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed_private: Collection[str],
    never: Collection[str],
    cap: int,
    limit: float,
) -> Answer:
    """
    Post *body* to a user's URL; redirects are not followed.

    Args:
        allowed_private: As in `fetch_user_url`; *never* likewise.
        cap: Maximum bytes of the response body that are read.
        limit: Seconds for everything.

    Raises:
        FetchFailed: the host must not be contacted, or it did not respond.
    """
    check_user_url(url, allowed_private, never)
    return ask(
        url,
        allowed_private,
        cap=cap,
        limit=limit,
        method="POST",
        body=body,
        headers=headers,
        read_s=limit,
        cut=True,
    )


def check_user_url(
    url: str, allowed_private: Collection[str], never: Collection[str]
) -> None:
    """
    Raises:
        FetchFailed: the host must not be contacted.
    """
    check_url(url)
    parts = urlsplit(url)
    host = (parts.hostname or "").lower().rstrip(".")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    is_allowed = may_be_private(host, port, allowed_private)
    if parts.scheme != "https" and not is_allowed:
        raise FetchFailed("the link is not https", reason="not_https")
    if host in never and not is_allowed:
        raise FetchFailed("the link leads back here", reason="own_host")
    if is_known_inside(host) and not is_allowed:
        raise FetchFailed("the link leads to the inside", reason="private_address")


def may_be_private(host: str, port: int, allowed_private: Collection[str]) -> bool:
    """Whether ``host`` or ``host:port`` is in *allowed_private*."""
    names = {host, f"{host}:{port}", f"[{host}]", f"[{host}]:{port}"}
    return not names.isdisjoint(allowed_private)


def is_known_inside(host: str) -> bool:
    """
    Whether a host is not on the public internet, as far as that is known without a name
    server: a name of this machine, or an address in any notation, such as ``127.1``.
    """
    if host == socket.gethostname().lower() or host.split(".")[-1] == "localhost":
        return True
    address = normalize("NFKC", host)
    with suppress(OSError):
        address = socket.inet_ntoa(socket.inet_aton(address))
    try:
        return not is_public(address)
    except ValueError:
        return False


def body_of(answer: Answer) -> bytes:
    """
    Raises:
        LinkGone: as `fetch_picture`, and so is FetchFailed.
    """
    if answer.status in GONE:
        raise LinkGone(f"the link was answered with {answer.status}")
    if answer.status != 200 or not answer.body:
        raise FetchFailed(f"status {answer.status}, {len(answer.body)} bytes")
    return answer.body


def ask(
    url: str,
    allowed_private: Collection[str],
    *,
    cap: int,
    limit: float,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    read_s: float = TIMEOUT[1],
    cut: bool = False,
) -> Answer:
    """
    Send one request, to allowed addresses only.

    Args:
        read_s: Seconds to wait for each packet.
        cut: As in `Transport.call`, like the other arguments.

    Raises:
        FetchFailed: the address is not allowed, or no complete response was received.
    """
    check_url(url)
    transport = Transport()
    try:
        return transport.call(
            method,
            url,
            headers=headers,
            body=body,
            timeout=(TIMEOUT[0], read_s),
            limit=limit,
            cap=cap,
            fresh=True,
            resolve=partial(public_addresses, allowed_private=allowed_private),
            cut=cut,
        )
    except CallFailed as error:
        raise FetchFailed(str(error)) from error


class DownloadCall(Call):
    """The limits of one request for a large file, that of its speed among them."""

    def __init__(self, limit: float, resolve: Resolve, cap: int) -> None:
        super().__init__(limit, resolve, cap, None)
        self._since, self._received = time.monotonic(), 0

    def count(self, received: int) -> None:
        """
        Raises:
            OSError: as `Call.count`, or the server is too slow.
        """
        super().count(received)
        self._received += received
        seconds = time.monotonic() - self._since
        if seconds >= SPEED_WINDOW_S:
            if self._received < MIN_BYTES_PER_S * seconds:
                raise TimeoutError("the download is too slow")
            self._since, self._received = time.monotonic(), 0


class FileDownload:
    """
    One attempt to download a large file, in pieces.

    A connection that breaks is continued where it ended, as long as the file has not
    changed, by its ETag; otherwise it begins again from zero.

    Args:
        file: Empty, open for writing; what is in it after an error has no meaning.
        allowed_private: As in `fetch_picture`.
        cap: Bytes that are accepted at most.
        on_request: Called before each request.
        on_progress: Called with the bytes received and the length of the file, None if
            unknown: before the first piece, and after each. Errors of either pass
            through, and end the attempt.
    """

    def __init__(
        self,
        file: BinaryIO,
        *,
        allowed_private: Collection[str],
        cap: int = MAX_FILE_BYTES,
        on_request: Callable[[], object],
        on_progress: Callable[[int, int | None], object],
    ) -> None:
        self._file, self._cap = file, cap
        self._resolve = partial(public_addresses, allowed_private=allowed_private)
        self._on_request, self._on_progress = on_request, on_progress
        self._end = time.monotonic() + MAX_FILE_S
        self._begin_again()

    def _begin_again(self) -> None:
        self._at, self._etag = 0, ""
        self._length: int | None = None
        self._digest = hashlib.sha256()
        with storage_errors():
            self._file.seek(0)
            self._file.truncate()

    def fetch(self, url: str) -> str:
        """
        Download *url*; redirects are not followed.

        Returns:
            The file's SHA-256, hexadecimal.

        Raises:
            LinkGone: as `fetch_picture`.
            FetchFailed: as there, or it is too slow; with the reason ``too_large`` if
                it exceeds *cap*.
            StorageUnavailable: it cannot be written.
        """
        check_url(url)
        for tries in range(MAX_CONTINUATIONS, -1, -1):
            try:
                self._request(url)
                if self._at and self._length in (None, self._at):
                    with storage_errors():
                        self._file.flush()
                    return self._digest.hexdigest()
                failed = FetchFailed(f"{self._at} of {self._length} bytes")
            except CallFailed as error:
                failed = FetchFailed(str(error))
            if not (tries and self._at and self._etag):
                raise failed
            log.info("download continues at=%d: %s", self._at, failed)
        raise AssertionError  # the last try returns or raises

    def _request(self, url: str) -> None:
        self._on_request()
        headers = {"Accept-Encoding": "identity"}
        if self._at:
            headers |= {"Range": f"bytes={self._at}-", "If-Range": self._etag}
        remaining_s = max(self._end - time.monotonic(), 0.1)
        call = DownloadCall(remaining_s, self._resolve, self._cap)
        request = Request("GET", url, headers=headers)
        with Transport().response(request, call, timeout=TIMEOUT) as response:
            self._accept(response.status_code, response.headers)
            self._on_progress(self._at, self._length)
            for piece in response.raw.stream(PIECE_BYTES, decode_content=False):
                self._write(piece)
                self._on_progress(self._at, self._length)
                call.remaining()

    def _accept(self, status: int, headers: Mapping[str, str]) -> None:
        """
        Read the head of a response: its body continues the file, or is all of it.

        Raises:
            LinkGone: as `fetch`, and so is FetchFailed.
        """
        etag, size = headers.get("ETag", ""), headers.get("Content-Length", "")
        if status in GONE:
            raise LinkGone(f"the link was answered with {status}")
        if self._at and status == 206:
            part = headers.get("Content-Range", "")
            is_next = part.startswith(f"bytes {self._at}-")
            if etag != self._etag or not is_next:
                raise FetchFailed("the file has changed")
            return
        if status != 200 or headers.get("Content-Encoding", "identity") != "identity":
            raise FetchFailed(f"status {status}")
        if self._at:
            self._begin_again()
        self._etag = "" if etag.startswith("W/") else etag
        self._length = int(size) if size.isdecimal() else None
        self._check_size(self._length or 0)

    def _write(self, piece: bytes) -> None:
        self._check_size(self._at + len(piece))
        with storage_errors():
            self._file.write(piece)
        self._digest.update(piece)
        self._at += len(piece)

    def _check_size(self, size: int) -> None:
        if size > self._cap:
            said = f"the file is larger than {self._cap} bytes"
            raise FetchFailed(said, reason="too_large")


@contextmanager
def storage_errors() -> Iterator[None]:
    """
    Raises:
        StorageUnavailable: the file cannot be written, as on a full disk.
    """
    try:
        yield
    except OSError as error:
        said = f"temporary file: {error.strerror or type(error).__name__}"
        raise StorageUnavailable(said, retry_after=5) from error


def check_url(url: str) -> None:
    """
    Raises:
        FetchFailed: not a plain http or https URL with a host.
    """
    try:
        parts = urlsplit(url)
        is_http = parts.scheme in {"http", "https"} and parts.port != 0
        is_plain = is_http and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        is_plain = False
    if not is_plain:
        raise FetchFailed(
            "the link is not a plain http or https URL", reason="not_plain"
        )


def public_addresses(
    host: str, port: int, allowed_private: Collection[str]
) -> list[str]:
    """
    Resolve *host* and return its addresses; all of them must be allowed.

    Raises:
        FetchFailed: it has no address, or one that is not on the public internet while
            neither ``host`` nor ``host:port`` is in *allowed_private*.
    """
    host = host.lower()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchFailed(f"no address for {host}", reason="no_address") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    is_allowed = may_be_private(host, port, allowed_private)
    if not is_allowed and not all(map(is_public, addresses)):
        raise FetchFailed(
            f"{host} is not on the public internet", reason="private_address"
        )
    return addresses


def is_public(address: str) -> bool:
    """Whether an address, as text, is on the public internet."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        inside = _inside(ip)
        if inside is None:
            return ip in UNICAST and ip.is_global
        ip = inside
    is_inside = any(ip in network for network in INSIDE)
    return ip.is_global and not ip.is_multicast and not is_inside


def _inside(ip: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address embedded in a translated IPv6 address, if any."""
    if ip in NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour
