"""
Known devices: a signed cookie lists the users who have signed in with this browser.

It does not authenticate. Failed sign-ins from a known device have a counter of their
own, so that an attacker elsewhere cannot lock the owner out.
Source: https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

import secrets
from collections.abc import Mapping
from datetime import timedelta

from flask import Response, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from jimeng.documents import User
from jimeng.http.auth.authentication import SessionCookies

NAME = "device"
LIFETIME = timedelta(days=365)  # since the latest sign-in
MAX_USERS = 8  # of one browser


def known_users() -> Mapping[str, str]:
    """User ids of those who have signed in with this browser -> its device id."""
    try:
        found = _serializer().loads(
            request.cookies.get(_name(), ""), max_age=int(LIFETIME.total_seconds())
        )
    except BadSignature:
        return {}
    return found if isinstance(found, dict) else {}


def remember_device(response: Response, user: User) -> None:
    """Set the cookie that makes this browser a known device of *user*."""
    known = dict(known_users())
    device = known.pop(user.id, None) or secrets.token_urlsafe(12)
    newest = [*known.items(), (user.id, device)][-MAX_USERS:]
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
    assert isinstance(found, SessionCookies)  # noqa: S101 - set by `setup`
    return found


def _name() -> str:
    return _cookies().prefixed(current_app, NAME)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="device")
