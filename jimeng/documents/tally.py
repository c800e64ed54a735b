"""What ended on a day, counted once it can no longer change; until then, in an hour."""

from mongoengine.fields import BooleanField, DateTimeField, IntField, StringField

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
    """

    id = StringField(primary_key=True)
    done = IntField(default=0)
    failed = IntField(default=0)
    unknown = IntField(default=0)
    dropped = IntField(default=0)

    meta = {"collection": "tallies"}


class Hour(Stored):
    """
    Pictures that ended in one of the latest hours, until its day is counted.

    Attributes:
        id: The hour in UTC, ``2026-01-31T14``.
        since: Nothing ended from then on until the hour began, but for what other
            hours have.
        done, failed, unknown, dropped: As those of `Tally`.
        whole: They are counted, by user too; absent once one of them may have changed.
        changes: How often that was announced, and `changed_at`, when it last was.
    """

    id = StringField(primary_key=True)
    since = DateTimeField()
    done = IntField(default=0)
    failed = IntField(default=0)
    unknown = IntField(default=0)
    dropped = IntField(default=0)
    whole = BooleanField()
    changes = IntField()
    changed_at = DateTimeField()

    meta = {"collection": "hours"}
