"""What each user asks for in a day, and what has come of it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

from mongoengine.fields import DateTimeField, IntField, StringField
from pymongo.errors import DuplicateKeyError

from jimeng.documents.base import Stored

KEPT = timedelta(days=2)  # beyond its day: what is given back late is no use
TRIES = 3


@dataclass(frozen=True)
class Standing:
    """
    How a user stands with one limit.

    Attributes:
        policy: The limit's name.
        quota: How much is allowed in a window.
        window: Its length in seconds.
        left: How much of it is left.
        resets_in: Seconds until all of it is there again.
    """

    policy: str
    quota: int
    window: int
    left: int
    resets_in: int


class Asked(Stored):
    """
    Pictures that a user has asked for on a day in UTC, without those that were
    never sent.

    A process that dies between two writes may leave some counted that nobody drew;
    they are forgotten with the day. Too few are never counted.

    Attributes:
        id: ``2026-01-31|user``.
    """

    id = StringField(primary_key=True)
    pictures = IntField(default=0)
    expires_at = DateTimeField(required=True)

    meta = {
        "collection": "asked",
        "indexes": [
            {"name": "expiry", "fields": ["expires_at"], "expireAfterSeconds": 0}
        ],
    }

    @classmethod
    def take(cls, user_id: str, day: date, n: int, *, most: int | None) -> Self | None:
        """
        Count *n* more pictures.

        Args:
            most: How many a day may have; None for no limit.

        Returns:
            The count afterwards; None if it would be more than *most*.
        """
        where: dict = {"_id": _id(user_id, day)}
        if most is not None:
            where["pictures"] = {"$not": {"$gt": most - n}}
        ends = datetime.combine(day + timedelta(days=1), time.min, UTC)
        update = {"$inc": {"pictures": n}, "$setOnInsert": {"expires_at": ends + KEPT}}
        for _ in range(TRIES if most is None or n <= most else 0):
            try:
                # Without a limit it is a figure to look at, and a crash may forget it.
                return cls.swap(where, update, upsert=True, durable=most is not None)
            except DuplicateKeyError:
                continue  # full; or another request has just made the record
        return None

    @classmethod
    def give_back(cls, user_id: str, day: date, n: int) -> None:
        """Count *n* pictures out again."""
        # A count that is gone, or is less, is not one that they were in.
        where = {"_id": _id(user_id, day), "pictures": {"$gte": n}}
        cls.collection(durable=False).update_one(where, {"$inc": {"pictures": -n}})

    @classmethod
    def count(cls, user_id: str, day: date) -> int:
        found = cls.find_one({"_id": _id(user_id, day)})
        return found.pictures if found else 0


def _id(user_id: str, day: date) -> str:
    return f"{day.isoformat()}|{user_id}"


class Usage(Stored):
    """
    Pictures of one user that ended on one day, in one lane, in one way.

    Written once the day can no longer change; younger days are counted from the
    generations.

    Attributes:
        id: All of the others but the count, so that writing it twice writes it once.
        day: In UTC, ``2026-01-31``.
        state: ``done``, ``failed``, ``unknown`` or ``dropped``.
        charged: ``no``, ``unknown`` or ``yes``.
        code: Of the error; empty where there was none.
    """

    id = StringField(primary_key=True)
    day = StringField(required=True)
    user_id = StringField(required=True)
    lane = StringField(required=True)
    state = StringField(required=True)
    charged = StringField(required=True)
    code = StringField(default="")
    pictures = IntField(required=True)

    meta = {
        "collection": "usage",
        "indexes": [
            {"name": "user", "fields": ["user_id", "day"]},
            {"name": "day", "fields": ["day"]},
        ],
    }
