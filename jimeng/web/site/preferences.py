"""Preferences stored in cookies, and paths that are safe to redirect to."""

from urllib.parse import urlsplit

from flask import Response, redirect, request

THEME = "theme"
THEMES = ("system", "light", "dark")
COOKIE_MAX_AGE_S = 365 * 24 * 3600


def theme() -> str:
    """The chosen theme, else the system's."""
    chosen = request.cookies.get(THEME)
    return chosen if chosen in THEMES else THEMES[0]


def remember(name: str, value: str) -> Response:
    """Set the cookie, and redirect to the page of the form."""
    response = redirect(own_path(request.form.get("next", "")), 303)
    set_preference_cookie(response, name, value)  # type: ignore[arg-type]
    return response  # type: ignore[return-value]


def set_preference_cookie(response: Response, name: str, value: str) -> None:
    """Set a cookie for a year."""
    response.set_cookie(
        name,
        value,
        max_age=COOKIE_MAX_AGE_S,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


def page_shown() -> str:
    """The path of the page that sent the form or the htmx request."""
    shown = request.headers.get("HX-Current-URL")
    try:
        url = urlsplit(shown or request.referrer or "")
    except ValueError:  # malformed brackets in the host
        return "/"
    if not shown and url.netloc != request.host:
        return "/"
    return own_path(url._replace(scheme="", netloc="", fragment="").geturl())


def own_path(target: str) -> str:
    """*target* if it is a path of this site, else ``/``, against open redirects."""
    # Browsers read \ as / and drop tabs and newlines.
    odd = "\\" in target or any(ord(letter) < 33 for letter in target)
    if odd or not target.startswith("/") or target.startswith("//"):
        return "/"
    parts = urlsplit(target)
    return "/" if parts.scheme or parts.netloc else target
