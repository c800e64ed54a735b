"""What ended on one day, counted once that day can no longer change."""

from mongoengine.fields import BooleanField, IntField, StringField

from jimeng.documents.base import Stored


class Tally(Stored):
    """
    Pictures that ended on a day in UTC.

    Attributes:
        id: The day, ``2026-01-31``.
        done: Those that came.
        failed: Those that did not.
        unknown: Those of which nobody knows whether they were accepted.
        dropped: Those that were never sent, as nobody wanted them any more.
        itemized: They are also kept by user, lane and way of ending.
    """

    id = StringField(primary_key=True)
    done = IntField(default=0)
    failed = IntField(default=0)
    unknown = IntField(default=0)
    dropped = IntField(default=0)
    itemized = BooleanField()

    meta = {"collection": "tallies"}
