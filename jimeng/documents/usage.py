"""Usage: the state of users' limits, daily quotas, and counts of ended pictures."""

from dataclasses import dataclass

from mongoengine.fields import BooleanField, DateTimeField, IntField, StringField

from jimeng.documents.base import DictField, ListField, Stored, named_index
from jimeng.documents.spending import Spending


@dataclass(frozen=True)
class RateLimit:
    """
    The state of one limit of a user.

    Attributes:
        policy: The limit's name.
        quota: The number that is allowed in a window.
        window: Its length in seconds; 0 for a limit on concurrent use.
        remaining: How many are still allowed.
        resets_in: Seconds until the whole quota is available again.
    """

    policy: str
    quota: int
    window: int
    remaining: int
    resets_in: int


class CountedByDay(Spending):
    """
    The usage of a daily quota and of budgets, of a user or an API key.

    Attributes:
        day: The latest day with a submission, in ``BILLING_TIMEZONE``: ``2026-01-31``.
        asked: Pictures submitted on it, without those that were never sent. If a
            process dies between two writes, the count may be too high, never too low.
    """

    day = StringField(default="")
    asked = IntField(default=0)

    meta = {"abstract": True}

    @classmethod
    def used_on(cls, row_id: str, day: str) -> int:
        """
        Return the pictures submitted on *day* or later: the clock of another server may
        be ahead.
        """
        found = cls.find_one({"_id": row_id, "day": {"$gte": day}})
        return found.asked if found else 0

    @classmethod
    def release_quota(cls, row_id: str, day: str, n: int) -> None:
        """Return *n* pictures to the quota, if that day is still the latest."""
        # A lower count cannot include them.
        where = {"_id": row_id, "day": day, "asked": {"$gte": n}}
        cls.collection(durable=False).update_one(where, {"$inc": {"asked": -n}})


class Usage(Stored):
    """
    Pictures of one user that ended on one day, in one lane, in one way.

    Written once the day can no longer change; later days are counted from the
    generations.

    Attributes:
        id: All other fields except the count, so that writing is idempotent.
        day: In UTC, ``2026-01-31``.
        state: ``done``, ``failed``, ``unknown`` or ``dropped``.
        charged: ``no``, ``unknown`` or ``yes``.
        code: The error code; empty if there was no error.
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
    Pictures of one user that ended in one of the latest hours: `Hour` by user.

    Attributes:
        id: Hour and user.
        hour: In UTC, ``2026-01-31T14``.
        ways: Counts, ``pictures``, by ``lane``, ``state``, ``charged`` and ``code`` as
            in `Usage`.
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
    Counts of all users' pictures that ended in a period, by state.

    Attributes:
        done: Stored successfully.
        failed: Failed.
        unknown: May or may not have been accepted by the provider.
        dropped: Never sent, because they were cancelled or deleted.
    """

    done = IntField(default=0)
    failed = IntField(default=0)
    unknown = IntField(default=0)
    dropped = IntField(default=0)

    meta = {"abstract": True}


class Tally(Sums):
    """
    The counts of a day, stored once it can no longer change.

    Attributes:
        id: The day in UTC, ``2026-01-31``.
    """

    id = StringField(primary_key=True)

    meta = {"collection": "tallies"}


class Hour(Sums):
    """
    The counts of one of the latest hours, until those of its day are stored.

    Attributes:
        id: The hour in UTC, ``2026-01-31T14``.
        since: Between then and the beginning of the hour, no pictures ended except
            those in other hours' records.
        whole: The counts are complete, also by user; absent once one of them may have
            changed.
        changes: Number of announced changes; `changed_at` is the time of the latest.
    """

    id = StringField(primary_key=True)
    since = DateTimeField()
    whole = BooleanField()
    changes = IntField()
    changed_at = DateTimeField()

    meta = {"collection": "hours"}
