"""The operator's actions on users; each is recorded in the audit trail."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from jimeng import accounts, limits
from jimeng.accounts import second_factor, users
from jimeng.billing.costs import day_begin, today
from jimeng.documents import Generation, Image, User, utcnow
from jimeng.documents.cursors import Page
from jimeng.documents.principal import Principal, recorded
from jimeng.documents.user import email_key
from jimeng.errors import Invalid
from jimeng.errors.access import NotYourself
from jimeng.tasks.queries import search_words

PAGE = 50  # users
ROLES = ("user", "admin")
MAX_QUOTA = 1_000_000  # pictures per day
MAX_EMAIL_CHARS = 255  # that are compared: one more than a valid address has
ENABLED = {"$unset": {"disabled_at": ""}}


@dataclass(frozen=True)
class Row:
    """
    A user, with counts.

    Attributes:
        waiting: Waiting pictures.
        today: Pictures completed since midnight, in ``BILLING_TIMEZONE``.
    """

    user: User
    waiting: int
    today: int

    @property
    def state(self) -> str:
        """``disabled``, ``invited`` (no password set yet), or ``active``."""
        if self.user.disabled_at:
            return "disabled"
        return "active" if self.user.password else "invited"


def page(
    principal: Principal, *, q: str | None = None, cursor: str | None = None
) -> Page[Row]:
    """
    List users, newest first.

    Args:
        q: Only users with all of these words in e-mail or name.

    Raises:
        AdminsOnly: the principal is not an operator.
        Invalid: the cursor is malformed.
    """
    parts = [_has(word) for word in search_words(q)]
    where = {"$and": parts} if parts else {}
    return users.page(principal, limit=PAGE, cursor=cursor, where=where).read(_rows)


def _has(word: str) -> dict:
    exact = re.compile(re.escape(word), re.IGNORECASE)
    email = re.compile(re.escape(email_key(word)))
    return {"$or": [{"name": exact}, {"email_key": email}, {"_id": word}]}


def _rows(found: list[User]) -> list[Row]:
    ids = {"user_id": {"$in": [user.id for user in found]}}
    waiting = _count(Generation, {**ids, "waiting": True}, "user_waiting")
    is_new = {"created_at": {"$gte": day_begin(today())}}
    created = _count(Image, {**ids, **is_new}, "user_created")
    return [Row(user, waiting[user.id], created[user.id]) for user in found]


def _count(kind: type[Generation] | type[Image], where: dict, hint: str) -> Counter:
    group = {"_id": "$user_id", "n": {"$sum": 1}}
    rows = kind.collection().aggregate(
        [{"$match": where}, {"$group": group}], hint=hint
    )
    return Counter({row["_id"]: row["n"] for row in rows})


def names(principal: Principal, ids: Iterable[str]) -> dict[str, str]:
    """
    User id -> name, as far as known.

    Raises:
        AdminsOnly: as `page`.
    """
    principal.require_operator("users")
    return User.names(ids)


def find(principal: Principal, user_id: str) -> Row:
    """
    Raises:
        AdminsOnly: as `page`.
        UserNotFound: no such user.
    """
    return _rows([_user(principal, user_id)])[0]


def _user(principal: Principal, user_id: str) -> User:
    principal.require_operator("users")
    return users.find(principal, user_id)


def invite(
    principal: Principal, *, email: str, name: str, role: str
) -> tuple[User, str]:
    """
    Create a user, and the token of the link that sets the first password.

    Raises:
        AdminsOnly: as `page`.
        EmailTaken: another user has it.
    """
    principal.require_operator("users")
    check_role(role)
    with recorded(principal, "users.invite", role=role) as outcome:
        user = User(email=email, email_key=email_key(email), name=name, role=role)
        # Create the token first: the user's record then contains it from the start.
        token = accounts.make_link(user)
        added = users.add(principal, user)
        outcome["user"] = added.id
        return added, token


def invite_again(principal: Principal, user_id: str) -> tuple[User, str]:
    """
    Create a new link that sets a password; earlier links become invalid.

    Raises:
        AdminsOnly: as `page`.
        UserNotFound: no such user.
    """
    user = _user(principal, user_id)
    with recorded(principal, "users.invite_again", user.id):
        return user, accounts.invite(principal, user.id)


def set_email(principal: Principal, user_id: str, email: str) -> None:
    """
    Raises:
        AdminsOnly: as `page`.
        EmailTaken: another user has it.
    """
    user = _user(principal, user_id)
    with recorded(principal, "users.email", user.id, email=email):
        users.update(principal, user.id, email=email)


def set_role(principal: Principal, user_id: str, role: str) -> None:
    """
    Raises:
        Invalid: there is no such role.
        NotYourself: operators cannot remove their own role.
        LastAdmin: no administrator would remain.
    """
    check_role(role)
    user = _user(principal, user_id)
    with recorded(principal, "users.role", user.id, role=role):
        if role != "admin":
            not_yourself(principal, user)
        users.set_role(principal, user.id, role)


def check_role(role: str) -> None:
    if role not in ROLES:
        raise Invalid.field("role", "invalid.choice", known=", ".join(ROLES))


def set_quota(principal: Principal, user_id: str, quota: int | None) -> None:
    """
    Args:
        quota: Pictures per day, 0 for none at all; None for the server's default.

    Raises:
        Invalid: below 0, or above `MAX_QUOTA`.
    """
    if quota is not None and not 0 <= quota <= MAX_QUOTA:
        raise Invalid.field("quota", "invalid.range", min=0, max=MAX_QUOTA)
    user = _user(principal, user_id)
    update = {"$set": {"daily_quota": quota}}
    with recorded(principal, "users.quota", user.id, quota=quota):
        users.change(
            user.id, update if quota is not None else {"$unset": {"daily_quota": ""}}
        )
        limits.clear_quota_cache()


def disable(principal: Principal, user_id: str) -> None:
    """
    Disable a user: sessions and keys become invalid. Existing tasks continue.

    Raises:
        NotYourself: operators cannot disable themselves.
        LastAdmin: no administrator would remain.
    """
    user = _user(principal, user_id)
    with recorded(principal, "users.disable", user.id):
        not_yourself(principal, user)
        if user.disabled_at:
            return
        out = {"$set": {"disabled_at": utcnow()}, "$inc": {"sessions": 1}}
        users.demote_or_disable(user.id, out)


def enable(principal: Principal, user_id: str) -> None:
    """Enable a disabled user."""
    user = _user(principal, user_id)
    with recorded(principal, "users.enable", user.id):
        users.change(user.id, ENABLED)


def end_sessions(principal: Principal, user_id: str, *, keys: bool = False) -> None:
    """
    End all sessions of a user.

    Args:
        keys: Also revoke the API keys.
    """
    user = _user(principal, user_id)
    with recorded(principal, "users.end_sessions", user.id) as outcome:
        accounts.end_sessions(user.id)
        if keys:
            outcome["keys"] = accounts.revoke_keys(principal, user.id)


def reset_second_factor(principal: Principal, user_id: str) -> None:
    """Remove a lost second factor, and end all sessions."""
    user = _user(principal, user_id)
    with recorded(principal, "users.reset_second_factor", user.id):
        update = {"$unset": second_factor.WITHOUT, "$inc": {"sessions": 1}}
        users.change(user.id, update)


def delete(principal: Principal, user_id: str, *, email: str) -> None:
    """
    Delete a user with all tasks and pictures.

    Args:
        email: The user's e-mail, repeated as confirmation.

    Raises:
        Invalid: the e-mail differs.
        NotYourself: operators delete their own account on its page.
        LastAdmin: no administrator would remain.
    """
    user = _user(principal, user_id)
    if email_key(email[:MAX_EMAIL_CHARS]) != user.email_key:
        raise Invalid.field("email", "invalid.email_differs")
    with recorded(principal, "users.delete", user.id):
        not_yourself(principal, user)
        users.delete(principal, user.id)


def not_yourself(principal: Principal, user: User) -> None:
    if principal.user_id == user.id:
        raise NotYourself(f"user {user.id}")
