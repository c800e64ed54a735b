"""What is known of each lane, of each user's place in it, and of the consumers."""

from datetime import timedelta

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    FloatField,
    IntField,
    StringField,
)

from jimeng.documents.base import Stored, named_index, utcnow
from jimeng.documents.decoding import DictField, ListField
from jimeng.documents.usage import CountedByDay


class Lane(Stored):
    """
    A provider and one of its models: its line, and what the main account may have under
    way. Of that the other accounts have records of their own.

    Attributes:
        id: ``provider:req_key``, or ``account@provider:req_key``.
        turn: The highest turn that was ever claimed.
        taken_at: When a picture was last taken from the line.
        not_before: Nothing is sent until then: the provider asked for patience.
        refusals: Refusals for want of a place, in a row.
        full_at: The fewest that were running at one of these.
        limit: What the limit was lowered to, if it was, or has been again for a while.
        raised: How many more than that there may be.
        limit_until: When one more is tried; absent while more and more are.
        refused: With which code the provider refused the account, so that it rests.
        rests: How often it has, in a row.
        durations: The latest pictures' seconds, newest last.
        calm_until: The provider said that it is asked too often; until then less.
    """

    id = StringField(primary_key=True)
    turn = IntField(default=0)
    taken_at = DateTimeField()
    not_before = DateTimeField()
    refusals = IntField(default=0)
    full_at = IntField()
    limit = IntField()
    raised = IntField(default=0)
    limit_until = DateTimeField()
    refused = StringField()
    rests = IntField(default=0)
    durations = ListField(FloatField())
    calm_until = DateTimeField()

    meta = {"collection": "lanes"}


class QuotaUsage(CountedByDay):
    """
    One user: what was asked for in a day, and a place in each lane.

    All that a submission takes of its user's limits is taken in one update of this.

    Attributes:
        id: The user's.
        lanes: `place_of` a lane -> ``last``, the highest turn that was given, and
            ``pending``, waiting pictures: a hint, counted anew where it matters.
        taken_at: When a turn was last given.
        left: Tokens of the latest bulk cancellations that were counted out.
    """

    id = StringField(primary_key=True)
    lanes = DictField()
    taken_at = DateTimeField()
    left = ListField(StringField())

    meta = {
        "collection": "places",
        "indexes": [
            named_index("forgotten", "taken_at", expireAfterSeconds=30 * 86_400)
        ],
    }

    @staticmethod
    def place_of(lane: str) -> str:
        """The path of a lane's entry; no model's name may lead out of it."""
        name = lane.replace("%", "%25").replace(".", "%2E").replace("$", "%24")
        return f"lanes.{name}"


class Worker(Stored):
    """
    A consumer's heartbeat, and how long after it the consumer counts as alive.

    Attributes:
        code: By what `migrations` know its release.
        release: Its version and commit, for people.
        left: It was told to stop, and is not missed.
        too_old: It has stopped by itself: the database is that of a later release.
        ran_at: When it last ran a job; absent before the first.
        stuck: The names of its chores that hang; absent if there are none.
    """

    id = StringField(primary_key=True)
    started_at = DateTimeField(required=True)
    seen_at = DateTimeField(required=True)
    code = IntField()
    release = StringField()
    left = BooleanField()
    too_old = BooleanField()
    ran_at = DateTimeField()
    stuck = ListField(StringField())

    HEARTBEAT_S = 5.0
    ALIVE = timedelta(seconds=3 * HEARTBEAT_S)

    @classmethod
    def alive(cls) -> dict:
        """The part of a query that keeps to those that are alive."""
        return {"seen_at": {"$gte": utcnow() - cls.ALIVE}}

    @property
    def is_alive(self) -> bool:
        """Whether its heartbeat is recent, and it works."""
        return self.seen_at >= utcnow() - self.ALIVE and not self.too_old

    @property
    def host(self) -> str:
        """The machine that it runs on."""
        return f"::{self.id}".rsplit(":", 2)[0].removeprefix("::")

    @property
    def pid(self) -> int:
        pid = f"::{self.id}".rsplit(":", 2)[1]
        return int(pid) if pid.isdecimal() else 0

    meta = {
        "collection": "workers",
        "indexes": [named_index("forgotten", "seen_at", expireAfterSeconds=86_400)],
    }
