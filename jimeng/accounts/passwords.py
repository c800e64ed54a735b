"""Passwords, and how often one may be guessed."""

import hashlib
import logging
import math
import secrets
from datetime import timedelta
from ipaddress import ip_address, ip_network

from werkzeug.security import check_password_hash, generate_password_hash

from jimeng import documents
from jimeng.documents import Attempts, User, utcnow
from jimeng.documents.user import email_key
from jimeng.errors import Invalid, SignInFailed, TooManyAttempts, UserNotFound
from jimeng.viewers import Viewer

log = logging.getLogger(__name__)

SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 256  # characters
PERIOD = timedelta(minutes=15)
# Failures within `PERIOD`. An address may stand for an office, so it has more.
MOST_BY_ACCOUNT, MOST_BY_ADDRESS = 10, 50
METHOD = "scrypt:32768:8:1"  # werkzeug's, and its parameters
MOST_ENDED = 100  # sessions of one user that are remembered as ended


def user_of_password(email: str, password: str, *, address: str) -> User:
    """
    Whose e-mail and password these are.

    Whether the account does not exist, has no password, is disabled, or the
    password is wrong, cannot be told from the answer or from its time.

    Args:
        address: Where the request comes from.

    Raises:
        TooManyAttempts: too many have failed lately, from there or for it.
        SignInFailed: anything else that is wrong.
    """
    documents.ensure_indexes()
    account = counted("account", email_key(email))
    place = counted("address", neighbourhood(address))
    for counter, most in ((account, MOST_BY_ACCOUNT), (place, MOST_BY_ADDRESS)):
        take_attempt(counter, most)
    user = User.find_one({"email_key": email_key(email)})
    hashed = (user.password if user else None) or no_password()
    is_right = check_password_hash(hashed, password[:LONGEST_PASSWORD])
    if user is None or not user.password or user.disabled_at or not is_right:
        log.info("sign-in failed user=%s", user.id if user else "-")
        raise SignInFailed("wrong e-mail or password")
    Attempts.collection().delete_one({"_id": account})
    Attempts.collection().update_one({"_id": place}, {"$inc": {"count": -1}})
    log.info("signed in user=%s", user.id)
    return user


def no_password() -> str:
    """
    What no password hashes to, and as much work to compare with as any hash.

    It is made without that work: the first time it would be done twice otherwise,
    which would tell that there is no such account.
    """
    return f"{METHOD}${secrets.token_hex(8)}${secrets.token_hex(64)}"


def neighbourhood(address: str) -> str:
    """
    Whom attempts are counted for: an IPv4 address, or what a customer has of IPv6,
    which is 2^64 addresses at least.
    """
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return address  # of a socket of Unix, for instance
    if ip.version == 4:
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, 64), strict=False))


def counted(kind: str, of: str) -> str:
    """The counter's id; what it counts for is nobody's to read."""
    return f"{kind}:{hashlib.sha256(of.encode()).hexdigest()[:32]}"


def take_attempt(counter: str, most: int) -> None:
    """
    Count one before it is tried, so that many at once are no way around.

    Raises:
        TooManyAttempts: with the seconds until the counter begins anew.
    """
    now = utcnow()
    anew = {"$lte": [{"$ifNull": ["$expires_at", now]}, now]}
    found = Attempts.swap(
        {"_id": counter},
        [
            {
                "$set": {
                    "count": {"$cond": [anew, 1, {"$add": ["$count", 1]}]},
                    "expires_at": {"$cond": [anew, now + PERIOD, "$expires_at"]},
                }
            }
        ],
        upsert=True,
    )
    if found and found.count > most:
        left = math.ceil((found.expires_at - now).total_seconds())
        kind, minutes = counter.partition(":")[0], math.ceil(left / 60)
        raise TooManyAttempts(kind, retry_after=left, minutes=minutes)


def password_problem(password: str, user: User) -> tuple[str, dict] | None:
    """Why a password cannot be taken, as a key of ``i18n``; None if it can."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return "invalid.password_length", {
            "min": SHORTEST_PASSWORD,
            "max": LONGEST_PASSWORD,
        }
    if password.casefold() in {user.email.casefold(), user.name.casefold()}:
        return "invalid.password_is_name", {}
    if len(set(password)) < 4:
        return "invalid.password_simple", {}
    return None


def hash_password(user: User, password: str, *, field: str = "password") -> str:
    """
    What is kept of a password; takes a tenth of a second of work.

    Raises:
        Invalid: too short, too long, or easily guessed.
    """
    problem = password_problem(password, user)
    if problem:
        raise Invalid.field(field, problem[0], **problem[1])
    return generate_password_hash(password, METHOD)


def store_password(user: User, hashed: str, invitation: str | None = None) -> User:
    """
    Give a user the password of `hash_password`; all sessions end.

    Args:
        invitation: The id of the one that is used up by this.

    Raises:
        UserNotFound: the user is gone, or the invitation has been used before.
    """
    given = {"password": hashed, "updated_at": utcnow()}
    where: dict = {"_id": user.id}
    if invitation is not None:
        where["accepted"] = {"$ne": invitation}
        given["accepted"] = invitation
    changed = User.swap(where, {"$set": given, "$inc": {"sessions": 1}})
    if changed is None:
        raise UserNotFound(f"user {user.id}")
    log.info("password set user=%s", user.id)
    return changed


def set_password(viewer: Viewer, *, current: str, new: str, address: str) -> User:
    """
    Change the viewer's own password; all sessions end.

    Raises:
        Invalid: the current one is wrong, or the new one cannot be taken.
        TooManyAttempts: as `user_of_password`.
        UserNotFound: the viewer has no record.
    """
    user = User.find_one({"_id": viewer.user_id})
    if user is None:
        raise UserNotFound(f"user {viewer.user_id}")
    try:
        user_of_password(user.email, current, address=address)
    except SignInFailed as error:
        raise Invalid.field("current", "invalid.password_wrong") from error
    return store_password(user, hash_password(user, new, field="new"))


def end_sessions(user_id: str) -> User:
    """
    End all sessions of a user, in every browser.

    Raises:
        UserNotFound: no such user.
    """
    changed = User.swap({"_id": user_id}, {"$inc": {"sessions": 1}})
    if changed is None:
        raise UserNotFound(f"user {user_id[:64]!r}")
    log.info("sessions ended user=%s", user_id)
    return changed


def end_session(user_id: str, session_id: str) -> None:
    """End one session: whoever has a copy of its cookie is out, too."""
    newest = {"$each": [session_id], "$slice": -MOST_ENDED}
    User.collection().update_one({"_id": user_id}, {"$push": {"ended": newest}})
    log.info("signed out user=%s", user_id)
