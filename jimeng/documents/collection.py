"""A named collection of a user's pictures."""

import unicodedata

from mongoengine.fields import DateTimeField, StringField

from jimeng.documents.base import Stored, named_index
from jimeng.documents.clock import utcnow
from jimeng.documents.ids import new_id

PREFIX = "collection_"


def name_key(name: str) -> str:
    """Normalize a name for comparison: NFKC and case folding."""
    return unicodedata.normalize("NFKC", name).casefold()


class Collection(Stored):
    """
    A collection. Its pictures refer to it by `Image.collections`.

    Attributes:
        owner_id: For whom it is listed, besides: as `Task.owner_id`.
        name: As entered, trimmed.
        name_key: The normalized name, unique per user.
        updated_at: When it was created or renamed, or pictures were last added.
    """

    id = StringField(primary_key=True, default=new_id(PREFIX))
    user_id = StringField(required=True)
    owner_id = StringField()
    name = StringField(required=True)
    name_key = StringField(required=True)
    created_at = DateTimeField(default=utcnow)
    updated_at = DateTimeField(default=utcnow)

    meta = {
        "collection": "collections",
        "indexes": [
            named_index("name", "user_id", "name_key", unique=True),
            named_index("user_updated", "user_id", "-updated_at", "-_id"),
            named_index(
                "owner_updated", "owner_id", "-updated_at", "-_id", having="owner_id"
            ),
        ],
    }
