"""A page for whoever has its link: a collection, or one picture."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from mongoengine.fields import BooleanField, DateTimeField, StringField

from jimeng.documents.base import Stored, named_index, utcnow


class Shared(StrEnum):
    """What is shown."""

    COLLECTION = "collection"
    PICTURE = "picture"


def new_share_token() -> str:
    """128 random bits: who has the link may see the page."""
    return secrets.token_urlsafe(16)


class Share(Stored):
    """
    One link, which its owner may replace or end.

    Attributes:
        id: That of what it shows, so that each is shared once.
        token: What the link is made of.
        secret: What the addresses of its pictures are made with; it is told nobody.
        kind: One of `Shared`.
        title: What stands above it; empty: the name of the collection, or nothing.
        prompts: Whether what the pictures were asked for with is told.
        expires_at: From when on the link leads nowhere; absent: as long as it is there.
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
        """Those of these pictures that have a link of their own which leads to them."""
        where = {"_id": {"$in": [*ids]}, "expires_at": {"$not": {"$lte": utcnow()}}}
        return {row["_id"] for row in cls.collection().find(where, {"_id": 1})}
