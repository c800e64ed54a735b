"""How somebody proves to be a user: keys, sessions, invitations, failed attempts."""

import secrets
from datetime import timedelta

from mongoengine.fields import DateTimeField, IntField, ListField, StringField

from jimeng.documents.base import Stored, utcnow

SESSION_IDLE = timedelta(days=7)  # without use, a session ends


def new_key_id() -> str:
    return "key_" + secrets.token_hex(8)


class ApiKey(Stored):
    """
    An API key. The key itself is not kept, only what it hashes to.

    Attributes:
        name: What its owner calls it.
        prefix: Its first characters, to tell it from others.
        sha256: Of the whole key, in hex.
        scopes: Some of ``read``, ``write``, ``account``, ``admin``.
        expires_at: From when on it is worth nothing; absent: never.
        last_used_at: To the minute.
    """

    id = StringField(primary_key=True, default=new_key_id)
    user_id = StringField(required=True)
    name = StringField(required=True)
    prefix = StringField(required=True)
    sha256 = StringField(required=True)
    scopes = ListField(StringField())
    created_at = DateTimeField(default=utcnow)
    expires_at = DateTimeField()
    last_used_at = DateTimeField()

    meta = {
        "collection": "api_keys",
        "indexes": [
            {"name": "sha256", "fields": ["sha256"], "unique": True},
            {"name": "user", "fields": ["user_id", "-created_at"]},
        ],
    }


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
            {"name": "user", "fields": ["user_id", "-created_at"]},
            {
                "name": "idle",
                "fields": ["seen_at"],
                "expireAfterSeconds": int(SESSION_IDLE.total_seconds()),
            },
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
            {"name": "user", "fields": ["user_id"]},
            {"name": "expiry", "fields": ["expires_at"], "expireAfterSeconds": 0},
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
        "indexes": [
            {"name": "expiry", "fields": ["expires_at"], "expireAfterSeconds": 0}
        ],
    }
