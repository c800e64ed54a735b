"""Tags: who has an answer already is not sent it again, nor is it made again."""

import hashlib
from collections.abc import Callable
from time import monotonic

from flask import Response, request

from jimeng.http.responses import Whole, absolute, success
from jimeng.i18n import language

# Seconds, and answers of some kilobytes. A death between a picture's change and its
# task's leaves a tag that says too little: not for longer than this.
KEPT, MAX_KEPT = 5.0, 1000

_kept: dict[str, tuple[float, bytes]] = {}  # until when, by `monotonic`


def etag(*parts: object) -> str:
    """A strong tag of what an answer is made from; its language is part of it."""
    text = repr((language(), absolute(""), *parts))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Unchanged(Whole):
    """A 304, which is of no type."""

    default_mimetype = None


def conditional(tag: str) -> Response | None:
    """304 if the client has what *tag* stands for."""
    given = request.headers.get("If-None-Match")
    # Proxies that compress on the way turn a strong tag into a weak one.
    if given is None or f'"{tag}"' not in given and given.strip() != "*":
        return None
    return Unchanged(status=304, headers={"Vary": "Accept-Encoding", **headers_of(tag)})


def kept(tag: str, make: Callable[[], object]) -> Response:
    """What *tag* stands for, of which *make* returns the data; kept for `KEPT`."""
    until, body = _kept.get(tag, (0.0, b""))
    if monotonic() >= until:
        if len(_kept) >= MAX_KEPT:
            _kept.clear()
        body = success(make()).get_data()
        _kept[tag] = monotonic() + KEPT, body
    return Whole(body, headers=headers_of(tag), mimetype="application/json")


def headers_of(tag: str) -> dict[str, str]:
    """The headers with a tag: it may be kept, if it is asked for again each time."""
    return {"ETag": f'"{tag}"', "Cache-Control": "private, no-cache"}
