"""
Text goes compressed to whoever takes that.

A compressed page can tell by its length what secret stands in it beside words that an
attacker chose (BREACH, https://breachattack.com). For that they must be able to ask
for it again and again in the victim's name; the session cookie is ``SameSite=Lax``, so
other sites cannot.
"""

import gzip
from functools import lru_cache

from flask import Response, request

LEVEL = 6
LEAST = 1024  # bytes; below, the answer gets no shorter by as much as a packet
KINDS = {
    *("text/html", "text/css", "text/javascript", "text/plain", "text/csv"),
    *("application/json", "application/problem+json", "image/svg+xml"),
}


def compress(response: Response) -> Response:
    """Compress the answer if it is text, whole, and the client takes gzip."""
    if response.mimetype not in KINDS or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    is_file = request.path.startswith("/static/")
    if response.status_code != 200:
        return response
    if response.is_streamed and not is_file:
        return response  # it may be long, and is sent as it comes
    response.direct_passthrough = False
    plain = response.get_data()
    if len(plain) >= LEAST and request.accept_encodings["gzip"] > 0:
        response.set_data(packed_file(plain) if is_file else packed(plain))
        response.headers["Content-Encoding"] = "gzip"
        response.headers.pop("Accept-Ranges", None)
        weaken(response)
    return response


def packed(plain: bytes) -> bytes:
    return gzip.compress(plain, LEVEL, mtime=0)


packed_file = lru_cache(maxsize=32)(packed)  # those of static/, which are few


def weaken(response: Response) -> None:
    """The same text, but not byte for byte (RFC 9110, section 8.8.1)."""
    tag, is_weak = response.get_etag()
    if tag is not None and not is_weak:
        response.set_etag(tag, weak=True)
