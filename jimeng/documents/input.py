"""A picture that a user gave, to be drawn from."""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    IntField,
    ObjectIdField,
    StringField,
)
from pymongo.errors import DuplicateKeyError

from jimeng.documents.base import Stored, named_index, new_token, utcnow
from jimeng.documents.decoding import DictField

PREFIX = "upload_"
PROMISED = timedelta(days=1)  # for which an upload is kept, whatever becomes of tasks


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
        uploaded: It was given before any task named it, with a promise of a day.
        idem_key: The ``Idempotency-Key`` under which it came; none from the moment
            that its owner has deleted it.
        idem_hash: SHA-256 of the file as it came under that key.
        unnamed: True as long as no task has named it.
        hidden: Its owner has deleted it; the tasks that name it go on.
        keep_until: Until when it is kept though no task names it.
        doomed_at: Since when it was seen to be past that; it can be named no more.
        tries: How often it has been fetched in vain, or its bytes could not be read.
        error: The code of why it is gone.
        not_before: When it may be tried again.
        owner: The token of the worker that is at it; of each user's only one has one.
        owned_until: When that worker must have ended.
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
    uploaded = BooleanField()
    idem_key = StringField()
    idem_hash = StringField()
    unnamed = BooleanField()
    hidden = BooleanField()
    created_at = DateTimeField(default=utcnow)
    keep_until = DateTimeField()
    doomed_at = DateTimeField()
    tries = IntField(default=0)
    error = StringField()
    not_before = DateTimeField()
    owner = StringField()
    owned_until = DateTimeField()

    meta = {
        "collection": "inputs",
        "indexes": [
            named_index("user_created", "user_id", "-created_at", "-_id"),
            named_index("unnamed", "user_id", "bytes", having="unnamed"),
            named_index("idem", "user_id", "idem_key", unique=True, having="idem_key"),
            named_index("keep", "keep_until"),
            named_index("doomed", "doomed_at", having="doomed_at"),
            named_index("one_at_a_time", "user_id", unique=True, having="owner"),
        ],
    }

    @property
    def is_ready(self) -> bool:
        return self.state == InputState.READY.value and self.file_id is not None

    @property
    def uploaded_size(self) -> tuple[int, int] | None:
        """The sides that it had when it came, upright; None until they are known."""
        if self.given_width is None or self.given_height is None:
            return None
        return self.given_width, self.given_height

    @property
    def size(self) -> tuple[int, int] | None:
        """Its sides, in pixels; None until they are known."""
        if self.width is None or self.height is None:
            return None
        return self.width, self.height

    @property
    def suffix(self) -> str:
        return "png" if self.content_type == "image/png" else "jpg"

    @classmethod
    def claim(cls, input_id: str, user_id: str, until: datetime) -> "Input | None":
        """
        Take an input to work at it, alone.

        Returns:
            None if another worker is at it, or at another one of this user's; or it
            may not be tried again yet.
        """
        now = utcnow()
        stale = {"user_id": user_id, "owner": {"$exists": True}}
        stale["owned_until"] = {"$not": {"$gt": now}}
        gone = {"owner": "", "owned_until": ""}
        cls.collection(durable=False).update_many(stale, {"$unset": gone})
        free = {"owner": {"$exists": False}, "not_before": {"$not": {"$gt": now}}}
        token = {"owner": new_token(), "owned_until": until}
        try:
            return cls.find_and_modify(
                {"_id": input_id, **free}, {"$set": token}, durable=False
            )
        except DuplicateKeyError:
            return None

    def settle(self, changes: dict, *gone: str) -> "Input | None":
        """
        Write what came of working at it; None if another has taken it over.

        Args:
            gone: Fields that it has no longer.
        """
        ended = dict.fromkeys(("owner", "owned_until", *gone), "")
        update = {"$set": changes, "$unset": ended}
        return Input.find_and_modify({"_id": self.id, "owner": self.owner}, update)

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

    @classmethod
    def release(cls, ids: Collection[str]) -> None:
        """A task that named these is gone: soon somebody sees whether others do."""
        now, day = utcnow(), int(PROMISED.total_seconds() * 1000)
        promised = {"$max": [now, {"$add": ["$created_at", day]}]}
        earliest = {"$cond": [{"$eq": ["$uploaded", True]}, promised, now]}
        soon = {"$min": [{"$ifNull": ["$keep_until", now]}, earliest]}
        where = {"_id": {"$in": list(ids)}}
        cls.collection().update_many(where, [{"$set": {"keep_until": soon}}])
