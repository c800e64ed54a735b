"""User records: who has a name here."""

import logging
from collections.abc import Mapping
from types import MappingProxyType

from pymongo.errors import DuplicateKeyError

from jimeng import inputs, tasks
from jimeng.accounts import key_cache
from jimeng.documents import (
    ApiKey,
    Batch,
    Collection,
    Invitation,
    SavedPrompt,
    Session,
    Share,
    User,
    WebhookDelivery,
    WebhookEndpoint,
    indexes,
    new_token,
    utcnow,
)
from jimeng.documents.base import Stored
from jimeng.documents.cursors import EPOCH, Page, page_of
from jimeng.documents.principal import Principal, noted
from jimeng.documents.user import email_key
from jimeng.errors.access import EmailIsAdmins, EmailTaken, LastAdmin, UserNotFound

log = logging.getLogger(__name__)

ADMINS = {"role": "admin", "disabled_at": None}  # those who may come in
# Milliseconds for which a mark of `retire` keeps others from counting on an admin; and
# for which it is good for its own end.
MARKED, ACTS = 60_000, 20_000


def create(principal: Principal, *, email: str, name: str) -> User:
    """
    Make a user without a password.

    Raises:
        AdminsOnly: as `add`, and so is all else.
    """
    return add(principal, User(email=email, email_key=email_key(email), name=name))


def add(principal: Principal, user: User) -> User:
    """
    Keep the record of a new user.

    Raises:
        AdminsOnly: others make no users.
        EmailTaken: in whatever letter case.
        IndexMissing: nobody can tell whether it is.
    """
    principal.require_operator("new user")
    indexes.require(indexes.EMAILS, fresh=True)
    with noted(principal, user.id, "users.create", role=user.role):
        try:
            user.add()
        except DuplicateKeyError as error:
            raise EmailTaken("e-mail taken") from error
    log.info("user created id=%s by=%s", user.id, principal.user_id)
    return user


def find(principal: Principal, user_id: str) -> User:
    """
    Raises:
        UserNotFound: no such user, or not for this principal to see.
    """
    principal.require_reader(user_id)
    return there(User.find_one({"_id": user_id}), user_id)


def there(user: User | None, user_id: str) -> User:
    """
    *user*, who was looked for by that id.

    Raises:
        UserNotFound: nobody was found.
    """
    if user is None:
        raise UserNotFound(f"user {user_id[:64]!r}")
    return user


def as_seen(user_id: str, sessions: int, email_key: str) -> dict:
    """
    The query of a user who is let in, and still has this e-mail and this number of
    sessions: neither password nor second factor was set since.
    """
    same = {"_id": user_id, "sessions": sessions, "email_key": email_key}
    return {**same, "disabled_at": None}


def find_by_email(principal: Principal, email: str) -> User:
    """
    Raises:
        UserNotFound: as in `find`.
    """
    user = User.find_one({"email_key": email_key(email)})
    if user is None or not principal.may_act_for(user.id):
        raise UserNotFound("no user has that e-mail")
    return user


def page(
    principal: Principal,
    *,
    limit: int,
    cursor: str | None = None,
    where: Mapping[str, object] = MappingProxyType({}),
) -> Page[User]:
    """
    Some of all users, or of those *where* MongoDB finds, newest first.

    Raises:
        AdminsOnly: they are the operator's to see.
        Invalid: the cursor is not one of ours.
    """
    principal.require_operator("users")
    found = page_of(User.collection(), dict(where), "created_at", cursor, limit)
    return found.read(User.read_all)


def update(
    principal: Principal,
    user_id: str,
    *,
    email: str | None = None,
    name: str | None = None,
) -> User:
    """
    Change what is given. The e-mail is who somebody is here: only an operator gives
    another, and links to set a password that were made before are worth nothing.

    Raises:
        UserNotFound: as in `find`.
        EmailIsAdmins: the e-mail is another, and that is not the principal's to change.
        EmailTaken: by another user; IndexMissing, as in `add`.
    """
    wanted = {"email": email, "name": name}
    given = {field: value for field, value in wanted.items() if value is not None}
    changes: dict = {**given, "updated_at": utcnow()}
    principal.require_reader(user_id)
    where: dict = {"_id": user_id}
    if email is not None:
        indexes.require(indexes.EMAILS, fresh=True)
        changes["email_key"] = email_key(email)
        if not principal.is_operator:
            where["email_key"] = changes["email_key"]  # spelt another way at most
    with noted(principal, user_id, "users.update", **given):
        try:
            user = User.find_and_modify(where, {"$set": changes})
        except DuplicateKeyError as error:
            raise EmailTaken("e-mail taken") from error
        if user is None:
            raise EmailIsAdmins(f"user {find(principal, user_id).id}")
    return user


def set_role(principal: Principal, user_id: str, role: str) -> User:
    """
    Make a user an admin, or an admin a user.

    Raises:
        AdminsOnly: others do not.
        UserNotFound: as in `find`.
        LastAdmin: nobody would be left to let people in.
    """
    principal.require_operator("role")
    found, given = find(principal, user_id), {"$set": {"role": role}}
    with noted(principal, found.id, "users.role", role=role):
        if role == "admin":
            return change(found.id, given)
        return retire(found.id, given)


def change(user_id: str, update: dict) -> User:
    """
    Change a record as MongoDB's *update* says.

    Raises:
        UserNotFound: it is gone.
    """
    stamp = {"$set": {**update.get("$set", {}), "updated_at": utcnow()}}
    changed = User.find_and_modify({"_id": user_id}, {**update, **stamp})
    key_cache.access_changed()
    return there(changed, user_id)


def retire(user_id: str, update: dict) -> User:
    """
    Change a record so that there may be an admin less, but never none.

    An admin who is to go is marked first, and then looks for another who may come in
    and is not marked. Of any who do this at once the last to be marked finds all the
    others marked or gone: somebody who is neither stays. A mark whose owner died is
    worth nothing after `MARKED`, and by then nothing is done under it any more.

    Raises:
        UserNotFound: it is gone.
        LastAdmin: nobody would be left to let people in.
    """
    given = {**update, "$set": {**update.get("$set", {}), "updated_at": utcnow()}}
    given["$unset"] = {**update.get("$unset", {}), "leaving": "", "leaving_at": ""}
    token = new_token()
    # By MongoDB's clock, which is one; those of the servers may differ.
    mark = [{"$set": {"leaving": token, "leaving_at": "$$NOW"}}]
    if User.find_and_modify({"_id": user_id, **ADMINS}, mark) is None:
        changed = User.find_and_modify({"_id": user_id, "$nor": [ADMINS]}, given)
        key_cache.access_changed()
        return there(changed, user_id)
    marked, changed = {"_id": user_id, "leaving": token}, None
    if User.find_one({"_id": {"$ne": user_id}, **ADMINS, **since(MARKED)}):
        changed = User.find_and_modify({**marked, "$nor": [since(ACTS)]}, given)
    if changed is None:
        gone = {"$unset": {"leaving": "", "leaving_at": ""}}
        User.collection().update_one(marked, gone)
        raise LastAdmin(f"user {user_id}")
    key_cache.access_changed()
    return changed


def since(milliseconds: int) -> dict:
    """Those who have not been marked for so long, or never."""
    at = {"$ifNull": ["$leaving_at", EPOCH]}
    return {"$expr": {"$lt": [at, {"$subtract": ["$$NOW", milliseconds]}]}}


def has_admin(principal: Principal) -> bool:
    """Whether anybody is an admin, be it one who is kept out."""
    principal.require_operator("admins")
    return User.find_one({"role": "admin"}) is not None


def is_last_admin(user: User) -> bool:
    """Whether nobody else is an admin who may come in."""
    others = {**ADMINS, "_id": {"$ne": user.id}}
    return user.role == "admin" and User.find_one(others) is None


def set_preferences(
    principal: Principal,
    user_id: str,
    *,
    language: str | None = None,
    theme: str | None = None,
    defaults: dict | None = None,
    plain_files: bool | None = None,
) -> User:
    """
    Keep what a user likes pages to be like; None leaves a thing as it is.

    Args:
        defaults: What the form begins with: field -> value.
        plain_files: Whether downloaded files say nothing of what they were made of.

    Raises:
        UserNotFound: as in `find`.
    """
    wanted: dict = {"language": language, "theme": theme, "defaults": defaults}
    wanted["plain_files"] = plain_files
    changes = {name: value for name, value in wanted.items() if value is not None}
    principal.require_reader(user_id)
    return change(user_id, {"$set": changes})


def delete(principal: Principal, user_id: str) -> None:
    """
    Remove a user with all tasks and pictures; what runs is cancelled.

    The record goes last, so that a deletion that is cut off can be repeated.

    Raises:
        ScopeTooSmall: the key is not good for that.
        UserNotFound: as in `find`.
        LastAdmin: nobody would be left to let people in.
    """
    principal.require_account("deleting an account")
    user = find(principal, user_id)
    with noted(principal, user.id, "users.delete"):
        while True:
            retire(user.id, {"$set": {"role": "user"}})
            forget(user, Batch)  # which would go on making tasks
            removed = tasks.delete_all(principal, user.id)
            inputs.delete_all(principal, user.id)
            forget(user, Share, Collection, SavedPrompt)
            forget(user, ApiKey, Invitation, Session)
            forget(user, WebhookEndpoint, WebhookDelivery)
            where = {"_id": user.id, "$nor": [ADMINS]}
            User.collection().delete_one(where)
            if User.find_one({"_id": user.id}) is None:
                break  # else somebody has made an admin of them in between
        key_cache.access_changed()
    log.info("user deleted id=%s tasks=%d", user.id, removed)


def forget(user: User, *kinds: type[Stored]) -> None:
    """Delete what is the user's and holds neither bytes nor a place in a queue."""
    for kind in kinds:
        kind.collection().delete_many({"user_id": user.id})
