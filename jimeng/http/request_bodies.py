"""
What a request brings: a body, read strictly, and the key that it can be repeated with.

A body of more than `MAX_PLAIN` needs a place, which is found by whose it is before
any of it is read here: however much one user sends, the next finds one.
"""

import ctypes
import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from typing import Any, NoReturn, TypeVar

from flask import Blueprint, Request, current_app, g, request
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from jimeng.documents.principal import Principal
from jimeng.errors import IdempotencyKeyInvalid, InvalidJson, TooManyWaiting
from jimeng.errors.inputs import ServerBusy
from jimeng.http import auth
from jimeng.http.long_polls import Places
from jimeng.http.requests import this_request

MAX_PLAIN = 1024 * 1024  # bytes of a request's body
MAX_WITH_PICTURES = 16 * 1024 * 1024
PLACES = 8  # for large bodies, in each process
PLACE_TIMEOUT_S = 12.0  # until one is free; who is too slow leaves it after ten
RETRY_AFTER_S = 2  # seconds
View = TypeVar("View", bound=Callable)

# glibc keeps what a thread has freed for that thread: a web process that had a few
# large bodies kept hundreds of megabytes for good. Other C libraries have no such call.
return_memory = getattr(ctypes.CDLL(None), "malloc_trim", lambda pad_bytes: None)

_places = Places(PLACES)


def brings_pictures(view: View) -> View:
    """Mark a view whose body may hold pictures; it stands nearest to the function."""
    view.brings_pictures = True  # type: ignore[attr-defined]
    return view


def make_room(viewer_of_request: Callable[[], Principal]) -> None:
    """
    Let a request that may bring pictures be larger than others, if there is a place.

    Raises:
        ServerBusy: there is none for this user; nothing has been read.
        JimengError: as *viewer_of_request*: nobody else sends as much.
    """
    asked = this_request()
    view = current_app.view_functions.get(asked.endpoint or "")
    if not getattr(view, "brings_pictures", False):
        return
    asked.max_content_length = MAX_WITH_PICTURES
    size = asked.content_length
    if size is not None and size <= MAX_PLAIN:
        return
    place = ExitStack()
    try:
        place.enter_context(_places.one(viewer_of_request().person, PLACE_TIMEOUT_S))
    except TooManyWaiting as error:
        busy = f"no place for a large body: {error}"
        raise ServerBusy(busy, retry_after=RETRY_AFTER_S) from None
    g.place = place


def leave_room(error: BaseException | None) -> None:
    if place := g.pop("place", None):
        place.close()
        return_memory(0)


def take_in(blueprint: Blueprint, viewer_of_request: Callable[[], Principal]) -> None:
    """Have the views of *blueprint* that are marked bring pictures."""
    blueprint.before_request(partial(make_room, viewer_of_request))
    blueprint.teardown_request(leave_room)


class StrictParser(FlaskParser):
    """
    Reads a request's body as JSON and nothing else, and lets no field pass that
    the schema does not know. The body stays in ``g.body`` as it came.
    """

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": None, "query": None}

    def get_default_request(self) -> Request:
        return this_request()

    def load_json(self, req, schema: Schema) -> object:
        body = req.get_data(cache=True)
        if len(body) > MAX_PLAIN and b'"data:' not in body:
            raise RequestEntityTooLarge()  # there are no pictures in it
        found = g.body = json_of(body)
        return found

    def handle_error(self, error, req, schema, *, error_status_code, error_headers):
        # webargs puts the location around the fields; the contract does not.
        raise ValidationError(next(iter(error.messages.values())))


def json_of(body: bytes) -> Any:
    """
    What the *body* of this request says; ``{}`` where there is none.

    Raises:
        InvalidJson: it is none; UnsupportedMediaType, if it does not say that it is.
    """
    asked = this_request()
    if asked.content_length is None and len(body) >= (asked.max_content_length or 0):
        raise RequestEntityTooLarge()  # it would have been cut off there, silently
    if not body:
        return {}
    if not asked.is_json:
        raise UnsupportedMediaType()
    try:
        return strict_json(body)
    except (ValueError, RecursionError) as error:
        raise InvalidJson(f"body: {type(error).__name__}") from error


def strict_json(body: bytes) -> Any:
    """
    Raises:
        ValueError: it is no JSON, such as NaN, which Python would read.
        RecursionError: it is too deep.
    """
    return json.loads(body.decode(), parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


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
    return f"{auth.principal_of_api().user_id} {key}" if auth.needs_sign_in() else key
