"""
Sessions of browsers: a signed cookie that names the user and a number.

The number stands on the user's record too; counting it up there ends every session.
Nothing is kept on the server, so there is no session id to fix or to guess.
"""

from datetime import timedelta

from flask import Flask, request, session
from flask.sessions import SecureCookieSessionInterface

from jimeng import users
from jimeng.auth.requests import host_name
from jimeng.config import LOOPBACK, Config
from jimeng.documents import User
from jimeng.errors import UserNotFound
from jimeng.viewers import Viewer

LIFETIME = timedelta(days=30)


class SessionCookies(SecureCookieSessionInterface):
    """
    Beyond this machine the cookie goes over TLS only, and its name keeps another
    host of the domain from setting it.

    Source: https://www.rfc-editor.org/rfc/rfc6265bis, cookie name prefixes
    """

    def get_cookie_secure(self, app: Flask) -> bool:
        return host_name(request.host) not in LOOPBACK

    def get_cookie_name(self, app: Flask) -> str:
        name = super().get_cookie_name(app)
        return f"__Host-{name}" if self.get_cookie_secure(app) else name


def setup(app: Flask, config: Config) -> None:
    app.secret_key = config.SECRET_KEY or None
    app.session_interface = SessionCookies()
    app.config.update(
        SESSION_COOKIE_NAME="session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=LIFETIME,
    )


def begin_session(user: User) -> None:
    """Sign the browser in as *user*, whoever it was before."""
    session.clear()
    session.permanent = True
    session.update(user=user.id, number=user.sessions)


def end_session() -> None:
    session.clear()


def session_user() -> User | None:
    """Whose session the request has; None if it has none that is worth anything."""
    user_id, number = session.get("user"), session.get("number")
    if not isinstance(user_id, str):
        return None
    try:
        user = users.find(Viewer(user_id), user_id)
    except UserNotFound:
        return None
    is_good = user.sessions == number and not user.disabled_at
    return user if is_good else None
