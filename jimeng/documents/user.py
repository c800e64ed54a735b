"""User records."""

import re
import unicodedata
from collections.abc import Iterable

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    IntField,
    StringField,
)

from jimeng.documents.base import Stored, named_index
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import DictField, ListField
from jimeng.documents.ids import new_id
from jimeng.documents.spending import WithBudgets

# A dot-atom, and the labels of a domain (RFC 5321, 4.1.2), in any script (RFC 6531);
# no quoted local parts, no IP address literals.
ATOM, LABEL = r"[^\s@.,:;<>()\[\]\\\"]+", r"[^\W_]+(?:-+[^\W_]+)*"
EMAIL = re.compile(rf"{ATOM}(?:\.{ATOM})*@{LABEL}(?:\.{LABEL})+")


def email_key(email: str) -> str:
    """Normalize an e-mail address for comparison."""
    return unicodedata.normalize("NFKC", email.strip()).casefold()


def is_email(text: str) -> bool:
    """Whether *text* is a well-formed e-mail address; the mailbox need not exist."""
    return len(text) <= 254 and text.isprintable() and bool(EMAIL.fullmatch(text))


class User(WithBudgets, Stored):
    """
    A user record.

    Attributes:
        email: As entered.
        email_key: The normalized e-mail, for comparison.
        role: ``user`` or ``admin``.
        password: Its hash (werkzeug's scrypt); absent until a password is set.
        sessions: A counter. Sessions and invitations are valid only while they contain
            its current value; incrementing it ends all of them.
        factor_salt: The salt from which the secret of the second factor is derived;
            absent: no second factor.
        factor_step: The time step (half minutes since 1970) of the last accepted code.
        factor_since: When the second factor was set up.
        recovery_codes: SHA-256 of the remaining recovery codes, in hex.
        leaving: The token of the operation that is removing this admin; `leaving_at`
            is its beginning.
        disabled_at: When the user was disabled; absent: enabled.
        daily_quota: Pictures per day, 0 for none; absent: the server's default.
        daily_budget_micros: What may be spent in a day, in micro-yuan, 0 for nothing;
            absent: the server's default. Likewise `monthly_budget_micros`.
        language: ``zh`` or ``en``; absent: the browser's.
        theme: ``system``, ``light`` or ``dark``; absent: the system's.
        defaults: Initial values of the form: field -> value.
        user_prefixes: Prefixes of the ids of the customers that keys of this user act
            for; it keeps them when those keys are revoked.
        limits_customers: True once a limit was set for one of the customers: until then
            nobody looks for one.
        named_at: When this user's id was last set as the `owner_id` of tasks, batches,
            uploads and collections where that was missing; absent: with these prefixes
            never.
        tasks_named_at: The same in the release before, of tasks alone; it unsets this
            one where there is a new prefix.
        plain_files: True if downloaded files omit prompts from their metadata.
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
    user_prefixes = ListField(StringField())
    limits_customers = BooleanField()
    named_at = DateTimeField()
    tasks_named_at = DateTimeField()
    language = StringField()
    theme = StringField()
    defaults = DictField()
    plain_files = BooleanField()
    created_at = DateTimeField(default=utcnow)
    updated_at = DateTimeField(default=utcnow)

    meta = {
        "collection": "users",
        "indexes": [
            named_index("email", "email_key", unique=True),
            named_index("user_prefixes", "user_prefixes", having="user_prefixes"),
        ],
    }

    @classmethod
    def owner_of(cls, customer: str) -> str | None:
        """The id of the user with the longest prefix of a customer's id; None if none
        has one."""
        beginnings = [customer[:end] for end in range(1, len(customer))]
        rows = cls.find_all(
            {"user_prefixes": {"$in": beginnings}}, {"user_prefixes": 1}
        )
        found = {each: row.id for row in rows for each in row.user_prefixes}
        return max(
            ((len(each), found[each]) for each in beginnings if each in found),
            default=(0, None),
        )[1]

    @classmethod
    def names(cls, ids: Iterable[str]) -> dict[str, str]:
        """Return id -> name of the users that have a record."""
        where = {"_id": {"$in": list(ids)}}
        return {u["_id"]: u["name"] for u in cls.collection().find(where, {"name": 1})}
