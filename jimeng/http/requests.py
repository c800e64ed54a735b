"""
Requests: the body, parsed strictly, and the idempotency key.

A body of more than `MAX_BODY_BYTES` needs a permit of its user before any of it is
read: however much one user sends, the next one is served. Flask's request proxy takes
twenty times as long as the object behind it.
"""

import ctypes
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, NoReturn, TypeVar

from flask import Blueprint, Request, current_app, g, request
from marshmallow import Schema, ValidationError, fields
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.formparser import FormDataParser
from werkzeug.utils import cached_property

from jimeng.documents.principal import Principal
from jimeng.errors import IdempotencyKeyInvalid, InvalidJson, TooManyWaiting
from jimeng.errors.inputs import ServerBusy
from jimeng.http import auth
from jimeng.http.long_polls import Permits

NO_COOKIES: ImmutableMultiDict[str, str] = ImmutableMultiDict()


class StrictFormParser(FormDataParser):
    """Reject forms with NUL characters, which MongoDB cannot store in patterns."""

    def parse(self, *args, **options):
        stream, form, files = super().parse(*args, **options)
        try:
            reject_nul(form.items(multi=True))
        except ValidationError:
            for file in files.values():
                file.close()
            raise
        return stream, form, files


def reject_nul(fields: Iterable[tuple[str, str]]) -> None:
    """
    Raises:
        ValidationError: a field's name or value contains a NUL.
    """
    invalid = [name for name, value in fields if "\0" in name + value]
    if invalid:
        raise ValidationError({name: ["invalid.unstorable"] for name in invalid})


class JimengRequest(Request):
    """Flask's request with a strict form parser, and a fast path without cookies."""

    form_data_parser_class = StrictFormParser

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        return super().cookies if "HTTP_COOKIE" in self.environ else NO_COOKIES


def current_request() -> Request:
    """The request itself: attribute access by Flask's proxy takes 20 times as long."""
    return request._get_current_object()  # type: ignore[attr-defined]


FORM = "multipart/form-data"
MAX_BODY_BYTES = 1024 * 1024
MAX_PICTURE_BODY_BYTES = 16 * 1024 * 1024
MAX_LARGE_BODIES = 8  # at a time, in each process
PERMIT_TIMEOUT_S = 12.0
RETRY_AFTER_S = 2
View = TypeVar("View", bound=Callable)

# glibc keeps memory that a thread has freed in that thread's arena: after a few large
# bodies a web process held hundreds of megabytes. Other C libraries have no such call.
trim_heap = getattr(ctypes.CDLL(None), "malloc_trim", lambda pad_bytes: None)

_permits = Permits(MAX_LARGE_BODIES)


def accepts_pictures(view: View) -> View:
    """Decorate a view whose body may hold pictures; apply it first, innermost."""
    view.accepts_pictures = True  # type: ignore[attr-defined]
    return view


def accepts_forms(view: View) -> View:
    """Decorate a view whose body may be a form instead of JSON; apply it innermost."""
    view.accepts_forms = True  # type: ignore[attr-defined]
    return view


def acquire_body_permit(principal_of_request: Callable[[], Principal]) -> None:
    """
    Raise the body limit of a view that accepts pictures, holding a permit for a large
    body until the request ends.

    Raises:
        ServerBusy: no permit is free for this user; nothing has been read.
        JimengError: as *principal_of_request*: large bodies need a principal.
    """
    incoming = current_request()
    view = current_app.view_functions.get(incoming.endpoint or "")
    if not getattr(view, "accepts_pictures", False):
        return
    incoming.max_content_length = MAX_PICTURE_BODY_BYTES
    size = incoming.content_length
    if size is not None and size <= MAX_BODY_BYTES:
        return
    permit = ExitStack()
    try:
        permit.enter_context(
            _permits.acquire(principal_of_request().person, PERMIT_TIMEOUT_S)
        )
    except TooManyWaiting as error:
        busy = f"no permit for a large body: {error}"
        raise ServerBusy(busy, retry_after=RETRY_AFTER_S) from None
    g.body_permit = permit


def release_body_permit(error: BaseException | None) -> None:
    if permit := g.pop("body_permit", None):
        permit.close()
        trim_heap(0)


def limit_large_bodies(
    blueprint: Blueprint, principal_of_request: Callable[[], Principal]
) -> None:
    """Let the views of *blueprint* marked by `accepts_pictures` take large bodies."""
    blueprint.before_request(partial(acquire_body_permit, principal_of_request))
    blueprint.teardown_request(release_body_permit)


class StrictParser(FlaskParser):
    """
    Parse the body as JSON, or as a form if the view accepts that, and reject fields
    that the schema does not declare. The parsed body, before validation, stays in
    ``g.body``.
    """

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": None, "query": None}

    def get_default_request(self) -> Request:
        return current_request()

    def load_json(self, req, schema: Schema) -> object:
        view = current_app.view_functions.get(req.endpoint or "")
        if req.mimetype == FORM and getattr(view, "accepts_forms", False):
            g.body = form_as_json(schema)
            return g.body
        content = g.body = parse_json_body(read_body(req))
        return content

    def handle_error(self, error, req, schema, *, error_status_code, error_headers):
        # webargs nests the errors under the location; the API does not.
        raise ValidationError(next(iter(error.messages.values())))


def read_body(incoming: Request) -> bytes:
    """
    The body; only ``data:`` URLs may make it large.

    Raises:
        RequestEntityTooLarge: something else does.
    """
    body = incoming.get_data(cache=True)
    if len(body) > MAX_BODY_BYTES and b'"data:' not in body:
        raise RequestEntityTooLarge()
    return body


def parse_json_body(body: bytes) -> Any:
    """
    The JSON value in the *body* of this request; ``{}`` if it is empty.

    Raises:
        InvalidJson: it is not JSON.
        UnsupportedMediaType: its Content-Type is not JSON.
        RequestEntityTooLarge: it was cut off at the limit.
    """
    incoming = current_request()
    if incoming.content_length is None and len(body) >= (
        incoming.max_content_length or 0
    ):
        raise RequestEntityTooLarge()  # werkzeug cuts a chunked body off silently
    if not body:
        return {}
    if not incoming.is_json:
        raise UnsupportedMediaType()
    try:
        return strict_json(body)
    except (ValueError, RecursionError) as error:
        raise InvalidJson(f"body: {type(error).__name__}") from error


def strict_json(body: bytes) -> Any:
    """
    Parse JSON by the standard.

    Raises:
        ValueError: it is not JSON, such as NaN, which Python would accept.
        RecursionError: it is nested too deeply.
    """
    return json.loads(body.decode(), parse_constant=_reject_constant)


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def form_as_json(schema: Schema) -> dict[str, object]:
    """
    The fields of a form as they are in JSON: a file is a ``data:`` URL, the values of a
    list are repeated, and what is neither text nor a list is written as JSON.

    Raises:
        ValidationError: a field that is no list is repeated.
    """
    parts: dict[str, list[str]] = {n: [*texts] for n, texts in request.form.lists()}
    for name, files in request.files.lists():
        for file in files:
            with file.stream as stream:
                content = b64encode(stream.read()).decode()
            parts.setdefault(name, []).append(f"data:;base64,{content}")
    found: dict[str, object] = {}
    for name, values in parts.items():
        field = schema.fields.get(name)
        if isinstance(field, fields.List):
            found[name] = values
            continue
        reject_repeated([name] * len(values))
        found[name] = values[0]
        if not isinstance(field, fields.String | None):
            with suppress(ValueError, RecursionError):  # the schema refuses the text
                found[name] = strict_json(values[0].encode())
    return found


def read_form(schema: Schema) -> dict:
    """
    Load a ``multipart/form-data`` body by *schema*; files are werkzeug's `FileStorage`.

    Raises:
        ValidationError: a field is invalid, repeated, or unknown to the schema.
        UnsupportedMediaType: the body is of another type.
    """
    if request.mimetype != FORM:
        raise UnsupportedMediaType()
    parts: list[tuple[str, list]] = [*request.form.lists(), *request.files.lists()]
    reject_repeated(name for name, values in parts for _ in values)
    return schema.load({name: values[0] for name, values in parts})


def reject_repeated(names: Iterable[str]) -> None:
    """
    Raises:
        ValidationError: a name is repeated, so that its value would be ambiguous.
    """
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ValidationError({name: ["invalid.repeated"] for name in repeated})


def check_query() -> None:
    """
    Reject repeated query parameters, whose value would be ambiguous unless it is a
    list, and any parameter of a route that declares none.
    """
    if not request.query_string or request.endpoint is None:
        return
    view = current_app.view_functions[request.endpoint]
    declared = getattr(view, "query_fields", {})
    reject_repeated(
        name
        for name, _ in request.args.items(multi=True)
        if not isinstance(declared.get(name), fields.List)
    )
    if not declared:
        unknown = {name: ["invalid.unknown_field"] for name in request.args}
        raise ValidationError(unknown)


def idempotency_key() -> str | None:
    """
    The ``Idempotency-Key`` of this request without quotes, scoped to its caller.

    An admin who acts for a user has other keys than the user. With sign-in off keys
    belong to the ``user_id`` that the task is for.

    Raises:
        IdempotencyKeyInvalid: not 1 to 255 visible ASCII characters.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    key = key.strip(" \t")  # no other white space
    if len(key) >= 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    return scoped_key(key)


def scoped_key(key: str) -> str:
    """
    Scope an idempotency key to its caller, as in `idempotency_key`.

    Raises:
        IdempotencyKeyInvalid: not 1 to 255 visible ASCII characters.
    """
    if not 1 <= len(key) <= 255 or not all("!" <= c <= "~" for c in key):
        raise IdempotencyKeyInvalid("malformed key")
    # A key contains no space, so that it cannot imitate another caller's.
    return f"{auth.principal_of_api().user_id} {key}" if auth.needs_sign_in() else key
