"""Answers in JSON: the envelope, the errors, and where requests are strict."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import islice
from time import monotonic
from typing import Any, NoReturn
from urllib.parse import quote

from flask import Response, current_app, g, jsonify, request
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from jimeng import auth
from jimeng.auth.bodies import MOST_PLAIN
from jimeng.config import Config
from jimeng.documents import RateLimit
from jimeng.errors import IdempotencyKeyInvalid, InvalidJson
from jimeng.i18n import MESSAGES, language, t

MOST_NAMED = 3  # fields in one sentence
MOST_FIELDS = 20  # that are told as wrong
LONGEST_NAME = 64  # characters of a field's name
# Seconds, and answers of some kilobytes. A death between a picture's change and its
# task's leaves a tag that says too little: not for longer than this.
KEPT, MOST_KEPT = 5.0, 1000

_kept: dict[str, tuple[float, bytes]] = {}  # until when, by `monotonic`


def success(
    data: object,
    status: int = 200,
    *,
    headers: Mapping[str, str] | None = None,
    **beside: object,
) -> Response:
    """``{"success": true, "data": …}``, with *beside* next to ``data``."""
    response = in_json({"success": True, "data": data, **beside}, status)
    response.headers.update(headers or {})
    return response


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


def in_json(body: dict, status: int, *, retry_after: int | None = None) -> Response:
    response = jsonify(body)
    response.status_code = status
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
    policies = [f'"{each.policy}";q={each.quota};w={each.window}' for each in found]
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
            for name, inner in islice(node.items(), MOST_FIELDS + 1):
                part = "body" if name == "_schema" else printable(str(name))
                walk(inner, f"{path}.{part}" if path else part)
        elif isinstance(node, list):
            for inner in node:
                walk(inner, path)
        else:
            found.setdefault(path or "body", []).append(str(node))

    walk(messages, "")
    return dict(islice(found.items(), MOST_FIELDS))


def in_words(reasons: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The same, with those that are keys of ``i18n`` in the user's language."""
    return {
        name: [t(reason) if reason in MESSAGES else reason for reason in each]
        for name, each in reasons.items()
    }


def sentence(words: Mapping[str, list[str]]) -> str:
    """Which fields are wrong, and why: the first few."""
    parts = [f"{name}: {reasons[0]}" for name, reasons in words.items()]
    more = ["…"] if len(parts) > MOST_NAMED else []
    return t("invalid.fields", wrong="; ".join(parts[:MOST_NAMED] + more))


def printable(name: str) -> str:
    """A field's name as it can be sent back: JSON may hold half a character."""
    if len(name) > LONGEST_NAME:
        name = f"{name[:LONGEST_NAME]}…"
    return name.encode(errors="backslashreplace").decode()


class StrictParser(FlaskParser):
    """
    Reads a request's body as JSON and nothing else, and lets no field pass that
    the schema does not know. The body stays in ``g.body`` as it came.
    """

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": None, "query": None}

    def load_json(self, req, schema: Schema) -> object:
        body = req.get_data(cache=True)
        if len(body) > MOST_PLAIN and b'"data:' not in body:
            raise RequestEntityTooLarge()  # there are no pictures in it
        g.body = json_of(body)
        return g.body

    def handle_error(self, error, req, schema, *, error_status_code, error_headers):
        # webargs puts the location around the fields; the contract does not.
        raise ValidationError(next(iter(error.messages.values())))


def json_of(body: bytes) -> Any:
    """
    What the *body* of this request says; ``{}`` where there is none.

    Raises:
        InvalidJson: it is none; UnsupportedMediaType, if it does not say that it is.
    """
    if request.content_length is None and len(body) >= (
        request.max_content_length or 0
    ):
        raise RequestEntityTooLarge()  # it would have been cut off there, silently
    if not body:
        return {}
    if not request.is_json:
        raise UnsupportedMediaType()
    try:
        return strict_json(body)
    except (ValueError, RecursionError) as error:
        raise InvalidJson(f"body: {type(error).__name__}") from error


def read_form(schema: Schema) -> dict:
    """
    A body of several parts, checked by *schema*; a file is as werkzeug has it.

    Raises:
        ValidationError: a field is wrong, is there twice, or is none of the schema's.
    """
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType()
    parts: list[tuple[str, list]] = [*request.form.lists(), *request.files.lists()]
    refuse_repeated(name for name, values in parts for _ in values)
    return schema.load({name: values[0] for name, values in parts})


def refuse_repeated(names: Iterable[str]) -> None:
    """
    Raises:
        ValidationError: one of them is there twice, and nobody knows which is meant.
    """
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValidationError({name: ["invalid.repeated"] for name in twice})


def strict_json(body: bytes) -> Any:
    """
    Raises:
        ValueError: it is no JSON, such as NaN, which Python would read.
        RecursionError: it is too deep.
    """
    return json.loads(body.decode(), parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def idempotency_key() -> str | None:
    """
    The ``Idempotency-Key`` of this request, without its quotes.

    Keys are the caller's: an admin who acts for a user has others than the user.
    Without sign-in everybody's are those of whom a task is for.

    Raises:
        IdempotencyKeyInvalid: not 1 to 255 visible ASCII characters.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    key = key.strip(" \t")  # and nothing else that is white
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    return scoped_key(key)


def scoped_key(key: str) -> str:
    """
    An idempotency key with its caller, as in `idempotency_key`.

    Raises:
        IdempotencyKeyInvalid: not 1 to 255 visible ASCII characters.
    """
    if not 1 <= len(key) <= 255 or not all("!" <= c <= "~" for c in key):
        raise IdempotencyKeyInvalid("malformed key")
    # No key has a space in it, so none can look like another caller's.
    return f"{auth.viewer_of_api().user_id} {key}" if auth.needs_sign_in() else key


def absolute(path: str) -> str:
    """*path* as a link that works elsewhere: under ``PUBLIC_URL`` if it is set."""
    config: Config = current_app.config["JIMENG"]
    return (config.PUBLIC_URL or f"{request.scheme}://{request.host}") + path


def path_for(endpoint: str, **values: str) -> str:
    """
    `url_for`, remembered: to build four links took longer than to serialise all
    else in an answer.
    """
    pattern = _pattern(request.script_root, endpoint, tuple(values))
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


def etag(*parts: object) -> str:
    """A strong tag of what an answer is made from; its language is part of it."""
    text = repr((language(), absolute(""), *parts))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Unchanged(Response):
    """A 304, which says nothing that werkzeug would look for to take away."""

    default_mimetype = None

    def get_wsgi_headers(self, environ: object) -> Headers:
        return self.headers


def conditional(tag: str) -> Response | None:
    """304 if the client has what *tag* stands for."""
    given = request.headers.get("If-None-Match")
    # Proxies that compress on the way turn a strong tag into a weak one.
    if given is None or f'"{tag}"' not in given and given.strip() != "*":
        return None
    return tagged(Unchanged(status=304, headers={"Vary": "Accept-Encoding"}), tag)


def kept(tag: str, make: Callable[[], object]) -> Response:
    """What *tag* stands for, of which *make* returns the data; kept for `KEPT`."""
    until, body = _kept.get(tag, (0.0, b""))
    if monotonic() >= until:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        body = success(make()).get_data()
        _kept[tag] = monotonic() + KEPT, body
    return tagged(Response(body, mimetype="application/json"), tag)


def tagged(response: Response, tag: str) -> Response:
    """*response* with its tag: it may be kept, if it is asked for again each time."""
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response
