"""What somebody has chosen for their browser, kept in its cookies."""

from urllib.parse import urlsplit

from flask import Response, redirect, request

THEME = "theme"
THEMES = ("system", "light", "dark")
YEAR = 365 * 24 * 3600  # seconds


def theme() -> str:
    """The theme that was chosen, else that of the system."""
    chosen = request.cookies.get(THEME)
    return chosen if chosen in THEMES else THEMES[0]


def remember(name: str, value: str) -> Response:
    """Set the cookie and go back to the page that the form stood on."""
    response = redirect(own_path(request.form.get("next", "")), 303)
    keep(response, name, value)  # type: ignore[arg-type]
    return response  # type: ignore[return-value]


def keep(response: Response, name: str, value: str) -> None:
    """Have the browser remember it for a year."""
    response.set_cookie(
        name,
        value,
        max_age=YEAR,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure,
    )


def page_shown() -> str:
    """The path of the page that a form stands on, or that htmx asks for."""
    shown = request.headers.get("HX-Current-URL")
    try:
        url = urlsplit(shown or request.referrer or "")
    except ValueError:  # brackets that hold no address
        return "/"
    if not shown and url.netloc != request.host:
        return "/"
    return own_path(url._replace(scheme="", netloc="", fragment="").geturl())


def own_path(target: str) -> str:
    """*target* if it is a path of this site, else ``/``: never another site."""
    # Browsers read \ as / and leave out tabs and newlines.
    odd = "\\" in target or any(ord(letter) < 33 for letter in target)
    if odd or not target.startswith("/") or target.startswith("//"):
        return "/"
    parts = urlsplit(target)
    return "/" if parts.scheme or parts.netloc else target
