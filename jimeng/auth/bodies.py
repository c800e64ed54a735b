"""
Large bodies: how large a request that brings pictures may be, and how many at a time.

Behind `jimeng.serve` a body of more than `MOST_PLAIN` has found a place before any of
it was read; here is the place for those of all servers, and for small pictures.
"""

import threading
from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, current_app, g, request

from jimeng.errors.inputs import ServerBusy

MOST_PLAIN = 1024 * 1024  # bytes of a request's body
MOST_WITH_PICTURES = 16 * 1024 * 1024
PLACES = 4
COME_AGAIN = 2  # seconds
View = TypeVar("View", bound=Callable)

_places = threading.BoundedSemaphore(PLACES)


def brings_pictures(view: View) -> View:
    """Mark a view whose body may hold pictures; it stands nearest to the function."""
    view.brings_pictures = True  # type: ignore[attr-defined]
    return view


def make_room() -> None:
    """
    Let a request that may bring pictures be larger than others, if there is a place.

    Raises:
        ServerBusy: there is none; nothing has been read.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    if not getattr(view, "brings_pictures", False):
        return
    request.max_content_length = MOST_WITH_PICTURES
    size = request.content_length
    is_form = request.mimetype == "multipart/form-data"  # in which files are
    if not is_form and size is not None and size <= MOST_PLAIN:
        return
    if not _places.acquire(blocking=False):
        raise ServerBusy("no place for a large body", retry_after=COME_AGAIN)
    g.has_place = True


def leave_room(error: BaseException | None) -> None:
    if g.pop("has_place", False):
        _places.release()


def take_in(blueprint: Blueprint) -> None:
    """Have the views of *blueprint* that are marked bring pictures."""
    blueprint.before_request(make_room)
    blueprint.teardown_request(leave_room)
