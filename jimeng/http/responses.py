"""
Responses: JSON in its envelope, files, ETags, and compressed text.

The length of a compressed page can reveal a secret in it next to text that an attacker
chose (BREACH, https://breachattack.com). For that they must be able to request it again
and again in the victim's name; the session cookie is ``SameSite=Lax``, so other sites
cannot.
"""

import gzip
import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import islice
from time import monotonic
from typing import Any
from urllib.parse import quote

from flask import Response, current_app, g, request
from werkzeug.datastructures import Headers

from jimeng.config import Config
from jimeng.documents import RateLimit
from jimeng.http.requests import current_request
from jimeng.i18n import MESSAGES, language, t
from jimeng.pictures.contents import Content
from jimeng.process.state import remembered

MAX_FIELDS_IN_MESSAGE = 3
MAX_FIELD_ERRORS = 20  # fields reported as invalid
MAX_NAME_CHARS = 64  # of a reported field's name
GZIP_LEVEL = 6
MIN_GZIP_BYTES = 1024  # below, compression saves less than a packet
TEXT_TYPES = {
    *("text/html", "text/css", "text/javascript", "text/plain", "text/csv"),
    *("application/json", "application/problem+json", "image/svg+xml"),
}


class FinalResponse(Response):
    """
    A response whose headers are final: skips werkzeug's rewriting, which copies them
    and parses URLs.
    """

    def get_wsgi_headers(self, environ: object) -> Headers:
        return self.headers


def success(
    data: object,
    status: int = 200,
    *,
    headers: Mapping[str, str] | None = None,
    **extra: object,
) -> Response:
    """``{"success": true, "data": …}``, with *extra* next to ``data``."""
    body = {"success": True, "data": data, **extra}
    return json_response(body, status, headers=headers)


def failure(
    code: str,
    http_status: int,
    *,
    message: str | None = None,
    retry_after: int | None = None,
    **extra: object,
) -> Response:
    """``{"success": false, "error": …}`` with the message of the code."""
    body = {
        "success": False,
        "error": code,
        "message": message or t(f"error.{code}"),
        "request_id": g.get("request_id", ""),
        **extra,
    }
    return json_response(body, http_status, retry_after=retry_after)


def json_response(
    body: dict,
    status: int,
    *,
    headers: Mapping[str, str] | None = None,
    retry_after: int | None = None,
) -> Response:
    text = current_app.json.dumps(body, separators=(",", ":"))
    response = FinalResponse(f"{text}\n", status, headers, mimetype="application/json")
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def rate_limit_headers(rate_limits: Iterable[RateLimit]) -> dict[str, str]:
    """
    ``RateLimit-Policy`` and ``RateLimit``: the limits and what remains of each.

    Source: draft-ietf-httpapi-ratelimit-headers-10.
    """
    limits = list(rate_limits)
    if not limits:
        return {}
    policies = [
        f'"{each.policy}";q={each.quota};'
        + (f"w={each.window}" if each.window else 'qu="concurrent-requests"')
        for each in limits
    ]
    remaining = [
        f'"{each.policy}";r={each.remaining};t={each.resets_in}' for each in limits
    ]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(remaining)}


def errors_by_field(messages: object) -> dict[str, list[str]]:
    """
    Flatten marshmallow's messages by field; nested fields by their dotted path.

    Names may be the client's own: they are truncated, and only the first
    `MAX_FIELD_ERRORS` are returned.
    """
    errors: dict[str, list[str]] = {}

    def walk(node: object, path: str) -> None:
        if isinstance(node, dict):
            for name, inner in islice(node.items(), MAX_FIELD_ERRORS + 1):
                part = "body" if name == "_schema" else printable(str(name))
                walk(inner, f"{path}.{part}" if path else part)
        elif isinstance(node, list):
            for inner in node:
                walk(inner, path)
        else:
            errors.setdefault(path or "body", []).append(str(node))

    walk(messages, "")
    return dict(islice(errors.items(), MAX_FIELD_ERRORS))


def translate_errors(reasons: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Translate the reasons that are message keys into the request's language."""
    return {
        name: [t(reason) if reason in MESSAGES else reason for reason in each]
        for name, each in reasons.items()
    }


def field_errors_message(messages: Mapping[str, list[str]]) -> str:
    """One sentence that names the first invalid fields and why."""
    parts = [f"{name}: {reasons[0]}" for name, reasons in messages.items()]
    more = ["…"] if len(parts) > MAX_FIELDS_IN_MESSAGE else []
    return t("invalid.fields", wrong="; ".join(parts[:MAX_FIELDS_IN_MESSAGE] + more))


def printable(name: str) -> str:
    """A field's name, safe to send back: truncated, lone surrogates escaped."""
    if len(name) > MAX_NAME_CHARS:
        name = f"{name[:MAX_NAME_CHARS]}…"
    return name.encode(errors="backslashreplace").decode()


def absolute(path: str) -> str:
    """*path* as an absolute URL: under ``PUBLIC_URL`` if it is set."""
    config: Config = current_app.config["JIMENG"]
    incoming = current_request()
    return (config.PUBLIC_URL or f"{incoming.scheme}://{incoming.host}") + path


def rooted(path: str) -> str:
    """*path* below the root that this server has for the client."""
    return current_request().script_root + path


def path_for(endpoint: str, **values: str) -> str:
    """
    A cached `url_for`: building four URLs took longer than serialising the rest of a
    response.
    """
    pattern = _pattern(current_request().script_root, endpoint, tuple(values))
    return pattern.format(**{k: quote(v, safe="") for k, v in values.items()})


@lru_cache(maxsize=128)
def _pattern(script_root: str, endpoint: str, names: tuple[str, ...]) -> str:
    """The path as a format string, with ``{name}`` for each value."""
    placeholders: dict[str, Any] = {name: f"0{name}0" for name in names}
    urls = current_app.create_url_adapter(request)
    assert urls is not None  # within a request  # noqa: S101
    path = urls.build(endpoint, placeholders).replace("{", "{{").replace("}", "}}")
    for name in names:
        path = path.replace(f"0{name}0", f"{{{name}}}")
    return path


def file_response(
    content: Content,
    content_type: str,
    *,
    etag: str | None = None,
    modified: datetime | None = None,
    max_open_bytes: int | None = None,
) -> Response:
    """
    Stream a file, or the range of it that is requested; answer 304 or 412 without
    opening it.

    Several ranges get the whole file.

    Args:
        max_open_bytes: The longest answer to a range without an end. Players ask for
            the rest when they need it (RFC 9110, 15.3.7: the server may send less).

    Raises:
        RequestedRangeNotSatisfiable: 416; the range begins beyond the end.
    """
    response = Response(content_type=content_type)
    response.content_length = content.length
    if etag is not None:
        response.set_etag(etag)
    if modified is not None:
        response.last_modified = modified
    asked, wanted = request.environ, request.range
    ranges = wanted.ranges if wanted and wanted.units == "bytes" else []
    if len(ranges) != 1 or request.method != "GET":
        asked = {name: each for name, each in asked.items() if name != "HTTP_RANGE"}
    elif max_open_bytes and ranges[0][1] is None and ranges[0][0] >= 0:
        start = ranges[0][0]
        last = start + max_open_bytes - 1
        asked = {**asked, "HTTP_RANGE": f"bytes={start}-{last}"}
    response.make_conditional(asked, accept_ranges=True, complete_length=content.length)
    if response.status_code == 412:
        response.content_length = 0
    elif response.status_code != 304 and request.method == "HEAD":
        content.pieces(0, 1).close()  # whether it is there
    elif response.status_code != 304:
        part = response.content_range
        response.response = content.pieces(part.start or 0, part.stop)
    return response


def content_disposition(plain: str, name: str, *, kind: str = "attachment") -> str:
    """
    The ``Content-Disposition`` of a file (RFC 6266).

    Args:
        plain: The ASCII fallback for clients that cannot read *name*.
        kind: ``attachment``, or ``inline`` to show it; *name* is for saving then.
    """
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def compress(response: Response) -> Response:
    """Compress a response that is text and not streamed, if the client takes gzip."""
    if response.mimetype not in TEXT_TYPES or "Content-Encoding" in response.headers:
        return response
    add_vary(response, "Accept-Encoding")
    is_file = request.path.startswith("/static/")
    if response.status_code != 200:
        return response
    if response.is_streamed and not is_file:
        return response  # it may be long, and is sent as it is generated
    response.direct_passthrough = False
    plain = response.get_data()
    if len(plain) >= MIN_GZIP_BYTES and request.accept_encodings["gzip"] > 0:
        response.set_data(gzipped_static(plain) if is_file else gzipped(plain))
        response.headers["Content-Encoding"] = "gzip"
        response.headers.pop("Accept-Ranges", None)
        weaken_etag(response)
    return response


def add_vary(response: Response, name: str) -> None:
    """Add to ``Vary``, without the parsing of `response.vary.add`."""
    present = response.headers.get("Vary")
    if present is None:
        response.headers.add("Vary", name)
    elif name.lower() not in present.lower():
        response.headers["Vary"] = f"{present}, {name}"


def gzipped(plain: bytes) -> bytes:
    return gzip.compress(plain, GZIP_LEVEL, mtime=0)


gzipped_static = lru_cache(maxsize=32)(gzipped)  # static/ has few files


def weaken_etag(response: Response) -> None:
    """Make the ETag weak: the bytes differ once compressed (RFC 9110, 8.8.1)."""
    tag, is_weak = response.get_etag()
    if tag is not None and not is_weak:
        response.set_etag(tag, weak=True)


# A process that dies between updating a picture and its task leaves an ETag that misses
# the change; the cached body is stale for no longer than this.
CACHE_S, MAX_CACHED = 5.0, 1000

# ETag -> (expiry by `monotonic`, body)
_cache: dict[str, tuple[float, bytes]] = remembered({})


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
