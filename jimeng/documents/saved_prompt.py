"""A prompt that a user keeps under a name."""

from mongoengine.fields import DateTimeField, IntField, StringField

from jimeng.documents.base import Stored, named_index, utcnow
from jimeng.documents.ids import new_id


class SavedPrompt(Stored):
    """
    Words and settings, as the API takes them; what is absent is as is usual.

    Attributes:
        name: What its user calls it; two may have the same.
        style: With a name, or words.
        updated_at: When it was made or last changed.
    """

    id = StringField(primary_key=True, default=new_id("prompt_"))
    user_id = StringField(required=True)
    name = StringField(required=True)
    prompt = StringField(required=True)
    model = StringField()
    size = StringField()
    quality = StringField()
    style = StringField()
    n = IntField()
    seed = IntField()
    created_at = DateTimeField(default=utcnow)
    updated_at = DateTimeField(default=utcnow)

    meta = {
        "collection": "prompts",
        "indexes": [named_index("user_created", "user_id", "-created_at", "-_id")],
    }
