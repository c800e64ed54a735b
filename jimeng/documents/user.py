"""Somebody who has been given a name here."""

import re
import unicodedata
from collections.abc import Iterable

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    IntField,
    StringField,
)

from jimeng.documents.base import Stored, named_index, utcnow
from jimeng.documents.decoding import DictField, ListField
from jimeng.documents.ids import new_id

# A dot-atom and a domain's labels (RFC 5321, 4.1.2), of any script (RFC 6531); no
# quoted names, no addresses of hosts.
ATOM, LABEL = r"[^\s@.,:;<>()\[\]\\\"]+", r"[^\W_]+(?:-+[^\W_]+)*"
EMAIL = re.compile(rf"{ATOM}(?:\.{ATOM})*@{LABEL}(?:\.{LABEL})+")


def email_key(email: str) -> str:
    """The form in which two spellings of one address are equal."""
    return unicodedata.normalize("NFKC", email.strip()).casefold()


def is_email(text: str) -> bool:
    """Whether *text* has the form of an address; what is there only a letter tells."""
    return len(text) <= 254 and text.isprintable() and bool(EMAIL.fullmatch(text))


class User(Stored):
    """
    A user record.

    Attributes:
        email: As it was given.
        email_key: As it is compared.
        role: ``user`` or ``admin``.
        password: A hash of it (werkzeug's scrypt); absent until one is set.
        sessions: The number that sessions and invitations must hold to be valid; one
            more ends all of them.
        factor_salt: What the secret of the second factor is made of; absent: there is
            no second factor.
        factor_step: The half minute of the last code that was taken, since 1970.
        factor_since: When it was set up.
        recovery_codes: SHA-256 of those that are left, in hex.
        leaving: The token of who is about to have an admin less, and since when.
        disabled_at: Since when the user is kept out.
        daily_quota: Pictures a day, 0 for none at all; absent: the server's.
        language: ``zh`` or ``en``; absent: the browser's.
        theme: ``system``, ``light`` or ``dark``; absent: the system's.
        defaults: What the form begins with: field -> value.
        plain_files: True where files that are downloaded are not to say what they
            were made of.
    """

    id = StringField(primary_key=True, default=new_id("user_"))
    email = StringField(required=True)
    email_key = StringField(required=True)
    name = StringField(required=True)
    role = StringField(default="user")
    password = StringField()
    sessions = IntField(default=0)
    factor_salt = StringField()
    factor_step = IntField(default=0)
    factor_since = DateTimeField()
    recovery_codes = ListField(StringField())
    leaving = StringField()
    leaving_at = DateTimeField()
    disabled_at = DateTimeField()
    daily_quota = IntField()
    language = StringField()
    theme = StringField()
    defaults = DictField()
    plain_files = BooleanField()
    created_at = DateTimeField(default=utcnow)
    updated_at = DateTimeField(default=utcnow)

    meta = {
        "collection": "users",
        "indexes": [named_index("email", "email_key", unique=True)],
    }

    @classmethod
    def names(cls, ids: Iterable[str]) -> dict[str, str]:
        """Id -> name, of those that have a record."""
        where = {"_id": {"$in": list(ids)}}
        return {u["_id"]: u["name"] for u in cls.collection().find(where, {"name": 1})}
