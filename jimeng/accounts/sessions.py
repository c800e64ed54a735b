"""
Sessions of browsers: stored, listed, and ended one by one or all at once.

The cookie holds a random token and the record its hash: what is ended is gone, and no
copy of a cookie brings it back. The number on the user's record ends all at once, those
too that are being begun in this moment.
"""

import logging
import secrets
from datetime import datetime, timedelta

from jimeng.accounts import users
from jimeng.documents import Session, User, best_effort, utcnow
from jimeng.documents.credentials import SESSION_IDLE, WITH_OWNERS, digest
from jimeng.documents.principal import Principal
from jimeng.errors.access import SessionNotFound

log = logging.getLogger(__name__)

# After this one signs in anew, however often it is used.
# Source: NIST SP 800-63B, section 4.1.3
MAX_SESSION_AGE = timedelta(days=30)
CONFIRMED_FOR = timedelta(minutes=10)  # the password is not asked for again
USE_STEP = timedelta(minutes=5)  # between two notes of its latest use
MAX_SESSIONS = 50  # of one user; the oldest end
MAX_TOKEN_CHARS = 100  # characters that are looked at
MAX_BROWSER_CHARS = 300  # characters of what it says of itself


def begin_session(
    user: User, *, address: str, browser: str, confirmed_at: datetime | None
) -> str:
    """
    Begin a session; the token that its cookie holds.

    Args:
        browser: What it says it is: ``User-Agent``.
        confirmed_at: When the password was last shown.
    """
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
    The session with that token, and whose it is; notes the use.

    Returns:
        None if it has ended, was idle or lasted too long, or its user is kept out.
    """
    if not isinstance(token, str) or len(token) > MAX_TOKEN_CHARS:
        return None
    now = utcnow()
    mine = {"$match": {"_id": digest(token), **alive(now)}}
    rows = Session.collection().aggregate([mine, WITH_OWNERS])
    row = next(rows, None)
    if row is None or not row["owners"]:
        return None
    session, user = Session.read(row), User.read(row["owners"][0])
    if session.number != user.sessions or user.disabled_at:
        return None
    if session.seen_at < now - USE_STEP:
        seen = {"seen_at": now, "address": address}
        with best_effort("use of a session"):
            Session.collection(durable=False).update_one(
                {"_id": session.id}, {"$set": seen}
            )
    return session, user


def alive(now: datetime) -> dict:
    """Sessions that were not idle for too long, and have not lasted too long."""
    return {
        "seen_at": {"$gt": now - SESSION_IDLE},
        "created_at": {"$gt": now - MAX_SESSION_AGE},
    }


def is_confirmed(session: Session) -> bool:
    """Whether the password was shown in it a few minutes ago."""
    shown = session.confirmed_at
    return shown is not None and shown > utcnow() - CONFIRMED_FOR


def confirm_session(session: Session) -> None:
    """Note that the password has been shown in it."""
    now = {"$set": {"confirmed_at": utcnow()}}
    Session.collection().update_one({"_id": session.id}, now)


def list_sessions(principal: Principal, user_id: str) -> list[Session]:
    """
    Where a user is signed in, the latest use first.

    Raises:
        UserNotFound: as in `users.find`.
    """
    user = users.find(principal, user_id)
    theirs = {"user_id": user.id, "number": user.sessions}
    return Session.find_all({**theirs, **alive(utcnow())}, sort=[("seen_at", -1)])


def end_session(principal: Principal, session_id: str) -> None:
    """
    End one of the principal's own sessions: a copy of its cookie is worth nothing.

    Raises:
        SessionNotFound: it has ended, or is another's.
    """
    mine = {"_id": session_id, "user_id": principal.user_id}
    if not Session.collection().delete_one(mine).deleted_count:
        raise SessionNotFound(f"session of {principal.user_id}")
    log.info("signed out user=%s", principal.user_id)


def end_sessions(user_id: str) -> User:
    """
    End all sessions of a user, in every browser; links to set a password with, too.

    Raises:
        UserNotFound: no such user.
    """
    ended = User.find_and_modify({"_id": user_id}, {"$inc": {"sessions": 1}})
    changed = users.there(ended, user_id)
    forget_sessions(changed)
    log.info("sessions ended user=%s", user_id)
    return changed


def forget_sessions(user: User) -> None:
    """Remove what is left of sessions that have ended by the user's number."""
    with best_effort("ended sessions"):
        others = {"user_id": user.id, "number": {"$ne": user.sessions}}
        Session.collection().delete_many(others)
