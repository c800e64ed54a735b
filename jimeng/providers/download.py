"""
Download pictures, but not from private networks (SSRF protection).

The links come from the provider's response. A forged response could otherwise make
this server request addresses that only it can reach.
"""

import socket
import time
from collections.abc import Collection, Mapping
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from urllib.parse import urljoin, urlsplit

from jimeng.errors import JimengError
from jimeng.providers.transport import CAP, Answer, CallFailed, Transport

TIMEOUT = (3.0, 10.0)  # seconds to connect, to wait for each packet
REDIRECTS, MAX_REDIRECTS = frozenset({301, 302, 303, 307, 308}), 3
GONE = frozenset({403, 404, 410})  # an expired signature is answered with 403
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
        left = max(end - time.monotonic(), 0.1)
        answer = ask(url, allowed_private, cap=cap, limit=left)
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
    is_allowed = not {host, f"{host}:{parts.port}"}.isdisjoint(allowed_private)
    if parts.scheme != "https" and not is_allowed:
        raise FetchFailed("the link is not https", reason="not_https")
    if host in never and not is_allowed:
        raise FetchFailed("the link leads back here", reason="own_host")


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

    def resolve(host: str, port: int) -> list[str]:
        return public_addresses(host, port, allowed_private)

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
            resolve=resolve,
            cut=cut,
        )
    except CallFailed as error:
        raise FetchFailed(str(error)) from error


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
    names = {host, f"{host}:{port}", f"[{host}]", f"[{host}]:{port}"}
    if names.isdisjoint(allowed_private) and not all(map(is_public, addresses)):
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
