"""Links to set a password with: once, within a day."""

import logging
import secrets
from datetime import timedelta

from jimeng.accounts import users
from jimeng.accounts.passwords import hash_password, store_password
from jimeng.accounts.sessions import MAX_TOKEN_CHARS
from jimeng.documents import Invitation, User, best_effort, utcnow
from jimeng.documents.credentials import digest
from jimeng.documents.principal import Principal, noted
from jimeng.errors.access import InvitationInvalid, UserNotFound

log = logging.getLogger(__name__)

INVITATION = timedelta(hours=24)


def invite(principal: Principal, user_id: str) -> str:
    """
    Make the link's token for a user; earlier ones are worth nothing from now on.

    Raises:
        AdminsOnly: others invite nobody.
        UserNotFound: no such user.
    """
    principal.require_operator("invitation")
    user = users.find(principal, user_id)
    log.info("user invited user=%s by=%s", user_id, principal.user_id)
    with noted(principal, user.id, "users.invite_again"):
        return make_link(user)


def make_link(user: User) -> str:
    """The token of a link for a user, whose record may follow it."""
    token = secrets.token_urlsafe(32)
    Invitation.collection().delete_many({"user_id": user.id})
    invitation = Invitation(
        id=digest(token),
        user_id=user.id,
        number=user.sessions,
        email_key=user.email_key,
        expires_at=utcnow() + INVITATION,
    )
    invitation.add()
    return token


def invited(token: str) -> User:
    """
    Whom the link is for.

    Raises:
        InvitationInvalid: used, replaced, older than a day, or never made; or since
            then there was a new password, a new e-mail, or no way in at all.
    """
    where = {"_id": digest(token), "expires_at": {"$gt": utcnow()}}
    found = Invitation.find_one(where) if len(token) <= MAX_TOKEN_CHARS else None
    user = None
    if found is not None:
        seen = users.as_seen(found.user_id, found.number, found.email_key)
        user = User.find_one(seen)
    if user is None:
        raise InvitationInvalid("no such invitation")
    return user


def accept(token: str, password: str) -> User:
    """
    Set the password of the one who was invited; the link is used up.

    Raises:
        InvitationInvalid: as in `invited`.
        Invalid: the password cannot be taken; the link stays good.
    """
    user = invited(token)
    # One update sets the password and uses the link up; its record goes afterwards.
    try:
        changed = store_password(user, hash_password(user, password))
    except UserNotFound as error:
        raise InvitationInvalid("used in the meantime") from error
    with best_effort("invitation"):
        Invitation.collection().delete_one({"_id": digest(token)})
    return changed
