"""Authentication: by API key, by browser session, or anonymous."""

import logging
from contextlib import suppress
from datetime import datetime

from flask import Flask, Request, Response, current_app, g, request, session
from flask.sessions import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionMixin,
)

from jimeng import accounts, limits
from jimeng.accounts import second_factor
from jimeng.accounts.failed_attempts import network_of
from jimeng.config import LOOPBACK, Config
from jimeng.documents import ApiKey, Session, User
from jimeng.documents.principal import Customers, KeyUse, Principal
from jimeng.errors import ConfigError
from jimeng.errors.access import (
    ApiKeyInvalid,
    InterfaceNotAllowed,
    ScopeTooSmall,
    SecondFactorLacking,
    SessionNotFound,
    SignInRequired,
    Unauthorized,
)
from jimeng.http.auth.cross_site import (
    SAFE_METHODS,
    bearer_key,
    client_address,
    host_name,
    interface_of,
    is_loopback,
)

log = logging.getLogger(__name__)


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


def require_access(config: Config) -> None:
    """
    Refuse to start with unsafe access, unless the operator has allowed it.

    Raises:
        ConfigError: sign-in is on and there is no ``SECRET_KEY``, or it is off and
            ``ALLOW_OPEN_ACCESS`` is not set.
    """
    if config.sign_in and not config.SECRET_KEY:
        raise ConfigError(
            "SECRET_KEY is missing, which sessions are signed with: set it to what "
            '`python -c "import secrets; print(secrets.token_hex(32))"` prints'
        )
    if not config.sign_in and not config.ALLOW_OPEN_ACCESS:
        raise ConfigError(
            "AUTH=off lets anybody who reaches this server use it, on loopback those "
            "whom a proxy passes on: set ALLOW_OPEN_ACCESS=1 if that is meant, behind "
            "a proxy that asks for a password"
        )


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


GUEST = "guest"  # the user of all pages where sign-in is off


def needs_sign_in() -> bool:
    config: Config = current_app.config["JIMENG"]
    return config.sign_in


def anonymous_principal() -> Principal:
    return Principal(
        GUEST, is_operator=True, address=client_address(), is_anonymous=True
    )


def principal_of_api() -> Principal:
    """
    The principal of the request's API key; with sign-in off, an anonymous operator.

    Raises:
        Unauthorized: there is no key.
        ApiKeyInvalid: it is unknown, revoked, or expired.
        InterfaceNotAllowed: it is limited to other interfaces than the request's.
    """
    if not needs_sign_in():
        return anonymous_principal()
    found = g.get("principal_of_api")
    if found is None:
        key, user, use = accounts.user_of_key(require_bearer_key(), g.get("access"))
        allowed = key.allowed_interfaces
        if allowed and interface_of() not in allowed:
            raise InterfaceNotAllowed(
                f"key {key.id} at {interface_of()}", doors=", ".join(allowed)
            )
        found = g.principal_of_api = principal_of_key(key, user, use)
    return found


def count_request(incoming: Request, *, is_order: bool) -> None:
    """
    Count the request in the rate limiter; health checks and static files are exempt.

    Args:
        is_order: As in `limits.count_request`.

    Raises:
        TooManyRequests: its key, session or address has sent too many.
    """
    if incoming.path.startswith(("/health", "/static/", "/app.css")):
        return
    client = client_address(incoming)
    # Behind a proxy that is not configured every client has a loopback address.
    network = "" if is_loopback(client) else network_of(client)
    counted = limits.count_request(network, credential(incoming), is_order=is_order)
    if counted is not None:
        g.access, g.request_limit = counted.access, counted.standing


def credential(incoming: Request) -> str:
    """
    The request's credential, unverified: the API key, or on pages the session token.
    Empty without one.
    """
    if interface_of(incoming) != "pages":
        return bearer_key(incoming) or ""
    return session_token() if incoming.cookies else ""


def require_bearer_key() -> str:
    """
    The request's key.

    Raises:
        Unauthorized: the header is missing, or of another kind.
        ApiKeyInvalid: it has no key in it.
    """
    key = bearer_key(request)
    if key is None:
        raise Unauthorized("no API key")
    if not key or not key.isascii():
        raise ApiKeyInvalid("an empty or odd key")
    return key


def principal_of_key(key: ApiKey, user: User, use: KeyUse) -> Principal:
    scopes = accounts.scopes_of(key, user)
    return Principal(
        user.id,
        is_operator="admin" in scopes,
        scopes=scopes,
        key=use,
        key_ends_at=key.expires_at,
        address=client_address(),
        daily_quota=user.daily_quota,
        budgets=user.budgets,
    )


def require_scope() -> None:
    """
    Refuse a key whose scopes do not cover the request's method.

    Raises:
        ScopeTooSmall: methods that change something need ``write`` or more.
        Unauthorized: as `principal_of_api`, and so is ApiKeyInvalid.
    """
    check_scope(changes=request.method not in SAFE_METHODS)


def check_scope(*, changes: bool) -> None:
    """
    Check the key's scopes where the HTTP method does not say whether the call
    *changes* something.

    Raises:
        ScopeTooSmall: as in `require_scope`, and so is Unauthorized.
    """
    principal = principal_of_api()
    scopes = principal.scopes
    if changes and not principal.may_change:
        granted = ", ".join(sorted(scopes))
        raise ScopeTooSmall(f"{request.method} with {granted}", scope="write")
    if not scopes:
        raise ScopeTooSmall("a key without scopes", scope="read")


def require_operator_of_api() -> Principal:
    """
    The principal, if it is an operator.

    Raises:
        AdminsOnly: it is not.
        Unauthorized: as `principal_of_api`, and so is ApiKeyInvalid.
    """
    principal = principal_of_api()
    principal.require_operator(f"{request.method} {request.path}")
    return principal


def current_session() -> tuple[Session, User] | None:
    """The browser's session and its user, or None; read once per request."""
    if not needs_sign_in():
        return None
    if "current_session" not in g:
        g.current_session = session_and_user()
    return g.current_session


def current_user() -> User | None:
    """The user who is signed in with this browser, or None."""
    found = current_session()
    return found[1] if found else None


def principal_of_page() -> Principal:
    """
    The principal of the browser's session; with sign-in off, the guest.

    Raises:
        SignInRequired: the request is anonymous.
        SecondFactorLacking: the user must set up a second factor first.
    """
    if not needs_sign_in():
        return anonymous_principal()
    user = current_user()
    if user is None:
        raise SignInRequired(f"{request.method} {request.path}")
    if lacks_second_factor(user):
        raise SecondFactorLacking(f"{request.method} {request.path}")
    return principal_of(user)


def principal_of(user: User) -> Principal:
    is_admin = user.role == "admin"
    return Principal(
        user.id,
        is_operator=is_admin,
        daily_quota=user.daily_quota,
        budgets=user.budgets,
        own_customers=customers_of(user),
        address=client_address(),
    )


def customers_of(user: User) -> Customers:
    """The user's customers, looked up once per request."""
    found: dict[str, Customers] = g.setdefault("customers", {})
    if user.id not in found:
        found[user.id] = accounts.customers_of(user.id, user.user_prefixes)
    return found[user.id]


def lacks_second_factor(user: User) -> bool:
    """Whether the settings require a second factor that the user has not set up."""
    config: Config = current_app.config["JIMENG"]
    return second_factor.is_lacking(user, config.REQUIRE_SECOND_FACTOR)
