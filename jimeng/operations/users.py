"""What an operator does to users; each of it leaves an audit entry."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from jimeng import accounts, limits
from jimeng.accounts import second_factor, users
from jimeng.documents import Generation, Image, User, utcnow
from jimeng.documents.cursors import Page
from jimeng.documents.principal import Principal, recorded
from jimeng.documents.user import email_key
from jimeng.errors import Invalid
from jimeng.errors.access import NotYourself
from jimeng.jobs import midnight
from jimeng.tasks.queries import search_words

PAGE = 50  # users
ROLES = ("user", "admin")
MAX_QUOTA = 1_000_000  # pictures a day
MAX_EMAIL = 255  # characters that are looked at, one more than there can be
BACK_IN = {"$unset": {"disabled_at": ""}}


@dataclass(frozen=True)
class Row:
    """
    A user and what there is of theirs.

    Attributes:
        waiting: Pictures that wait.
        today: Pictures that came since midnight, UTC.
    """

    user: User
    waiting: int
    today: int

    @property
    def state(self) -> str:
        """``disabled``, ``invited`` (no password was ever set), or ``active``."""
        if self.user.disabled_at:
            return "disabled"
        return "active" if self.user.password else "invited"


def page(
    principal: Principal, *, q: str | None = None, cursor: str | None = None
) -> Page[Row]:
    """
    Users, newest first.

    Args:
        q: Only those with all of these words in e-mail or name.

    Raises:
        AdminsOnly: they are the operator's to see.
        Invalid: the cursor is not one of ours.
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
    today = {"created_at": {"$gte": midnight(utcnow().date())}}
    made = _count(Image, {**ids, **today}, "user_created")
    return [Row(user, waiting[user.id], made[user.id]) for user in found]


def _count(kind: type[Generation] | type[Image], where: dict, hint: str) -> Counter:
    group = {"_id": "$user_id", "n": {"$sum": 1}}
    rows = kind.collection().aggregate(
        [{"$match": where}, {"$group": group}], hint=hint
    )
    return Counter({row["_id"]: row["n"] for row in rows})


def names(principal: Principal, ids: Iterable[str]) -> dict[str, str]:
    """
    Id -> name, of those that have a record.

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
    Make a user, and the token of the link to set a first password with.

    Raises:
        AdminsOnly: as `page`.
        EmailTaken: another user has it.
    """
    principal.require_operator("users")
    check_role(role)
    with recorded(principal, "users.invite", role=role) as outcome:
        user = User(email=email, email_key=email_key(email), name=name, role=role)
        # The link first: with the record all of it is there.
        token = accounts.make_link(user)
        made = users.add(principal, user)
        outcome["user"] = made.id
        return made, token


def invite_again(principal: Principal, user_id: str) -> tuple[User, str]:
    """
    A new link, for a first or a forgotten password; those before it end.

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
        NotYourself: nobody takes their own away.
        LastAdmin: nobody would be left.
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
        quota: Pictures a day, 0 for none at all; None for the server's.

    Raises:
        Invalid: below 0, or more than anybody needs.
    """
    if quota is not None and not 0 <= quota <= MAX_QUOTA:
        raise Invalid.field("quota", "invalid.range", min=0, max=MAX_QUOTA)
    user = _user(principal, user_id)
    given = {"$set": {"daily_quota": quota}}
    with recorded(principal, "users.quota", user.id, quota=quota):
        users.change(
            user.id, given if quota is not None else {"$unset": {"daily_quota": ""}}
        )
        limits.clear_quota_cache()


def disable(principal: Principal, user_id: str) -> None:
    """
    Keep a user out from now on: sessions and keys are worth nothing. What they have
    asked for before goes on.

    Raises:
        NotYourself: that would lock you out.
        LastAdmin: nobody would be left.
    """
    user = _user(principal, user_id)
    with recorded(principal, "users.disable", user.id):
        not_yourself(principal, user)
        if user.disabled_at:
            return
        out = {"$set": {"disabled_at": utcnow()}, "$inc": {"sessions": 1}}
        users.demote_or_disable(user.id, out)


def enable(principal: Principal, user_id: str) -> None:
    """Let a user in again."""
    user = _user(principal, user_id)
    with recorded(principal, "users.enable", user.id):
        users.change(user.id, BACK_IN)


def end_sessions(principal: Principal, user_id: str, *, keys: bool = False) -> None:
    """
    Have a user sign in anew everywhere.

    Args:
        keys: Revoke the API keys too, which stay good otherwise.
    """
    user = _user(principal, user_id)
    with recorded(principal, "users.end_sessions", user.id) as outcome:
        accounts.end_sessions(user.id)
        if keys:
            outcome["keys"] = accounts.revoke_keys(principal, user.id)


def reset_second_factor(principal: Principal, user_id: str) -> None:
    """For who has lost app and recovery codes: the password alone; sessions end."""
    user = _user(principal, user_id)
    with recorded(principal, "users.reset_second_factor", user.id):
        given = {"$unset": second_factor.WITHOUT, "$inc": {"sessions": 1}}
        users.change(user.id, given)


def delete(principal: Principal, user_id: str, *, email: str) -> None:
    """
    Remove a user with all tasks and pictures.

    Args:
        email: The user's, written once more.

    Raises:
        Invalid: the e-mail is another.
        NotYourself: that is done on your own page.
        LastAdmin: nobody would be left.
    """
    user = _user(principal, user_id)
    if email_key(email[:MAX_EMAIL]) != user.email_key:
        raise Invalid.field("email", "invalid.email_differs")
    with recorded(principal, "users.delete", user.id):
        not_yourself(principal, user)
        users.delete(principal, user.id)


def not_yourself(principal: Principal, user: User) -> None:
    if principal.user_id == user.id:
        raise NotYourself(f"user {user.id}")
