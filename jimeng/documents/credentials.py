"""How somebody proves to be a user: keys, sessions, invitations, failed attempts."""

import hashlib
from datetime import date, timedelta

from mongoengine.fields import DateTimeField, IntField, StringField

from jimeng.documents.base import Stored, named_index, number, utcnow
from jimeng.documents.decoding import ListField
from jimeng.documents.ids import new_id
from jimeng.documents.usage import CountedByDay

SESSION_IDLE = timedelta(days=7)  # without use, a session ends
# In an aggregation: beside each key or session, under ``owners``, whose it is.
OWNERS = {"from": "users", "localField": "user_id", "foreignField": "_id"}
WITH_OWNERS = {"$lookup": {**OWNERS, "as": "owners"}}


def digest(token: str) -> str:
    """What is kept of a key, a session or an invitation: SHA-256, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


class ApiKey(CountedByDay):
    """
    An API key. The key itself is not kept, only what it hashes to.

    Attributes:
        name: What its owner calls it.
        prefix: Its first characters, to tell it from others.
        sha256: Of the whole key, in hex.
        scopes: Some of ``read``, ``write``, ``account``, ``admin``.
        doors: Where it is good: some of ``api``, ``openai``, ``mcp``; empty: all.
        models: Ids of those that it may ask for; empty: all.
        per_minute: Tasks that it may ask for; absent: as many as its user.
        per_day: Pictures that it may ask for in a day, in UTC; the same.
        expires_at: From when on it is worth nothing; absent: never.
        last_used_at: To the minute.
    """

    id = StringField(primary_key=True, default=new_id("key_", 8))
    user_id = StringField(required=True)
    name = StringField(required=True)
    prefix = StringField(required=True)
    sha256 = StringField(required=True)
    scopes = ListField(StringField())
    doors = ListField(StringField())
    models = ListField(StringField())
    per_minute = IntField()
    per_day = IntField()
    user_prefix = StringField()
    created_at = DateTimeField(default=utcnow)
    expires_at = DateTimeField()
    last_used_at = DateTimeField()

    meta = {
        "collection": "api_keys",
        "indexes": [
            named_index("sha256", "sha256", unique=True),
            named_index("user", "user_id", "-created_at"),
        ],
    }

    @classmethod
    def reserve_quota(cls, key_id: str, on: date, n: int, *, most: int) -> int | None:
        """
        Count *n* pictures for the day.

        Returns:
            Those of the day so far; None where these would be more than *most*.
        """
        if n > most:
            return None
        day = on.isoformat()
        room = [
            {"day": {"$not": {"$gte": day}}},
            {"asked": {"$not": {"$gt": most - n}}},
        ]
        is_over = {"$lt": [{"$ifNull": ["$day", ""]}, day]}
        counted = {"$add": [number("$asked"), n]}
        found = cls.find_and_modify(
            {"_id": key_id, "$or": room},
            [
                {"$set": {"asked": {"$cond": [is_over, n, counted]}}},
                {"$set": {"day": {"$max": ["$day", day]}}},
            ],
            durable=False,
        )
        return None if found is None else found.asked


class Session(Stored):
    """
    A browser that somebody is signed in with.

    Attributes:
        id: SHA-256 of the token in its cookie, in hex.
        number: The user's ``sessions``; once that is another it has ended.
        seen_at: Its latest use, to a few minutes.
        address: Where that came from.
        browser: What it says it is.
        confirmed_at: When the password was last shown in it.
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
    A link to set a password with, once.

    Attributes:
        id: SHA-256 of the link's token, in hex.
        number: The user's ``sessions`` when it was made. A new password, disabling and
            signing out everywhere count that up, and the link is worth nothing.
        email_key: The user's; with another it is worth nothing either.
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
    Sign-ins that failed lately.

    Attributes:
        id: ``address:`` or ``account:`` with what it counts for, hashed.
        expires_at: When they are forgotten.
    """

    id = StringField(primary_key=True)
    count = IntField(default=0)
    expires_at = DateTimeField(required=True)

    meta = {
        "collection": "attempts",
        "indexes": [named_index("expiry", "expires_at", expireAfterSeconds=0)],
    }
