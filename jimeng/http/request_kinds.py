"""What a request is for, as its view says: for the metrics and the log."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Request, current_app

from jimeng.http.auth import SAFE_METHODS

SUBMIT, PICTURE, CALL, POLL = "submit", "picture", "call", "poll"
READ, CHANGE, NONE = "read", "change", "none"
View = TypeVar("View", bound=Callable[..., Any])


def of_kind(kind: str) -> Callable[[View], View]:
    def mark(view: View) -> View:
        view.request_kind = kind  # type: ignore[attr-defined]
        return view

    return mark


# Decorators of views, applied below those that register them.
submits = of_kind(SUBMIT)  # requests a generation
sends_picture = of_kind(PICTURE)  # a picture or a video
takes_calls = of_kind(CALL)  # of an agent
polled = of_kind(POLL)  # by clients and open pages, until something has ended


def kind_of(incoming: Request) -> str:
    """
    The kind that the view of a request is marked with; for any other view ``read`` or
    ``change``, by the method, and ``none`` if there is no such route.
    """
    view = current_app.view_functions.get(incoming.endpoint or "")
    if view is None:
        return NONE
    otherwise = READ if incoming.method in SAFE_METHODS else CHANGE
    if incoming.method == "OPTIONS":  # answered without the view
        return otherwise
    return getattr(view, "request_kind", otherwise)
