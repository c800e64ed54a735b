"""Credentials: API keys, sessions, invitations, and failed sign-ins."""

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta

from mongoengine.fields import DateTimeField, IntField, StringField

from jimeng.documents.base import Stored, named_index, number
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import ListField
from jimeng.documents.ids import new_id
from jimeng.documents.spending import Spend, WithBudgets
from jimeng.documents.usage import CountedByDay

SESSION_IDLE = timedelta(days=7)  # an unused session expires after that
# An aggregation stage: join the owner of each key or session as ``owners``.
OWNERS = {"from": "users", "localField": "user_id", "foreignField": "_id"}
WITH_OWNERS = {"$lookup": {**OWNERS, "as": "owners"}}


def digest(token: str) -> str:
    """Hash a key or token for storage: SHA-256, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


class ApiKey(WithBudgets, CountedByDay):
    """
    An API key; only its hash is stored.

    Attributes:
        name: The owner's name for it.
        prefix: Its first characters, to recognize it.
        sha256: Hash of the whole key, in hex.
        scopes: Some of ``read``, ``write``, ``account``, ``admin``.
        interfaces: The allowed interfaces, some of ``api``, ``openai``, ``ark``,
            ``mcp``; empty: all; None in records of releases that knew no ``ark``.
        doors: The same for these releases, whose ``api`` includes ``ark``.
        models: Ids of the allowed models; empty: all.
        per_minute: Its rate limit of tasks; absent: only that of its user.
        per_day: Its daily quota of pictures (UTC); absent: only that of its user.
        requests_per_minute: Its rate limit of requests, instead of the server's;
            absent: the server's.
        user_prefix: Prefix of the ids of the customers that it acts for.
        daily_budget_micros: What may be spent with it in a day; absent: only its user's
            budget applies. Likewise `monthly_budget_micros`.
        expires_at: When it expires; absent: never.
        last_used_at: To the minute.
    """

    id = StringField(primary_key=True, default=new_id("key_", 8))
    user_id = StringField(required=True)
    name = StringField(required=True)
    prefix = StringField(required=True)
    sha256 = StringField(required=True)
    scopes = ListField(StringField())
    interfaces = ListField(StringField(), default=None)
    doors = ListField(StringField())
    models = ListField(StringField())
    per_minute = IntField()
    per_day = IntField()
    requests_per_minute = IntField()
    user_prefix = StringField()
    created_at = DateTimeField(default=utcnow)
    expires_at = DateTimeField()
    last_used_at = DateTimeField()

    meta = {
        "collection": "api_keys",
        "indexes": [
            named_index("sha256", "sha256", unique=True),
            named_index("user", "user_id", "-created_at"),
            named_index("user_prefix", "user_prefix", having="user_prefix"),
        ],
    }

    @property
    def allowed_interfaces(self) -> list[str]:
        """The interfaces that the key may be used at; empty for all."""
        if self.interfaces is not None:
            return self.interfaces
        return self.doors + (["ark"] if "api" in self.doors else [])

    @classmethod
    def by_user_prefix(cls, prefix: Mapping | re.Pattern[str]) -> dict[str, "ApiKey"]:
        """
        The keys with a `user_prefix` that meets a query condition, by it; of several
        the oldest: its user is the shop of the customers that have no longer prefix.
        """
        found: dict[str, ApiKey] = {}
        for each in cls.find_all(
            {"user_prefix": prefix},
            {"user_prefix": 1, "user_id": 1, "name": 1},
            sort=[("created_at", 1), ("_id", 1)],
            hint="user_prefix",
        ):
            found.setdefault(each.user_prefix, each)
        return found

    @classmethod
    def reserve_quota(
        cls, key_id: str, day: str, n: int, *, most: int | None, spend: Spend | None
    ) -> int | None:
        """
        Count *n* pictures in the key's daily quota, and what they may cost.

        Args:
            day: In ``BILLING_TIMEZONE``, ``2026-01-31``.
            most: The quota; None for no limit.
            spend: None if they cost nothing.

        Returns:
            The pictures of the day, these included; None if they would exceed *most*,
            or their cost a budget.
        """
        if (most is not None and n > most) or (spend and spend.exceeds_alone()):
            return None
        where: dict = {"_id": key_id, "$and": spend.fits() if spend else []}
        if most is not None:
            is_earlier = {"day": {"$not": {"$gte": day}}}
            fits = {"asked": {"$not": {"$gt": most - n}}}
            where["$and"].append({"$or": [is_earlier, fits]})
        if not where["$and"]:
            del where["$and"]
        is_over = {"$lt": [{"$ifNull": ["$day", ""]}, day]}
        counted = {"$add": [number("$asked"), n]}
        changes = {"asked": {"$cond": [is_over, n, counted]}}
        changes |= spend.changes() if spend else {}
        found = cls.find_and_modify(
            where,
            [{"$set": changes}, {"$set": {"day": {"$max": ["$day", day]}}}],
            durable=False,
        )
        return None if found is None else found.asked


class Session(Stored):
    """
    A session of a signed-in browser.

    Attributes:
        id: SHA-256 of the token in its cookie, in hex.
        number: The user's ``sessions`` counter; the session ends when that changes.
        seen_at: Its latest use, to a few minutes.
        address: The client's address at that time.
        browser: From the User-Agent header.
        confirmed_at: When the user last confirmed the password in it.
    """

    id = StringField(primary_key=True)
    user_id = StringField(required=True)
    number = IntField(required=True)
    created_at = DateTimeField(default=utcnow)
    seen_at = DateTimeField(default=utcnow)
    address = StringField(default="")
    browser = StringField(default="")
    confirmed_at = DateTimeField()

    meta = {
        "collection": "sessions",
        "indexes": [
            named_index("user", "user_id", "-created_at"),
            named_index(
                "idle", "seen_at", expireAfterSeconds=int(SESSION_IDLE.total_seconds())
            ),
        ],
    }


class Invitation(Stored):
    """
    A single-use link to set a password.

    Attributes:
        id: SHA-256 of the link's token, in hex.
        number: The user's ``sessions`` counter at its creation. A new password,
            disabling the user and signing out everywhere increment the counter, which
            invalidates the link.
        email_key: The user's normalized e-mail; a change invalidates the link, too.
    """

    id = StringField(primary_key=True)
    user_id = StringField(required=True)
    number = IntField()
    email_key = StringField()
    created_at = DateTimeField(default=utcnow)
    expires_at = DateTimeField(required=True)

    meta = {
        "collection": "invitations",
        "indexes": [
            named_index("user", "user_id"),
            named_index("expiry", "expires_at", expireAfterSeconds=0),
        ],
    }


class Attempts(Stored):
    """
    A counter of recent failed sign-ins.

    Attributes:
        id: ``address:`` or ``account:``, with a hash of the address or account.
        expires_at: When the counter is deleted.
    """

    id = StringField(primary_key=True)
    count = IntField(default=0)
    expires_at = DateTimeField(required=True)

    meta = {
        "collection": "attempts",
        "indexes": [named_index("expiry", "expires_at", expireAfterSeconds=0)],
    }
