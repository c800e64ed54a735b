"""
Browser sessions: stored, listed, and ended one by one or all at once.

The cookie has a random token and the record its hash: an ended session is deleted, so
that copies of its cookie are invalid. Incrementing the number on the user's record ends
all sessions at once, including those that are just being created.
"""

import logging
import secrets
from datetime import datetime, timedelta

from jimeng.accounts import users
from jimeng.documents import Session, User, best_effort, utcnow
from jimeng.documents.credentials import SESSION_IDLE, WITH_OWNERS, digest
from jimeng.documents.principal import Principal
from jimeng.errors.access import SessionNotFound, SignInRequired

log = logging.getLogger(__name__)

# After this the user signs in again, even if the session is in use.
# Source: NIST SP 800-63B, section 4.1.3
MAX_SESSION_AGE = timedelta(days=30)
CONFIRMED_FOR = timedelta(minutes=10)  # validity of a password confirmation
USE_STEP = timedelta(minutes=5)  # between two updates of a session's latest use
MAX_SESSIONS = 50  # per user; the oldest end
MAX_TOKEN_CHARS = 100  # longer tokens are invalid
MAX_BROWSER_CHARS = 300  # stored characters of the User-Agent header


def begin_session(
    user: User, *, address: str, browser: str, confirmed_at: datetime | None
) -> str:
    """
    Begin a session, and return its token for the cookie.

    Args:
        browser: The ``User-Agent`` header.
        confirmed_at: When the password was last entered.

    Raises:
        SignInRequired: the user is disabled, such as since the request was let in. Who
            is disabled later gets another number by the same update, which ends the
            session.
    """
    if user.disabled_at:
        raise SignInRequired(f"user {user.id} is disabled")
    token = secrets.token_urlsafe(32)
    session = Session(
        id=digest(token),
        user_id=user.id,
        number=user.sessions,
        address=address,
        browser=browser[:MAX_BROWSER_CHARS],
        confirmed_at=confirmed_at,
    )
    session.add()
    with best_effort("older sessions"):
        newest = [("created_at", -1)]
        mine = {"user_id": user.id}
        if ids := Session.find_ids(mine, sort=newest, skip=MAX_SESSIONS):
            Session.collection().delete_many({"_id": {"$in": ids}})
    return token


def session_of(token: object, *, address: str) -> tuple[Session, User] | None:
    """
    Find the session with that token and its user; record the use.

    Returns:
        None if it has ended or expired, or its user is disabled.
    """
    if not isinstance(token, str) or len(token) > MAX_TOKEN_CHARS:
        return None
    now = utcnow()
    mine = {"$match": {"_id": digest(token), **valid_at(now)}}
    rows = Session.collection().aggregate([mine, WITH_OWNERS])
    row = next(rows, None)
    if row is None or not row["owners"]:
        return None
    session, user = Session.read(row), User.read(row["owners"][0])
    if session.number != user.sessions:
        return None
    if session.seen_at < now - USE_STEP:
        seen = {"seen_at": now, "address": address}
        with best_effort("use of a session"):
            Session.collection(durable=False).update_one(
                {"_id": session.id}, {"$set": seen}
            )
    return session, user


def valid_at(now: datetime) -> dict:
    """Build a filter for sessions that have not expired, by idle time or by age."""
    return {
        "seen_at": {"$gt": now - SESSION_IDLE},
        "created_at": {"$gt": now - MAX_SESSION_AGE},
    }


def is_confirmed(session: Session) -> bool:
    """Whether the password was entered in this session within `CONFIRMED_FOR`."""
    shown = session.confirmed_at
    return shown is not None and shown > utcnow() - CONFIRMED_FOR


def confirm_session(session: Session) -> None:
    """Record that the password was just entered in this session."""
    now = {"$set": {"confirmed_at": utcnow()}}
    Session.collection().update_one({"_id": session.id}, now)


def list_sessions(principal: Principal, user_id: str) -> list[Session]:
    """
    List the sessions of a user, most recently used first.

    Raises:
        UserNotFound: as in `users.find`.
    """
    user = users.find(principal, user_id)
    theirs = {"user_id": user.id, "number": user.sessions}
    return Session.find_all({**theirs, **valid_at(utcnow())}, sort=[("seen_at", -1)])


def end_session(principal: Principal, session_id: str) -> None:
    """
    End one of the principal's own sessions; copies of its cookie become invalid.

    Raises:
        SessionNotFound: it has ended, or is another user's.
    """
    mine = {"_id": session_id, "user_id": principal.user_id}
    if not Session.collection().delete_one(mine).deleted_count:
        raise SessionNotFound(f"session of {principal.user_id}")
    log.info("signed out user=%s", principal.user_id)


def end_sessions(user_id: str) -> User:
    """
    End all sessions of a user, and invalidate invitations.

    Raises:
        UserNotFound: no such user.
    """
    ended = User.find_and_modify({"_id": user_id}, {"$inc": {"sessions": 1}})
    changed = users.require_found(ended, user_id)
    forget_sessions(changed)
    log.info("sessions ended user=%s", user_id)
    return changed


def forget_sessions(user: User) -> None:
    """Delete the records of sessions that the user's number has ended."""
    with best_effort("ended sessions"):
        others = {"user_id": user.id, "number": {"$ne": user.sessions}}
        Session.collection().delete_many(others)
