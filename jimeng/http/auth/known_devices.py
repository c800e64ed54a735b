"""
Known devices: a signed cookie lists the users who have signed in with this browser.

It does not authenticate. Failed sign-ins from a known device have a counter of their
own, so that an attacker elsewhere cannot lock the owner out. What ends all sessions of
a user ends the user's known devices, too.
Source: https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer

from jimeng.accounts import KnownDevice
from jimeng.documents import User
from jimeng.http.auth import authentication
from jimeng.http.auth.authentication import SessionCookies

NAME = "device"
LIFETIME = timedelta(days=365)  # since the latest sign-in
MAX_USERS = 8  # of one browser


def begin_session(user: User, *, confirmed_at: datetime | None) -> None:
    """
    Sign the browser in as *user*, as `authentication.begin_session`; from now on it is
    a known device of that user.
    """
    authentication.begin_session(user, confirmed_at=confirmed_at)
    after_this_request(lambda response: remember_device(response, user))


def known_users() -> Mapping[str, KnownDevice]:
    """User ids of those who have signed in with this browser -> what it is to them."""
    try:
        found = _serializer().loads(
            request.cookies.get(_name(), ""), max_age=int(LIFETIME.total_seconds())
        )
    except BadSignature:
        return {}
    # Releases before these numbers stored the device id alone, which nothing ends.
    return {of: KnownDevice(*each) for of, each in found.items() if len(each) == 2}


def remember_device(response: Response, user: User) -> Response:
    """Set the cookie that makes this browser a known device of *user*."""
    known = dict(known_users())
    before = known.pop(user.id, None)
    device = before.id if before else secrets.token_urlsafe(12)
    now = KnownDevice(device, user.sessions)
    newest = [*known.items(), (user.id, now)][-MAX_USERS:]
    response.set_cookie(
        _name(),
        _serializer().dumps(dict(newest)),
        max_age=LIFETIME,
        httponly=True,
        secure=_cookies().get_cookie_secure(current_app),
        samesite="Strict",
    )
    return response


def _cookies() -> SessionCookies:
    found = current_app.session_interface
    assert isinstance(found, SessionCookies)  # noqa: S101 - set by `setup`
    return found


def _name() -> str:
    return _cookies().prefixed(current_app, NAME)


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="device")
