"""
Answers: JSON in its envelope, the bytes of files, and text packed on its way.

A packed page can tell by its length what secret stands in it beside words that an
attacker chose (BREACH, https://breachattack.com). For that they must be able to ask
for it again and again in the victim's name; the session cookie is ``SameSite=Lax``, so
other sites cannot.
"""

import gzip
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any, BinaryIO
from urllib.parse import quote

from flask import Response, current_app, g, request
from werkzeug.datastructures import Headers
from werkzeug.wsgi import FileWrapper

from jimeng.config import Config
from jimeng.documents import RateLimit
from jimeng.http.requests import this_request
from jimeng.i18n import MESSAGES, t

MAX_NAMED = 3  # fields in one sentence
MAX_FIELDS = 20  # that are told as wrong
MAX_NAME_CHARS = 64  # characters of a field's name
CHUNK = 256 * 1024  # bytes of a file
LEVEL = 6  # of gzip
LEAST = 1024  # bytes; below, the answer gets no shorter by as much as a packet
TEXTS = {
    *("text/html", "text/css", "text/javascript", "text/plain", "text/csv"),
    *("application/json", "application/problem+json", "image/svg+xml"),
}


class Whole(Response):
    """
    One that has all its headers, and none that werkzeug would look for to change: it
    copies them for that, and takes addresses apart.
    """

    def get_wsgi_headers(self, environ: object) -> Headers:
        return self.headers


def success(
    data: object,
    status: int = 200,
    *,
    headers: Mapping[str, str] | None = None,
    **beside: object,
) -> Response:
    """``{"success": true, "data": …}``, with *beside* next to ``data``."""
    body = {"success": True, "data": data, **beside}
    return in_json(body, status, headers=headers)


def failure(
    code: str,
    http_status: int,
    *,
    message: str | None = None,
    retry_after: int | None = None,
    **beside: object,
) -> Response:
    """``{"success": false, "error": …}`` with the words of the code."""
    body = {
        "success": False,
        "error": code,
        "message": message or t(f"error.{code}"),
        "request_id": g.get("request_id", ""),
        **beside,
    }
    return in_json(body, http_status, retry_after=retry_after)


def in_json(
    body: dict,
    status: int,
    *,
    headers: Mapping[str, str] | None = None,
    retry_after: int | None = None,
) -> Response:
    text = current_app.json.dumps(body, separators=(",", ":"))
    response = Whole(f"{text}\n", status, headers, mimetype="application/json")
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def limit_headers(rate_limits: Iterable[RateLimit]) -> dict[str, str]:
    """
    The limits there are, and what is left of each.

    Source: draft-ietf-httpapi-ratelimit-headers-10.
    """
    found = list(rate_limits)
    if not found:
        return {}
    policies = [
        f'"{each.policy}";q={each.quota};'
        + (f"w={each.window}" if each.window else 'qu="concurrent-requests"')
        for each in found
    ]
    left = [f'"{each.policy}";r={each.left};t={each.resets_in}' for each in found]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(left)}


def by_field(messages: object) -> dict[str, list[str]]:
    """
    marshmallow's messages as they are, by field; of a nested one the path.

    Names may be the client's own: they are cut, and only the first are told of.
    """
    found: dict[str, list[str]] = {}

    def walk(node: object, path: str) -> None:
        if isinstance(node, dict):
            for name, inner in islice(node.items(), MAX_FIELDS + 1):
                part = "body" if name == "_schema" else printable(str(name))
                walk(inner, f"{path}.{part}" if path else part)
        elif isinstance(node, list):
            for inner in node:
                walk(inner, path)
        else:
            found.setdefault(path or "body", []).append(str(node))

    walk(messages, "")
    return dict(islice(found.items(), MAX_FIELDS))


def in_words(reasons: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The same, with those that are keys of ``i18n`` in the user's language."""
    return {
        name: [t(reason) if reason in MESSAGES else reason for reason in each]
        for name, each in reasons.items()
    }


def sentence(words: Mapping[str, list[str]]) -> str:
    """Which fields are wrong, and why: the first few."""
    parts = [f"{name}: {reasons[0]}" for name, reasons in words.items()]
    more = ["…"] if len(parts) > MAX_NAMED else []
    return t("invalid.fields", wrong="; ".join(parts[:MAX_NAMED] + more))


def printable(name: str) -> str:
    """A field's name as it can be sent back: JSON may hold half a character."""
    if len(name) > MAX_NAME_CHARS:
        name = f"{name[:MAX_NAME_CHARS]}…"
    return name.encode(errors="backslashreplace").decode()


def absolute(path: str) -> str:
    """*path* as a link that works elsewhere: under ``PUBLIC_URL`` if it is set."""
    config: Config = current_app.config["JIMENG"]
    asked = this_request()
    return (config.PUBLIC_URL or f"{asked.scheme}://{asked.host}") + path


def path_for(endpoint: str, **values: str) -> str:
    """
    `url_for`, remembered: to build four links took longer than to serialise all
    else in an answer.
    """
    pattern = _pattern(this_request().script_root, endpoint, tuple(values))
    return pattern.format(**{k: quote(v, safe="") for k, v in values.items()})


@lru_cache(maxsize=128)
def _pattern(script_root: str, endpoint: str, names: tuple[str, ...]) -> str:
    """The path with ``{name}`` where values stand; within a request of that root."""
    marks: dict[str, Any] = {name: f"0{name}0" for name in names}
    paths = current_app.create_url_adapter(request)
    assert paths is not None  # within a request  # noqa: S101
    path = paths.build(endpoint, marks).replace("{", "{{").replace("}", "}}")
    for name in names:
        path = path.replace(f"0{name}0", f"{{{name}}}")
    return path


def file(
    content: BinaryIO, size: int, content_type: str, *, direct: bool = True
) -> Response:
    """
    The bytes of a file, piece by piece; it is closed in the end.

    Args:
        size: Of all of it, in bytes.
        direct: The server may pass it on as it likes; then nothing else is called at
            the end.
    """
    pieces = FileWrapper(content, CHUNK)
    response = Response(pieces, content_type=content_type, direct_passthrough=direct)
    response.call_on_close(content.close)
    response.content_length = size
    return response


def saved_as(plain: str, name: str, *, kind: str = "attachment") -> str:
    """
    What ``Content-Disposition`` says of a file's name (RFC 6266).

    Args:
        plain: In ASCII, for who cannot read *name*.
        kind: ``attachment``, or ``inline`` where it is shown and saved by a menu.
    """
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def compress(response: Response) -> Response:
    """Compress the answer if it is text, whole, and the client takes gzip."""
    if response.mimetype not in TEXTS or "Content-Encoding" in response.headers:
        return response
    varies_by(response, "Accept-Encoding")
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


def varies_by(response: Response, name: str) -> None:
    """`response.vary.add`, which reads and writes the header anew each time."""
    told = response.headers.get("Vary")
    if told is None:
        response.headers.add("Vary", name)
    elif name.lower() not in told.lower():
        response.headers["Vary"] = f"{told}, {name}"


def packed(plain: bytes) -> bytes:
    return gzip.compress(plain, LEVEL, mtime=0)


packed_file = lru_cache(maxsize=32)(packed)  # those of static/, which are few


def weaken(response: Response) -> None:
    """The same text, but not byte for byte (RFC 9110, section 8.8.1)."""
    tag, is_weak = response.get_etag()
    if tag is not None and not is_weak:
        response.set_etag(tag, weak=True)
