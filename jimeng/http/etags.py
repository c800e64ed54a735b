"""ETags: 304 for clients that have the response, and a short cache of its body."""

import hashlib
from collections.abc import Callable
from time import monotonic

from flask import Response, request

from jimeng.http.responses import FinalResponse, absolute, success
from jimeng.i18n import language

# A process that dies between updating a picture and its task leaves an ETag that misses
# the change; the cached body is stale for no longer than this.
CACHE_S, MAX_CACHED = 5.0, 1000

_cache: dict[str, tuple[float, bytes]] = {}  # ETag -> (expiry by `monotonic`, body)


def etag(*parts: object) -> str:
    """A strong ETag of *parts*, the request's language and the server's address."""
    text = repr((language(), absolute(""), *parts))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class NotModified(FinalResponse):
    """A 304, which has no Content-Type."""

    default_mimetype = None


def not_modified(tag: str) -> Response | None:
    """304 if ``If-None-Match`` has *tag*, else None."""
    if_none_match = request.headers.get("If-None-Match")
    # Proxies that compress turn a strong ETag into a weak one.
    if (
        if_none_match is None
        or f'"{tag}"' not in if_none_match
        and if_none_match.strip() != "*"
    ):
        return None
    return NotModified(
        status=304, headers={"Vary": "Accept-Encoding", **etag_headers(tag)}
    )


def cached_response(tag: str, make: Callable[[], object]) -> Response:
    """The response for *tag*, with the data of *make*; cached for `CACHE_S`."""
    until, body = _cache.get(tag, (0.0, b""))
    if monotonic() >= until:
        if len(_cache) >= MAX_CACHED:
            _cache.clear()
        body = success(make()).get_data()
        _cache[tag] = monotonic() + CACHE_S, body
    return FinalResponse(body, headers=etag_headers(tag), mimetype="application/json")


def etag_headers(tag: str) -> dict[str, str]:
    """Headers that let the client store the response and revalidate it each time."""
    return {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
