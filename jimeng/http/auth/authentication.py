"""Who is asking: the owner of an API key, of a session, or nobody."""

from flask import Request, current_app, g, request

from jimeng import accounts, limits
from jimeng.accounts import second_factor
from jimeng.accounts.failed_attempts import neighbourhood as network_of
from jimeng.config import Config
from jimeng.documents import ApiKey, Session, User
from jimeng.documents.principal import KeyUse, Principal
from jimeng.errors.access import (
    ApiKeyInvalid,
    DoorClosed,
    ScopeTooSmall,
    SecondFactorLacking,
    SignInRequired,
    Unauthorized,
)
from jimeng.http.auth.cross_site import SAFE_METHODS, address, bearer_key, door, is_near
from jimeng.http.auth.session_cookies import session_token, signed_in

GUEST = "guest"  # whoever uses the pages where there is no sign-in


def needs_sign_in() -> bool:
    config: Config = current_app.config["JIMENG"]
    return config.sign_in


def everybody() -> Principal:
    return Principal(GUEST, is_operator=True, address=address(), is_anonymous=True)


def principal_of_api() -> Principal:
    """
    The owner of the request's API key; without sign-in, anybody may do anything.

    Raises:
        Unauthorized: there is no key.
        ApiKeyInvalid: it is unknown, revoked, or expired.
        DoorClosed: it is limited to other doors than the request's.
    """
    if not needs_sign_in():
        return everybody()
    found = g.get("principal_of_api")
    if found is None:
        key, user = accounts.user_of_key(bearer(), g.get("access"))
        if key.doors and door() not in key.doors:
            raise DoorClosed(f"key {key.id} at {door()}", doors=", ".join(key.doors))
        found = g.principal_of_api = principal_of_key(key, user)
    return found


def count(asked: Request) -> None:
    """
    Count the request; probes and files of the pages are not.

    Raises:
        TooManyRequests: its key, its session or its address has made too many.
    """
    if asked.path.startswith(("/health", "/static/")):
        return
    come_from = address(asked)
    # Of this machine is also everybody behind a proxy that was not told of.
    come_from = "" if is_near(come_from) else network_of(come_from)
    counted = limits.count_request(come_from, credential(asked))
    if counted is not None:
        g.access, g.request_limit = counted.access, counted.standing


def credential(asked: Request) -> str:
    """
    What this request is signed in with: the key at the doors of programs, the token of
    the session on pages, however they are written. Empty where there is none.
    """
    if door(asked) != "pages":
        return bearer_key(asked) or ""
    return session_token() if asked.cookies else ""


def bearer() -> str:
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


def principal_of_key(key: ApiKey, user: User) -> Principal:
    scopes = accounts.scopes_of(key, user)
    return Principal(
        user.id,
        is_operator="admin" in scopes,
        scopes=scopes,
        key=KeyUse(
            key.id,
            frozenset(key.models),
            key.per_minute or None,
            key.per_day or None,
            key.user_prefix or "",
        ),
        key_ends_at=key.expires_at,
        address=address(),
        daily_quota=user.daily_quota,
    )


def require_scope() -> None:
    """
    Refuse a key that is not good for the request's method.

    Raises:
        ScopeTooSmall: what changes something needs ``write`` or more.
        Unauthorized: as `principal_of_api`, and so is ApiKeyInvalid.
    """
    check_scope(changes=request.method not in SAFE_METHODS)


def check_scope(*, changes: bool) -> None:
    """
    The same where the method does not tell whether something *changes*.

    Raises:
        ScopeTooSmall: as in `require_scope`, and so is Unauthorized.
    """
    principal = principal_of_api()
    scopes = principal.scopes
    if changes and not principal.may_change:
        with_these = ", ".join(sorted(scopes))
        raise ScopeTooSmall(f"{request.method} with {with_these}", scope="write")
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
    """The browser's session and its user; None without sign-in, or for nobody."""
    if not needs_sign_in():
        return None
    if "current_session" not in g:
        g.current_session = signed_in()
    return g.current_session


def current_user() -> User | None:
    """Who is signed in in this browser; None without sign-in, or for nobody."""
    found = current_session()
    return found[1] if found else None


def principal_of_page() -> Principal:
    """
    Whose pages are asked for; without sign-in they are those of one guest.

    Raises:
        SignInRequired: nobody is signed in.
        SecondFactorLacking: whoever is must set one up first.
    """
    if not needs_sign_in():
        return everybody()
    user = current_user()
    if user is None:
        raise SignInRequired(f"{request.method} {request.path}")
    if lacks_second_factor(user):
        raise SecondFactorLacking(f"{request.method} {request.path}")
    return principal_of(user)


def principal_of(user: User) -> Principal:
    is_admin = user.role == "admin"
    return Principal(
        user.id, is_operator=is_admin, daily_quota=user.daily_quota, address=address()
    )


def lacks_second_factor(user: User) -> bool:
    """Whether the settings ask for one that the user has not."""
    config: Config = current_app.config["JIMENG"]
    return second_factor.is_lacking(user, config.REQUIRE_SECOND_FACTOR)
