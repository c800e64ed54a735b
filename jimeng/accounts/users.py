"""User records: who has a name here."""

import logging

from pymongo.errors import DuplicateKeyError

from jimeng import documents, tasks
from jimeng.documents import ApiKey, Invitation, Session, User, indexes, utcnow
from jimeng.documents.user import email_key
from jimeng.errors import EmailTaken, LastAdmin, UserNotFound
from jimeng.viewers import Viewer

log = logging.getLogger(__name__)

ADMINS = {"role": "admin", "disabled_at": None}  # those who may come in


def visible(viewer: Viewer) -> dict:
    return {} if viewer.sees_all else {"_id": viewer.user_id}


def create(viewer: Viewer, *, email: str, name: str) -> User:
    """
    Make a user without a password.

    Raises:
        AdminsOnly: as `add`, and so is all else.
    """
    return add(viewer, User(email=email, email_key=email_key(email), name=name))


def add(viewer: Viewer, user: User) -> User:
    """
    Keep the record of a new user.

    Raises:
        AdminsOnly: others make no users.
        EmailTaken: in whatever letter case.
        IndexMissing: nobody can tell whether it is.
    """
    viewer.require_operator("new user")
    documents.ensure_indexes()
    indexes.require(indexes.EMAILS, fresh=True)
    try:
        User.collection().insert_one(user.to_mongo())
    except DuplicateKeyError as error:
        raise EmailTaken("e-mail taken") from error
    log.info("user created id=%s by=%s", user.id, viewer.user_id)
    return user


def find(viewer: Viewer, user_id: str) -> User:
    """
    Raises:
        UserNotFound: no such user, or not for this viewer to see.
    """
    user = User.find_one({"$and": [visible(viewer), {"_id": user_id}]})
    if user is None:
        raise UserNotFound(f"user {user_id[:64]!r}")
    return user


def find_by_email(viewer: Viewer, email: str) -> User:
    """
    Raises:
        UserNotFound: as in `find`.
    """
    user = User.find_one({**visible(viewer), "email_key": email_key(email)})
    if user is None:
        raise UserNotFound("no user has that e-mail")
    return user


def update(
    viewer: Viewer, user_id: str, *, email: str | None = None, name: str | None = None
) -> User:
    """
    Change what is given.

    Raises:
        UserNotFound: as in `find`.
        EmailTaken: by another user; IndexMissing, as in `create`.
    """
    changes: dict = {"updated_at": utcnow()}
    if email is not None:
        indexes.require(indexes.EMAILS, fresh=True)
        changes |= {"email": email, "email_key": email_key(email)}
    if name is not None:
        changes["name"] = name
    where = {"$and": [visible(viewer), {"_id": user_id}]}
    try:
        user = User.swap(where, {"$set": changes})
    except DuplicateKeyError as error:
        raise EmailTaken("e-mail taken") from error
    if user is None:
        raise UserNotFound(f"user {user_id[:64]!r}")
    return user


def set_role(viewer: Viewer, user_id: str, role: str) -> User:
    """
    Make a user an admin, or an admin a user.

    Raises:
        AdminsOnly: others do not.
        UserNotFound: as in `find`.
        LastAdmin: nobody would be left to let people in.
    """
    viewer.require_operator("role")
    found, given = find(viewer, user_id), {"$set": {"role": role}}
    if role == "admin":
        user = change(found.id, given)
    else:
        user = change_sparing_last_admin(found, given, {"$set": {"role": "admin"}})
    log.info("role set user=%s role=%s by=%s", user_id, role, viewer.user_id)
    return user


def change(user_id: str, update: dict) -> User:
    """
    Change a record as MongoDB's *update* says.

    Raises:
        UserNotFound: it is gone.
    """
    stamp = {"$set": {**update.get("$set", {}), "updated_at": utcnow()}}
    changed = User.swap({"_id": user_id}, {**update, **stamp})
    if changed is None:
        raise UserNotFound(f"user {user_id[:64]!r}")
    return changed


def change_sparing_last_admin(user: User, update: dict, back: dict) -> User:
    """
    Change a record so that there may be an admin less, but never none.

    Args:
        back: What undoes *update*.

    Raises:
        LastAdmin: nobody would be left to let people in.
    """
    if is_last_admin(user):
        raise LastAdmin(f"user {user.id}")
    changed = change(user.id, update)
    if user.role == "admin" and User.find_one(ADMINS) is None:
        # Two who did this to each other at once: both see it, and both go back.
        change(user.id, back)
        raise LastAdmin(f"user {user.id}")
    return changed


def is_last_admin(user: User) -> bool:
    """Whether nobody else is an admin who may come in."""
    others = {**ADMINS, "_id": {"$ne": user.id}}
    return user.role == "admin" and User.find_one(others) is None


def set_preferences(
    viewer: Viewer,
    user_id: str,
    *,
    language: str | None = None,
    theme: str | None = None,
    defaults: dict | None = None,
) -> User:
    """
    Keep what a user likes pages to be like; None leaves a thing as it is.

    Args:
        defaults: What the form begins with: field -> value.

    Raises:
        UserNotFound: as in `find`.
    """
    wanted = {"language": language, "theme": theme, "defaults": defaults}
    changes = {name: value for name, value in wanted.items() if value is not None}
    where = {"$and": [visible(viewer), {"_id": user_id}]}
    user = User.swap(where, {"$set": {**changes, "updated_at": utcnow()}})
    if user is None:
        raise UserNotFound(f"user {user_id[:64]!r}")
    return user


def delete(viewer: Viewer, user_id: str) -> None:
    """
    Remove a user with all tasks and pictures; what runs is cancelled.

    The record goes last, so that a deletion that is cut off can be repeated.

    Raises:
        UserNotFound: as in `find`.
        LastAdmin: nobody would be left to let people in.
    """
    user = find(viewer, user_id)
    if is_last_admin(user):
        raise LastAdmin(f"user {user.id}")
    removed = tasks.delete_all(viewer, user.id)
    for kind in (ApiKey, Invitation, Session):
        kind.collection().delete_many({"user_id": user.id})
    User.collection().delete_one({"_id": user.id})
    log.info("user deleted id=%s tasks=%d", user.id, removed)
