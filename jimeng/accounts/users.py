"""User records: create, find, change, delete."""

import logging
from collections.abc import Mapping
from types import MappingProxyType

from pymongo.errors import DuplicateKeyError

from jimeng import inputs, tasks
from jimeng.accounts import key_cache
from jimeng.billing.costs import yuan
from jimeng.documents import (
    ApiKey,
    Batch,
    Collection,
    Invitation,
    SavedPrompt,
    Session,
    Share,
    User,
    WebhookAddress,
    WebhookDelivery,
    WebhookEndpoint,
    indexes,
    new_token,
    utcnow,
)
from jimeng.documents.base import Stored
from jimeng.documents.cursors import EPOCH, Page, page_of
from jimeng.documents.principal import Principal, recorded, recorded_on_behalf
from jimeng.documents.user import email_key
from jimeng.errors.access import EmailIsAdmins, EmailTaken, LastAdmin, UserNotFound

log = logging.getLogger(__name__)

ADMINS = {"role": "admin", "disabled_at": None}  # admins who can sign in
# How long a mark of `demote_or_disable` excludes an admin from other checks; and how
# long it lets its own operation finish.
MARK_TTL_MS, OPERATION_TTL_MS = 60_000, 20_000


def create(principal: Principal, *, email: str, name: str) -> User:
    """
    Create a user without a password.

    Raises:
        AdminsOnly: as `add`, which raises other errors, too.
    """
    return add(principal, User(email=email, email_key=email_key(email), name=name))


def add(principal: Principal, user: User) -> User:
    """
    Store a new user.

    Raises:
        AdminsOnly: the principal is not an operator.
        EmailTaken: another user has the e-mail, ignoring case.
        IndexMissing: the unique index of e-mails does not exist.
    """
    principal.require_operator("new user")
    indexes.require(indexes.EMAILS, fresh=True)
    with recorded_on_behalf(principal, user.id, "users.create", role=user.role):
        try:
            user.add()
        except DuplicateKeyError as error:
            raise EmailTaken("e-mail taken") from error
    log.info("user created id=%s by=%s", user.id, principal.user_id)
    return user


def find(principal: Principal, user_id: str) -> User:
    """
    Find a user by id.

    Raises:
        UserNotFound: no such user, or the principal may not see it.
    """
    principal.require_reader(user_id)
    return require_found(User.find_one({"_id": user_id}), user_id)


def require_found(user: User | None, user_id: str) -> User:
    """
    Return *user*, unless the query by that id found none.

    Raises:
        UserNotFound: it is None.
    """
    if user is None:
        raise UserNotFound(f"user {user_id[:64]!r}")
    return user


def unchanged_since(user_id: str, sessions: int, email_key: str) -> dict:
    """
    Build a filter for an enabled user who still has this e-mail and session number:
    neither the password nor the second factor has been set since.
    """
    same = {"_id": user_id, "sessions": sessions, "email_key": email_key}
    return {**same, "disabled_at": None}


def find_by_email(principal: Principal, email: str) -> User:
    """
    Find a user by e-mail, ignoring case.

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
    Return a page of all users, or of those that match *where*, newest first.

    Raises:
        AdminsOnly: the principal is not an operator.
        Invalid: the cursor is invalid.
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
    **budgets: int | None,
) -> User:
    """
    Change the fields that are not None. The e-mail identifies the user: only an
    operator can change it, which invalidates earlier invitations.

    Args:
        budgets: ``daily_budget_micros`` and ``monthly_budget_micros``, which only an
            operator can change; None for the server's default.

    Raises:
        AdminsOnly: there are budgets, and the principal is not an operator.
        UserNotFound: as in `find`.
        EmailIsAdmins: the e-mail differs, and the principal is not an operator.
        EmailTaken: by another user; IndexMissing, as in `add`.
    """
    wanted = {"email": email, "name": name}
    new_fields = {field: value for field, value in wanted.items() if value is not None}
    changes: dict = {**new_fields, "updated_at": utcnow()}
    principal.require_reader(user_id)
    if budgets:
        principal.require_operator("budgets")
        changes |= budgets
    where: dict = {"_id": user_id}
    if email is not None:
        indexes.require(indexes.EMAILS, fresh=True)
        changes["email_key"] = email_key(email)
        if not principal.is_operator:
            where["email_key"] = changes["email_key"]  # only letter case may differ
    # Budgets are recorded even if they are the operator's own.
    amounts = {
        name.removesuffix("_micros"): yuan_or_none(budgets[name]) for name in budgets
    }
    action, details = "users.update", {**new_fields, **amounts}
    with (
        recorded(principal, action, user_id, **details)
        if budgets
        else recorded_on_behalf(principal, user_id, action, **details)
    ):
        try:
            user = User.find_and_modify(where, {"$set": changes})
        except DuplicateKeyError as error:
            raise EmailTaken("e-mail taken") from error
        if user is None:
            raise EmailIsAdmins(f"user {find(principal, user_id).id}")
    if budgets:
        key_cache.access_changed()  # keys are cached with their user's budgets
    return user


def yuan_or_none(micros: int | None) -> str | None:
    return None if micros is None else yuan(micros)


def set_role(principal: Principal, user_id: str, role: str) -> User:
    """
    Set a user's role: ``admin`` or ``user``.

    Raises:
        AdminsOnly: the principal is not an operator.
        UserNotFound: as in `find`.
        LastAdmin: no admin who can sign in would remain.
    """
    principal.require_operator("role")
    found, update = find(principal, user_id), {"$set": {"role": role}}
    with recorded_on_behalf(principal, found.id, "users.role", role=role):
        if role == "admin":
            return change(found.id, update)
        return demote_or_disable(found.id, update)


def change(user_id: str, update: dict) -> User:
    """
    Apply a MongoDB *update* to a user.

    Raises:
        UserNotFound: no such user.
    """
    stamp = {"$set": {**update.get("$set", {}), "updated_at": utcnow()}}
    changed = User.find_and_modify({"_id": user_id}, {**update, **stamp})
    key_cache.access_changed()
    return require_found(changed, user_id)


def demote_or_disable(user_id: str, update: dict) -> User:
    """
    Apply an update that may remove an admin, but never the last one.

    The admin is marked first; then another admin who can sign in and is not marked must
    exist. Of several concurrent calls the last to mark finds all others marked or gone,
    so that an unmarked admin remains. A mark whose process died expires after
    `MARK_TTL_MS`; its own operation cannot finish after `OPERATION_TTL_MS`.

    Raises:
        UserNotFound: no such user.
        LastAdmin: no admin who can sign in would remain.
    """
    stamped = {**update, "$set": {**update.get("$set", {}), "updated_at": utcnow()}}
    stamped["$unset"] = {**update.get("$unset", {}), "leaving": "", "leaving_at": ""}
    token = new_token()
    # MongoDB's clock, since the clocks of servers may differ.
    mark = [{"$set": {"leaving": token, "leaving_at": "$$NOW"}}]
    if User.find_and_modify({"_id": user_id, **ADMINS}, mark) is None:
        changed = User.find_and_modify({"_id": user_id, "$nor": [ADMINS]}, stamped)
        key_cache.access_changed()
        return require_found(changed, user_id)
    marked, changed = {"_id": user_id, "leaving": token}, None
    if User.find_one({"_id": {"$ne": user_id}, **ADMINS, **since(MARK_TTL_MS)}):
        changed = User.find_and_modify(
            {**marked, "$nor": [since(OPERATION_TTL_MS)]}, stamped
        )
    if changed is None:
        gone = {"$unset": {"leaving": "", "leaving_at": ""}}
        User.collection().update_one(marked, gone)
        raise LastAdmin(f"user {user_id}")
    key_cache.access_changed()
    return changed


def since(milliseconds: int) -> dict:
    """Build a filter for users whose mark is older than that, or who have none."""
    at = {"$ifNull": ["$leaving_at", EPOCH]}
    return {"$expr": {"$lt": [at, {"$subtract": ["$$NOW", milliseconds]}]}}


def has_admin(principal: Principal) -> bool:
    """Whether there is an admin, enabled or not."""
    principal.require_operator("admins")
    return User.find_one({"role": "admin"}) is not None


def is_last_admin(user: User) -> bool:
    """Whether the user is the only admin who can sign in."""
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
    Store a user's preferences; None leaves one unchanged.

    Args:
        defaults: Initial values of the form: field -> value.
        plain_files: Whether downloaded files omit prompts from their metadata.

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
    Delete a user with all tasks and pictures; running tasks are cancelled.

    The user's record is deleted last, so that an interrupted deletion can be repeated.

    Raises:
        ScopeTooSmall: the key lacks the scope.
        UserNotFound: as in `find`.
        LastAdmin: no admin who can sign in would remain.
    """
    principal.require_account("deleting an account")
    user = find(principal, user_id)
    with recorded_on_behalf(principal, user.id, "users.delete"):
        while True:
            demote_or_disable(user.id, {"$set": {"role": "user"}})
            removed = delete_data(principal, user.id)
            delete_documents(user.id, ApiKey, Invitation, Session)
            where = {"_id": user.id, "$nor": [ADMINS]}
            User.collection().delete_one(where)
            if User.find_one({"_id": user.id}) is None:
                break  # otherwise the user has become an admin meanwhile
        key_cache.access_changed()
    log.info("user deleted id=%s tasks=%d", user.id, removed)


def delete_data(principal: Principal, user_id: str) -> int:
    """Delete all that belongs to a user, but the account; return how many tasks."""
    delete_documents(user_id, Batch)  # batches would go on creating tasks
    removed = tasks.delete_all(principal, user_id)
    inputs.delete_all(principal, user_id)
    delete_documents(user_id, Share, Collection, SavedPrompt)
    delete_documents(user_id, WebhookEndpoint, WebhookDelivery, WebhookAddress)
    return removed


def delete_documents(user_id: str, *kinds: type[Stored]) -> None:
    """Delete the user's documents of these kinds, which own no files or queue slots."""
    for kind in kinds:
        kind.collection().delete_many({"user_id": user_id})
