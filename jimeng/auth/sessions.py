"""
Sessions of browsers: a signed cookie that names the user, a number and itself.

The number stands on the user's record too; counting it up there ends every session.
A session that was ended alone is named there. Nothing else is kept on the server, so
there is no session id to fix or to guess.
"""

import secrets
from datetime import UTC, datetime, timedelta

from flask import Flask, Response, request, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin

from jimeng import accounts
from jimeng.accounts import users
from jimeng.auth.requests import host_name
from jimeng.config import LOOPBACK, Config
from jimeng.documents import User
from jimeng.errors import UserNotFound
from jimeng.viewers import Viewer

LIFETIME = timedelta(days=30)  # since the day of its latest use


class SessionCookies(SecureCookieSessionInterface):
    """
    Beyond this machine the cookie goes over TLS only, and its name keeps another
    host of the domain from setting it.

    Source: https://www.rfc-editor.org/rfc/rfc6265bis, cookie name prefixes
    """

    def get_cookie_secure(self, app: Flask) -> bool:
        return host_name(request.host) not in LOOPBACK

    def get_cookie_name(self, app: Flask) -> str:
        return self.prefixed(app, super().get_cookie_name(app))

    def prefixed(self, app: Flask, name: str) -> str:
        """A cookie's name as it is sent, be it of this session or not."""
        return f"__Host-{name}" if self.get_cookie_secure(app) else name

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        # Flask would set it with every answer, a stylesheet's too.
        return session.modified

    def save_session(
        self, app: Flask, session: SessionMixin, response: Response
    ) -> None:
        # What a cache may give to anybody must not have somebody's cookie in it.
        if not response.cache_control.public:
            super().save_session(app, session, response)


def setup(app: Flask, config: Config) -> None:
    app.secret_key = config.SECRET_KEY or None
    app.session_interface = SessionCookies()
    app.config.update(
        SESSION_COOKIE_NAME="session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=LIFETIME,
    )


def today() -> str:
    return datetime.now(UTC).date().isoformat()


def begin_session(user: User) -> None:
    """Sign the browser in as *user*, whoever it was before."""
    session.clear()
    session.permanent = True
    session.update(user=user.id, number=user.sessions)
    session.update(id=secrets.token_urlsafe(12), day=today())


def end_session() -> None:
    """Sign the browser out; a copy of its cookie is worth nothing any more."""
    user = session_user()
    if user is not None:
        accounts.end_session(user.id, session["id"])
    session.clear()


def session_user() -> User | None:
    """Whose session the request has; None if it has none that is worth anything."""
    user_id, session_id = session.get("user"), session.get("id")
    if not isinstance(user_id, str):
        return None
    try:
        user = users.find(Viewer(user_id), user_id)
    except UserNotFound:
        return None
    is_ended = session_id is None or session_id in user.ended
    if is_ended or user.sessions != session.get("number") or user.disabled_at:
        return None
    if session.get("day") != today():
        session["day"] = today()  # which sends the cookie again, for a month more
    return user
