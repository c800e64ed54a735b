"""A picture that a user gave, to be drawn from."""

import secrets
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    DictField,
    IntField,
    ObjectIdField,
    StringField,
)

from jimeng.documents.base import Stored, utcnow

PREFIX = "upload_"


class InputState(StrEnum):
    """
    ``fetching`` (from an address, or still as it came) → ``ready``, or ``gone`` where
    nothing came of it.
    """

    FETCHING = "fetching"
    READY = "ready"
    GONE = "gone"


def new_input_id() -> str:
    """128 random bits."""
    return PREFIX + secrets.token_urlsafe(16)


class Input(Stored):
    """
    A picture that goes in; its bytes are in a bucket of their own.

    Attributes:
        user_id: Whose it is: that of the tasks that it goes into, too.
        file_id: The bytes once it is ready, in the store of inputs.
        raw_id: The bytes as they came, until it is ready.
        url: Where it is to be fetched from.
        picture: The id of the `Image` that it is a copy of.
        given_width: Pixels that it had before it was made smaller, upright.
        alpha: Whether a pixel is transparent.
        sha256: Hexadecimal, of the bytes of *file_id*.
        fitted: Limits of a model -> the bytes that were made to keep them:
            ``file_id``, ``width``, ``height``, ``content_type``.
        unnamed: True as long as no task has named it.
        hidden: Its owner has deleted it; the tasks that name it go on.
        keep_until: Until when it is kept though no task names it.
        doomed_at: Since when it was seen to be past that; it can be named no more.
        tries: How often it has been fetched in vain, or its bytes could not be read.
        error: The code of why it is gone.
        busy: True while a worker is at it; of each user only one is.
        busy_until: When that worker must have ended.
    """

    id = StringField(primary_key=True, default=new_input_id)
    user_id = StringField(required=True)
    state = StringField(default=InputState.READY.value)
    file_id = ObjectIdField()
    raw_id = ObjectIdField()
    url = StringField()
    picture = StringField()
    width = IntField()  # pixels
    height = IntField()  # pixels
    given_width = IntField()  # pixels
    given_height = IntField()  # pixels
    bytes = IntField(default=0)  # of what is kept
    content_type = StringField()
    sha256 = StringField()
    alpha = BooleanField(default=False)
    fitted = DictField()
    unnamed = BooleanField()
    hidden = BooleanField()
    created_at = DateTimeField(default=utcnow)
    keep_until = DateTimeField()
    doomed_at = DateTimeField()
    tries = IntField(default=0)
    error = StringField()
    busy = BooleanField()
    busy_until = DateTimeField()

    meta = {
        "collection": "inputs",
        "indexes": [
            {"name": "user_created", "fields": ["user_id", "-created_at", "-_id"]},
            {
                "name": "unnamed",
                "fields": ["user_id", "bytes"],
                "partialFilterExpression": {"unnamed": {"$exists": True}},
            },
            {"name": "keep", "fields": ["keep_until"]},
            {
                "name": "doomed",
                "fields": ["doomed_at"],
                "partialFilterExpression": {"doomed_at": {"$exists": True}},
            },
            {
                "name": "busy",
                "fields": ["user_id"],
                "unique": True,
                "partialFilterExpression": {"busy": {"$exists": True}},
            },
        ],
    }

    @property
    def is_ready(self) -> bool:
        return self.state == InputState.READY.value and self.file_id is not None

    @property
    def given_size(self) -> tuple[int, int] | None:
        """The sides that it had when it came, upright; None until they are known."""
        if self.given_width is None or self.given_height is None:
            return None
        return self.given_width, self.given_height

    @property
    def suffix(self) -> str:
        return "png" if self.content_type == "image/png" else "jpg"

    @classmethod
    def name(cls, ids: Collection[str], user_id: str, until: datetime) -> bool:
        """
        Keep these until a task that names them is written, at least till *until*.

        Returns:
            False if one of them cannot be named any more.
        """
        wanted = set(ids)
        where = {"_id": {"$in": list(wanted)}, "user_id": user_id}
        usable = {"doomed_at": {"$exists": False}, "state": {"$ne": "gone"}}
        update = {"$max": {"keep_until": until}, "$unset": {"unnamed": ""}}
        done = cls.collection().update_many({**where, **usable}, update)
        return done.matched_count == len(wanted)
