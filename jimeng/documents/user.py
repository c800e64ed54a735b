"""Somebody who has been given a name here."""

import secrets
import unicodedata

from mongoengine.fields import DateTimeField, StringField

from jimeng.documents.base import Stored, utcnow


def new_user_id() -> str:
    return "user_" + secrets.token_hex(12)


def email_key(email: str) -> str:
    """The form in which two spellings of one address are equal."""
    return unicodedata.normalize("NFKC", email.strip()).casefold()


class User(Stored):
    """
    A user record.

    Attributes:
        email: As it was given.
        email_key: As it is compared.
    """

    id = StringField(primary_key=True, default=new_user_id)
    email = StringField(required=True)
    email_key = StringField(required=True)
    name = StringField(required=True)
    role = StringField(default="user")
    created_at = DateTimeField(default=utcnow)
    updated_at = DateTimeField(default=utcnow)

    meta = {
        "collection": "users",
        "indexes": [{"name": "email", "fields": ["email_key"], "unique": True}],
    }
