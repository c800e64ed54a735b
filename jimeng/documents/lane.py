"""What is known of each lane, of each user's place in it, and of the consumers."""

from mongoengine.fields import (
    DateTimeField,
    FloatField,
    IntField,
    ListField,
    StringField,
)

from jimeng.documents.base import Stored


class Lane(Stored):
    """
    A provider and one of its models: what its limit of pictures at a time counts.

    Attributes:
        id: ``provider:req_key``.
        turn: The highest turn that was ever claimed.
        not_before: Nothing is sent until then: the provider asked for patience.
        refusals: Refusals for want of a place, in a row.
        full_at: The fewest that were running at one of these.
        limit: What the limit was lowered to, if it was.
        limit_until: When one more is tried.
        durations: The latest pictures' seconds, newest last.
    """

    id = StringField(primary_key=True)
    turn = IntField(default=0)
    not_before = DateTimeField()
    refusals = IntField(default=0)
    full_at = IntField()
    limit = IntField()
    limit_until = DateTimeField()
    durations = ListField(FloatField())

    meta = {"collection": "lanes"}


class Line(Stored):
    """
    One user in one lane.

    Attributes:
        id: ``lane|user``.
        last: The highest turn that was given to the user.
        pending: Waiting pictures; a hint, counted anew where it matters.
        taken_at: When the user was last given a turn.
    """

    id = StringField(primary_key=True)
    last = IntField(default=0)
    pending = IntField(default=0)
    taken_at = DateTimeField()

    meta = {"collection": "lines"}


class Worker(Stored):
    """A consumer's heartbeat."""

    id = StringField(primary_key=True)
    started_at = DateTimeField(required=True)
    seen_at = DateTimeField(required=True)

    meta = {
        "collection": "workers",
        "indexes": [
            {
                "name": "forgotten",
                "fields": ["seen_at"],
                "expireAfterSeconds": 86_400,
            }
        ],
    }
