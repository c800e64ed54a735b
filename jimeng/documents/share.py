"""A share: a public page, behind a secret link, of a collection or a picture."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from mongoengine.fields import BooleanField, DateTimeField, StringField

from jimeng.documents.base import Stored, named_index
from jimeng.documents.clock import utcnow


class Shared(StrEnum):
    """The kind of object that is shared."""

    COLLECTION = "collection"
    PICTURE = "picture"


def new_share_token() -> str:
    """Return 128 random bits: the link is the only credential for the page."""
    return secrets.token_urlsafe(16)


class Share(Stored):
    """
    One link, which its owner may replace or revoke.

    Attributes:
        id: The id of the shared object, so that each has at most one share.
        token: The secret part of the link.
        secret: The key from which the URLs of its pictures are derived; never shown.
        kind: One of `Shared`.
        title: The heading of the page; empty: the collection's name, or none.
        prompts: Whether the page shows the pictures' prompts.
        expires_at: When the link expires; absent: never.
    """

    id = StringField(primary_key=True)
    user_id = StringField(required=True)
    token = StringField(required=True, default=new_share_token)
    secret = StringField(required=True, default=new_share_token)
    kind = StringField(required=True)
    title = StringField(default="")
    prompts = BooleanField(default=False)
    created_at = DateTimeField(default=utcnow)
    expires_at = DateTimeField()

    meta = {
        "collection": "shares",
        "indexes": [
            named_index("token", "token", unique=True),
            named_index("user_created", "user_id", "-created_at", "-_id"),
            named_index("created", "-created_at", "-_id"),
        ],
    }

    def has_ended(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    @classmethod
    def showing(cls, ids: Iterable[str]) -> set[str]:
        """Return which of these pictures have a valid share of their own."""
        where = {"_id": {"$in": [*ids]}, "expires_at": {"$not": {"$lte": utcnow()}}}
        return {row["_id"] for row in cls.collection().find(where, {"_id": 1})}
