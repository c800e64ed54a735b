"""Some of a user's pictures under a name."""

import unicodedata

from mongoengine.fields import DateTimeField, StringField

from jimeng.documents.base import Stored, named_index, utcnow
from jimeng.documents.ids import new_id

PREFIX = "collection_"


def name_key(name: str) -> str:
    """The form in which two spellings of one name are equal."""
    return unicodedata.normalize("NFKC", name).casefold()


class Collection(Stored):
    """
    A collection; which pictures are in it, they say themselves (`Image.collections`).

    Attributes:
        name: As it was given, trimmed.
        name_key: As it is compared: a user has each name once.
        updated_at: When it was made or renamed, or pictures were last put into it.
    """

    id = StringField(primary_key=True, default=new_id(PREFIX))
    user_id = StringField(required=True)
    name = StringField(required=True)
    name_key = StringField(required=True)
    created_at = DateTimeField(default=utcnow)
    updated_at = DateTimeField(default=utcnow)

    meta = {
        "collection": "collections",
        "indexes": [
            named_index("name", "user_id", "name_key", unique=True),
            named_index("user_updated", "user_id", "-updated_at", "-_id"),
        ],
    }
