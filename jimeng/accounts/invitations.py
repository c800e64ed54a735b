"""Invitations: links that set a password, once and within a day."""

import logging
import secrets
from datetime import timedelta

from jimeng.accounts import users
from jimeng.accounts.passwords import hash_password, store_password
from jimeng.accounts.sessions import MAX_TOKEN_CHARS
from jimeng.documents import Invitation, User, best_effort, utcnow
from jimeng.documents.credentials import digest
from jimeng.documents.principal import Principal, recorded_on_behalf
from jimeng.errors.access import InvitationInvalid, UserNotFound

log = logging.getLogger(__name__)

LIFETIME = timedelta(hours=24)


def invite(principal: Principal, user_id: str) -> str:
    """
    Create the token of an invitation; the user's earlier ones become invalid.

    Raises:
        AdminsOnly: the principal is not an operator.
        UserNotFound: no such user.
    """
    principal.require_operator("invitation")
    user = users.find(principal, user_id)
    log.info("user invited user=%s by=%s", user_id, principal.user_id)
    with recorded_on_behalf(principal, user.id, "users.invite_again"):
        return make_link(user)


def make_link(user: User) -> str:
    """Create an invitation's token for a user, who may not be stored yet."""
    token = secrets.token_urlsafe(32)
    Invitation.collection().delete_many({"user_id": user.id})
    invitation = Invitation(
        id=digest(token),
        user_id=user.id,
        number=user.sessions,
        email_key=user.email_key,
        expires_at=utcnow() + LIFETIME,
    )
    invitation.add()
    return token


def user_of_invitation(token: str) -> User:
    """
    Find the user of an invitation.

    Raises:
        InvitationInvalid: it was used, replaced, expired or never existed; or the
            user's password or e-mail has changed since, or the user is disabled.
    """
    where = {"_id": digest(token), "expires_at": {"$gt": utcnow()}}
    found = Invitation.find_one(where) if len(token) <= MAX_TOKEN_CHARS else None
    user = None
    if found is not None:
        seen = users.unchanged_since(found.user_id, found.number, found.email_key)
        user = User.find_one(seen)
    if user is None:
        raise InvitationInvalid("no such invitation")
    return user


def accept(token: str, password: str) -> User:
    """
    Set the invited user's password, and invalidate the link.

    Raises:
        InvitationInvalid: as in `user_of_invitation`.
        Invalid: the password is not accepted; the link stays valid.
    """
    user = user_of_invitation(token)
    # One update sets the password and invalidates the link; its record is deleted after
    # that.
    try:
        changed = store_password(user, hash_password(user, password))
    except UserNotFound as error:
        raise InvitationInvalid("used in the meantime") from error
    with best_effort("invitation"):
        Invitation.collection().delete_one({"_id": digest(token)})
    return changed
