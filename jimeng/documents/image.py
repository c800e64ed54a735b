"""A picture that is kept."""

import secrets

from mongoengine.fields import DateTimeField, IntField, ObjectIdField, StringField

from jimeng.documents.base import Stored, utcnow


def new_key() -> str:
    """128 random bits: who has the link may see the picture."""
    return secrets.token_urlsafe(16)


class Image(Stored):
    """
    One picture, its bytes in the store.

    Attributes:
        id: That of the generation it came from, so that a picture saved twice
            is kept once.
        key: What its links are made of.
        file_id: The bytes, in the store.
        thumbnail_id: A WebP of it, in the store.
        seed: The seed that was sent.
    """

    id = StringField(primary_key=True)
    task_id = StringField(required=True)
    user_id = StringField(required=True)
    index = IntField(required=True)
    key = StringField(default=new_key)
    file_id = ObjectIdField(required=True)
    thumbnail_id = ObjectIdField(required=True)
    thumbnail_bytes = IntField(required=True)
    width = IntField(required=True)  # pixels
    height = IntField(required=True)  # pixels
    bytes = IntField(required=True)
    content_type = StringField(required=True)
    sha256 = StringField(required=True)
    seed = IntField()
    created_at = DateTimeField(default=utcnow)

    meta = {
        "collection": "images",
        "indexes": [
            {"name": "key", "fields": ["key"], "unique": True},
            {"name": "task", "fields": ["task_id"]},
            {"name": "user_created", "fields": ["user_id", "-created_at"]},
            {"name": "created", "fields": ["created_at"]},
        ],
    }
