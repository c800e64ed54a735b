"""User records: who has a name here."""

import logging

from pymongo.errors import DuplicateKeyError

from jimeng import documents, tasks
from jimeng.documents import User, utcnow
from jimeng.documents.user import email_key
from jimeng.errors import EmailTaken, UserNotFound
from jimeng.viewers import Viewer

log = logging.getLogger(__name__)


def visible(viewer: Viewer) -> dict:
    return {} if viewer.sees_all else {"_id": viewer.user_id}


def create(viewer: Viewer, *, email: str, name: str) -> User:
    """
    Raises:
        EmailTaken: in whatever letter case.
    """
    documents.ensure_indexes()
    user = User(email=email, email_key=email_key(email), name=name)
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
        EmailTaken: by another user.
    """
    changes: dict = {"updated_at": utcnow()}
    if email is not None:
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


def delete(viewer: Viewer, user_id: str) -> None:
    """
    Remove a user with all tasks and pictures; what runs is cancelled.

    The record goes last, so that a deletion that is cut off can be repeated.

    Raises:
        UserNotFound: as in `find`.
    """
    user = find(viewer, user_id)
    removed = tasks.delete_all(viewer, user.id)
    User.collection().delete_one({"_id": user.id})
    log.info("user deleted id=%s tasks=%d", user.id, removed)
