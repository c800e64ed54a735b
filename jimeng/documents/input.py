"""An input picture, its preparation, and how long it is stored."""

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

from jimeng.documents.base import Stored, named_index
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import DictField
from jimeng.documents.ids import new_token

PREFIX = "upload_"
PROMISED = timedelta(days=1)  # that an upload is stored, whether or not a task uses it


class InputState(StrEnum):
    """
    ``fetching`` (to be downloaded or normalised) → ``ready``, or ``gone`` if that
    failed.
    """

    FETCHING = "fetching"
    READY = "ready"
    GONE = "gone"


def new_input_id() -> str:
    """Return an id of 128 random bits."""
    return PREFIX + secrets.token_urlsafe(16)


class Input(Stored):
    """
    An input picture; its files are in a GridFS bucket of their own.

    Attributes:
        user_id: The owner of the input and of the tasks that use it.
        owner_id: For whom an upload is listed, besides: as `Task.owner_id`.
        file_id: The id of the prepared file, once it is ready.
        raw_id: The id of the file as received, until it is ready.
        url: The URL to download it from.
        picture: The id of the `Image` that it is a copy of, or the last frame of.
        given_width: Width in pixels before downscaling, upright.
        alpha: Whether it has transparent pixels.
        sha256: Hash of the file *file_id*, in hex.
        fitted: Limits of a model -> the version that was scaled to them: ``file_id``,
            ``width``, ``height``, ``content_type``.
        uploaded: It was uploaded before any task used it, and is stored for a day.
        idem_key: The ``Idempotency-Key`` of the upload; unset once its owner has
            deleted it.
        idem_hash: SHA-256 of the file as received under that key.
        unnamed: True as long as no task has used it.
        hidden: Its owner has deleted it; tasks that use it go on.
        keep_until: Until then it is stored even if no task uses it.
        doomed_at: When the janitor found it expired; no further task can use it.
        tries: Number of failed downloads, or failures to read its file.
        error: The code of why it is gone.
        not_before: Time of the next attempt.
        owner: The token of the worker that prepares it. Of each user's inputs, only one
            is claimed at a time.
        owned_until: The end of that worker's lease.
    """

    id = StringField(primary_key=True, default=new_input_id)
    user_id = StringField(required=True)
    owner_id = StringField()
    state = StringField(default=InputState.READY.value)
    file_id = ObjectIdField()
    raw_id = ObjectIdField()
    url = StringField()
    picture = StringField()
    width = IntField()  # pixels
    height = IntField()  # pixels
    given_width = IntField()  # pixels
    given_height = IntField()  # pixels
    bytes = IntField(default=0)  # size of the stored file
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
            named_index(
                "owner_created", "owner_id", "-created_at", "-_id", having="owner_id"
            ),
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
        """Width and height in pixels as received, upright; None until known."""
        if self.given_width is None or self.given_height is None:
            return None
        return self.given_width, self.given_height

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height in pixels as stored; None until known."""
        if self.width is None or self.height is None:
            return None
        return self.width, self.height

    @property
    def suffix(self) -> str:
        return "png" if self.content_type == "image/png" else "jpg"

    @classmethod
    def claim(cls, input_id: str, user_id: str, until: datetime) -> "Input | None":
        """
        Claim an input for one worker until *until*.

        Returns:
            None if a worker has claimed it or another input of this user, or its next
            attempt is not due yet.
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

    def finish_preparation(self, changes: dict, *gone: str) -> "Input | None":
        """
        Store the result of the preparation, and release the claim.

        Args:
            changes: Fields to set.
            gone: Fields to unset.

        Returns:
            The input; None if another worker has claimed it meanwhile.
        """
        ended = dict.fromkeys(("owner", "owned_until", *gone), "")
        update = {"$set": changes, "$unset": ended}
        return Input.find_and_modify({"_id": self.id, "owner": self.owner}, update)

    @classmethod
    def name(cls, ids: Collection[str], user_id: str, until: datetime) -> bool:
        """
        Mark inputs as used by a task that is about to be stored; retain them at least
        until *until*.

        Returns:
            False if one of them can no longer be used.
        """
        wanted = set(ids)
        where = {"_id": {"$in": list(wanted)}, "user_id": user_id}
        usable = {"doomed_at": {"$exists": False}, "state": {"$ne": "gone"}}
        update = {"$max": {"keep_until": until}, "$unset": {"unnamed": ""}}
        done = cls.collection().update_many({**where, **usable}, update)
        return done.matched_count == len(wanted)

    @classmethod
    def release(cls, ids: Collection[str]) -> None:
        """Let the janitor check soon whether other tasks still use these inputs."""
        now, day = utcnow(), int(PROMISED.total_seconds() * 1000)
        promised = {"$max": [now, {"$add": ["$created_at", day]}]}
        earliest = {"$cond": [{"$eq": ["$uploaded", True]}, promised, now]}
        soon = {"$min": [{"$ifNull": ["$keep_until", now]}, earliest]}
        where = {"_id": {"$in": list(ids)}}
        cls.collection().update_many(where, [{"$set": {"keep_until": soon}}])
