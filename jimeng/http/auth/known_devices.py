"""
Browsers that somebody has signed in with before: a cookie that says with whom.

It lets nobody in. Wrong passwords from such a browser have a counter of their own, so
that whoever fails elsewhere on purpose does not keep the owner out.
Source: https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from jimeng.documents import User
from jimeng.http.auth.session_cookies import SessionCookies

NAME = "device"
LIFETIME = timedelta(days=365)  # since the latest sign-in
MAX_PEOPLE = 8  # who share a browser


def known_people() -> Mapping[str, str]:
    """The ids of the users who have signed in here -> the browser's id with each."""
    try:
        found = _serializer().loads(
            request.cookies.get(_name(), ""), max_age=int(LIFETIME.total_seconds())
        )
    except BadSignature:
        return {}
    return found if isinstance(found, dict) else {}


def remember(response: Response, user: User) -> None:
    """Let the browser be known as one that *user* has signed in with."""
    known = dict(known_people())
    device = known.pop(user.id, None) or secrets.token_urlsafe(12)
    newest = [*known.items(), (user.id, device)][-MAX_PEOPLE:]
    response.set_cookie(
        _name(),
        _serializer().dumps(dict(newest)),
        max_age=LIFETIME,
        httponly=True,
        secure=_cookies().get_cookie_secure(current_app),
        samesite="Strict",
    )


def _cookies() -> SessionCookies:
    found = current_app.session_interface
    assert isinstance(found, SessionCookies)  # noqa: S101 - `setup` has put it there
    return found


def _name() -> str:
    return _cookies().prefixed(current_app, NAME)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="device")
