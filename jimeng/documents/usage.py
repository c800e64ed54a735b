"""What each user asks for in a day, and what has come of it."""

from dataclasses import dataclass

from mongoengine.fields import IntField, StringField

from jimeng.documents.base import Stored, named_index
from jimeng.documents.reading import DictField, ListField


@dataclass(frozen=True)
class RateLimit:
    """
    How a user stands with one limit.

    Attributes:
        policy: The limit's name.
        quota: How much is allowed in a window.
        window: Its length in seconds; 0 where it is of what there is at the same time.
        left: How much of it is left.
        resets_in: Seconds until all of it is there again.
    """

    policy: str
    quota: int
    window: int
    left: int
    resets_in: int


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
            named_index("user", "user_id", "day"),
            named_index("day", "day"),
        ],
    }


class UsageHour(Stored):
    """
    Pictures of one user that ended in one of the latest hours, as `Hour` has them.

    Attributes:
        id: Hour and user.
        hour: In UTC, ``2026-01-31T14``.
        ways: ``lane``, ``state``, ``charged`` and ``code`` as those of `Usage`, and
            ``pictures``.
    """

    id = StringField(primary_key=True)
    hour = StringField(required=True)
    user_id = StringField(required=True)
    ways = ListField(DictField())

    meta = {
        "collection": "usage_hours",
        "indexes": [
            named_index("user", "user_id", "hour"),
            named_index("hour", "hour"),
        ],
    }
