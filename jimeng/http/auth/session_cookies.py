"""Browser sessions: a signed cookie holds a token; only its hash is stored."""

from contextlib import suppress
from datetime import datetime

from flask import Flask, Request, Response, request, session
from flask.sessions import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionMixin,
)

from jimeng import accounts
from jimeng.config import LOOPBACK, Config
from jimeng.documents import Session, User
from jimeng.documents.principal import Principal
from jimeng.errors.access import SessionNotFound
from jimeng.http.auth.cross_site import client_address, host_name


class SessionCookies(SecureCookieSessionInterface):
    """
    Cookies that are ``Secure`` and have the ``__Host-`` prefix, except on loopback:
    other hosts of the domain cannot set them.

    Source: https://www.rfc-editor.org/rfc/rfc6265bis, cookie name prefixes
    """

    def get_cookie_secure(self, app: Flask) -> bool:
        return host_name(request.host) not in LOOPBACK

    def get_cookie_name(self, app: Flask) -> str:
        return self.prefixed(app, super().get_cookie_name(app))

    def prefixed(self, app: Flask, name: str) -> str:
        """The cookie's name as it is sent, with the ``__Host-`` prefix if secure."""
        return f"__Host-{name}" if self.get_cookie_secure(app) else name

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        # Most requests have no cookie: do not build a signature serializer for them.
        if app.secret_key and self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        # Flask would refresh it with every response, even a stylesheet's.
        return session.modified

    def save_session(
        self, app: Flask, session: SessionMixin, response: Response
    ) -> None:
        # A response that shared caches may store must not carry a user's cookie.
        if session.accessed and not response.cache_control.public:
            super().save_session(app, session, response)


def setup(app: Flask, config: Config) -> None:
    app.secret_key = config.SECRET_KEY or None
    app.session_interface = SessionCookies()
    app.config.update(
        SESSION_COOKIE_NAME="session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=accounts.MAX_SESSION_AGE,
    )


def begin_session(user: User, *, confirmed_at: datetime | None) -> None:
    """
    Sign the browser in as *user*; an earlier session of the same user ends.

    Args:
        confirmed_at: When the password was last entered.
    """
    before = session_and_user()
    token = accounts.begin_session(
        user,
        address=client_address(),
        browser=request.user_agent.string,
        confirmed_at=confirmed_at,
    )
    session.clear()
    session.permanent = True
    session["id"] = token
    if before is not None and before[1].id == user.id:
        _end(before[0])


def end_session() -> None:
    """Sign the browser out; copies of its cookie become invalid."""
    found = session_and_user()
    if found is not None:
        _end(found[0])
    session.clear()


def _end(found: Session) -> None:
    with suppress(SessionNotFound):  # another request has ended it
        accounts.end_session(Principal(found.user_id), found.id)


def is_confirmed() -> bool:
    """Whether the password was entered in this session in the last few minutes."""
    found = session_and_user()
    return found is not None and accounts.is_confirmed(found[0])


def confirm_session() -> None:
    """Record that the password was just entered in this session."""
    found = session_and_user()
    if found is not None:
        accounts.confirm_session(found[0])


def has_session_cookie() -> bool:
    """Whether the browser sends a session cookie, valid or not."""
    return "id" in session


def session_and_user() -> tuple[Session, User] | None:
    """The request's session and its user; None if it is missing or invalid."""
    return accounts.session_of(session_token(), address=client_address())


def session_token() -> str:
    """The token in the session cookie; empty without a valid signature."""
    token = session.get("id")
    return token if isinstance(token, str) else ""
