"""How users stand with their limits; and what has come of what they asked for."""

from dataclasses import dataclass
from datetime import date

from mongoengine.fields import BooleanField, DateTimeField, IntField, StringField

from jimeng.documents.base import Stored, named_index
from jimeng.documents.decoding import DictField, ListField


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


class CountedByDay(Stored):
    """
    The usage of a daily quota, of a user or an API key.

    Attributes:
        day: The latest day (UTC) with a submission: ``2026-01-31``.
        asked: Pictures submitted on it, without those that were never sent. If a
            process dies between two writes, the count may be too high, never too low.
    """

    day = StringField(default="")
    asked = IntField(default=0)

    meta = {"abstract": True}

    @classmethod
    def used_on(cls, row_id: str, day: date) -> int:
        """
        Pictures submitted on *day* or later: another server's clock may be ahead.
        """
        found = cls.find_one({"_id": row_id, "day": {"$gte": day.isoformat()}})
        return found.asked if found else 0

    @classmethod
    def release_quota(cls, row_id: str, day: date, n: int) -> None:
        """Give *n* pictures back to the quota, if that day is still the latest."""
        # A lower count cannot include them.
        where = {"_id": row_id, "day": day.isoformat(), "asked": {"$gte": n}}
        cls.collection(durable=False).update_one(where, {"$inc": {"asked": -n}})


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


class Sums(Stored):
    """
    Everybody's pictures that ended in some time, by their state.

    Attributes:
        done: Those that came.
        failed: Those that did not.
        unknown: Those of which nobody knows whether they were accepted.
        dropped: Those that were never sent, as nobody wanted them any more.
    """

    done = IntField(default=0)
    failed = IntField(default=0)
    unknown = IntField(default=0)
    dropped = IntField(default=0)

    meta = {"abstract": True}


class Tally(Sums):
    """
    Those of a day, counted once it can no longer change.

    Attributes:
        id: The day in UTC, ``2026-01-31``.
    """

    id = StringField(primary_key=True)

    meta = {"collection": "tallies"}


class Hour(Sums):
    """
    Those of one of the latest hours, until its day is counted.

    Attributes:
        id: The hour in UTC, ``2026-01-31T14``.
        since: Nothing ended from then on until the hour began, but for what other
            hours have.
        whole: They are counted, by user too; absent once one of them may have changed.
        changes: How often that was announced, and `changed_at`, when it last was.
    """

    id = StringField(primary_key=True)
    since = DateTimeField()
    whole = BooleanField()
    changes = IntField()
    changed_at = DateTimeField()

    meta = {"collection": "hours"}
