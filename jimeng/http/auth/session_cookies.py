"""Sessions of browsers: a signed cookie with a token, of which the hash is stored."""

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
from jimeng.http.auth.cross_site import address, host_name


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
        """The name of a cookie as it is sent, whether of signed-in users or not."""
        return f"__Host-{name}" if self.get_cookie_secure(app) else name

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        # Most requests are without one: what reads its signature is not made for them.
        if app.secret_key and self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        # Flask would set it with every answer, a stylesheet's too.
        return session.modified

    def save_session(
        self, app: Flask, session: SessionMixin, response: Response
    ) -> None:
        # What a cache may give to anybody must not have somebody's cookie in it.
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
    Sign the browser in as *user*, whoever it was before.

    Args:
        confirmed_at: When the password was last shown.
    """
    before = signed_in()
    token = accounts.begin_session(
        user,
        address=address(),
        browser=request.user_agent.string,
        confirmed_at=confirmed_at,
    )
    session.clear()
    session.permanent = True
    session["id"] = token
    if before is not None and before[1].id == user.id:
        end(before[0])


def end_session() -> None:
    """Sign the browser out; a copy of its cookie is worth nothing any more."""
    found = signed_in()
    if found is not None:
        end(found[0])
    session.clear()


def end(found: Session) -> None:
    with suppress(SessionNotFound):  # somebody else was faster
        accounts.end_session(Principal(found.user_id), found.id)


def is_confirmed() -> bool:
    """Whether whoever is signed in has shown the password a few minutes ago."""
    found = signed_in()
    return found is not None and accounts.is_confirmed(found[0])


def confirm_session() -> None:
    """Note that the password has been shown."""
    found = signed_in()
    if found is not None:
        accounts.confirm_session(found[0])


def had_session() -> bool:
    """Whether the browser comes with a session, be it worth something or not."""
    return "id" in session


def signed_in() -> tuple[Session, User] | None:
    """The request's session, and whose it is; None if it is worth nothing."""
    return accounts.session_of(session_token(), address=address())


def session_token() -> str:
    """What the cookie says, if it is signed by us; empty if there is none."""
    token = session.get("id")
    return token if isinstance(token, str) else ""
