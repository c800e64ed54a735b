"""Usage: the state of users' limits, daily quotas, and counts of ended pictures."""

from dataclasses import dataclass

from mongoengine.fields import IntField, StringField

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
