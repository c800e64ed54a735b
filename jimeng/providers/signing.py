"""
Volcengine's request signature (method V4), as an auth handler for `requests`.

Source: https://www.volcengine.com/docs/6369/67269, and the signer of the official
package volcengine 1.0.229, with whose results the tests compare these functions.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from requests import PreparedRequest
from requests.auth import AuthBase

ALGORITHM = "HMAC-SHA256"
SIGNED = frozenset({"content-type", "content-md5", "host"})  # and every X- header


def utc_now() -> datetime:
    return datetime.now(UTC)


def canonical_path(path: str) -> str:
    """Encode a path once, whether or not it is already encoded."""
    return quote(unquote(path), safe="/~") or "/"


def canonical_query(query: str) -> str:
    """Sort by name and encode; values of a repeated name keep their order."""
    pairs = sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0])
    return "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in pairs)


def canonical_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that are signed: lower-case names, sorted."""
    lowered = {name.lower(): value.strip() for name, value in headers.items()}
    chosen = {
        name: value
        for name, value in sorted(lowered.items())
        if name in SIGNED or name.startswith("x-")
    }
    if "host" in chosen:
        chosen["host"] = chosen["host"].removesuffix(":80").removesuffix(":443")
    return chosen


def canonical_request(
    method: str, url: str, headers: Mapping[str, str], body: bytes
) -> str:
    """
    Build the canonical form of a request, which both sides hash.

    Args:
        url: The whole URL; path and query are used; the host is that of *headers*.
        headers: As they will be sent, names in any case.
        body: The exact bytes that will be sent.
    """
    parts = urlsplit(url)
    signed = canonical_headers(headers)
    return "\n".join(
        [
            method,
            canonical_path(parts.path),
            canonical_query(parts.query),
            *(f"{name}:{value}" for name, value in signed.items()),
            "",
            ";".join(signed),
            hashlib.sha256(body).hexdigest(),
        ]
    )


def signature(secret_key: str, date: str, scope: str, canonical: str) -> str:
    """
    Args:
        date: UTC, as ``20260131T235959Z``.
        scope: ``<day>/<region>/<service>/request``.
        canonical: What `canonical_request` returned.
    """
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = secret_key.encode()
    for part in (*scope.split("/"), f"{ALGORITHM}\n{date}\n{scope}\n{digest}"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


class VolcengineAuth(AuthBase):
    """
    Sign a request as it is prepared; `Transport` prepares right before sending.

    A signature is valid for 15 minutes, so each attempt is signed anew.
    """

    def __init__(
        self,
        access_key: str,
        secret_key: str,
        *,
        session_token: str = "",
        region: str = "cn-north-1",
        service: str = "cv",
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """
        Args:
            session_token: Of temporary (STS) credentials; empty for permanent ones.
            clock: Returns the current time as an aware datetime.
        """
        self._access_key = access_key
        self._secret_key = secret_key
        self._session_token = session_token
        self._region = region
        self._service = service
        self._clock = clock

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        body = request.body or b""
        if not isinstance(body, bytes):
            # The signed bytes must be the sent bytes, so nothing is encoded here.
            raise TypeError("only a body of bytes can be signed")
        method, url = request.method or "", request.url or ""
        date = self._clock().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        headers = request.headers
        headers.setdefault("Host", urlsplit(url).netloc.rpartition("@")[2])
        headers["X-Date"] = date
        headers["X-Content-Sha256"] = hashlib.sha256(body).hexdigest()
        if self._session_token:
            headers["X-Security-Token"] = self._session_token
        scope = f"{date[:8]}/{self._region}/{self._service}/request"
        canonical = canonical_request(method, url, headers, body)
        headers["Authorization"] = (
            f"{ALGORITHM} Credential={self._access_key}/{scope}, "
            f"SignedHeaders={';'.join(canonical_headers(headers))}, "
            f"Signature={signature(self._secret_key, date, scope, canonical)}"
        )
        return request
