"""A prompt that a user has saved under a name."""

from mongoengine.fields import DateTimeField, IntField, StringField

from jimeng.documents.base import Stored, named_index
from jimeng.documents.clock import utcnow
from jimeng.documents.ids import new_id


class SavedPrompt(Stored):
    """
    A prompt and its settings, as in the API; absent settings have their defaults.

    Attributes:
        name: The user's name for it; need not be unique.
        style: The name of a style, or free text.
        updated_at: When it was created or last changed.
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
