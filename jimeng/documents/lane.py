"""Records of lanes, of users' tickets and quota usage, of workers, and of switches."""

from datetime import timedelta

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    FloatField,
    IntField,
    StringField,
)

from jimeng.documents.base import Stored, named_index
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import DictField, ListField
from jimeng.documents.usage import CountedByDay


class Lane(Stored):
    """
    The state of a lane, the queue of one model of a provider, and of its main account.
    Each other account has a record of its own.

    Attributes:
        id: ``provider:req_key``, or ``account@provider:req_key``.
        turn: The highest ticket of all that were claimed.
        taken_at: When a picture was last claimed.
        not_before: End of the back-off: nothing is sent before.
        refusals: Number of rejections in a row because of too many running pictures.
        full_at: The lowest number of running pictures at one of these.
        limit: The concurrency limit, while it is lower than the configured one.
        raised: By how much the limit is exceeded on trial.
        limit_until: Time of the next trial increase; absent while a trial is widening.
        limit_refused_at: When the provider last said that too many were running.
        refused: The error code for which the provider refused the account; present
            while the account is suspended.
        rests: Number of suspensions in a row.
        suspended_at: When the latest of these began.
        suspended_since: When the first of these began.
        failures: Number of submissions in a row that were refused because of the
            account, or not answered. See `lanes.refusals`.
        failing_since: When the first of these failed.
        failed_at: When the latest of these failed.
        failed_code: The error code of the latest of these.
        failed_users: The ids of up to two users whose submissions these were.
        durations: Durations of the latest pictures in seconds, newest last.
        calm_until: End of the polling back-off, after a rate limit of the provider.
        no_room_at: When a worker last had no disk space for another video.
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
    limit_refused_at = DateTimeField()
    refused = StringField()
    rests = IntField(default=0)
    suspended_at = DateTimeField()
    suspended_since = DateTimeField()
    failures = IntField(default=0)
    failing_since = DateTimeField()
    failed_at = DateTimeField()
    failed_code = StringField()
    failed_users = ListField(StringField())
    durations = ListField(FloatField())
    calm_until = DateTimeField()
    no_room_at = DateTimeField()

    meta = {"collection": "lanes"}


class QuotaUsage(CountedByDay):
    """
    The daily quota usage of a user, and the user's tickets in each lane.

    A submission reserves all of it in a single update.

    Attributes:
        id: The user id.
        lanes: Lane, as in `tickets.path_of_lane` -> ``last``, the highest reserved
            ticket, and ``pending``, the waiting pictures: a hint, recounted where it
            matters.
        taken_at: When a ticket was last reserved, or refused for a budget.
        left: Idempotency tokens of the latest bulk cancellations.
    """

    id = StringField(primary_key=True)
    lanes = DictField()
    taken_at = DateTimeField()
    left = ListField(StringField())

    meta = {
        "collection": "places",
        "indexes": [
            # Longer than a month, whose budget must not be forgotten.
            named_index("forgotten", "taken_at", expireAfterSeconds=40 * 86_400)
        ],
    }


class Worker(Stored):
    """
    A consumer's heartbeat; the consumer counts as alive for `ALIVE` after it.

    Attributes:
        code: The schema number of its release, as in `migrations`.
        release: Its version and commit, for people.
        obsolete: What it no longer reads, as in `obsolete`.
        left: It was shut down deliberately.
        too_old: It stopped itself because a later release has migrated the database.
        ran_at: When it last ran a job; absent before the first.
        stuck: The names of its periodic tasks that hang; absent if there are none.
    """

    id = StringField(primary_key=True)
    started_at = DateTimeField(required=True)
    seen_at = DateTimeField(required=True)
    code = IntField()
    release = StringField()
    obsolete = ListField(StringField())
    left = BooleanField()
    too_old = BooleanField()
    ran_at = DateTimeField()
    stuck = ListField(StringField())

    HEARTBEAT_S = 5.0
    ALIVE = timedelta(seconds=3 * HEARTBEAT_S)

    @classmethod
    def alive(cls) -> dict:
        """A query condition: the heartbeat is recent."""
        return {"seen_at": {"$gte": utcnow() - cls.ALIVE}}

    @property
    def is_alive(self) -> bool:
        """Whether its heartbeat is recent, and it has not stopped itself."""
        return self.seen_at >= utcnow() - self.ALIVE and not self.too_old

    @property
    def host(self) -> str:
        """The host name of its machine."""
        return f"::{self.id}".rsplit(":", 2)[0].removeprefix("::")

    @property
    def pid(self) -> int:
        pid = f"::{self.id}".rsplit(":", 2)[1]
        return int(pid) if pid.isdecimal() else 0

    meta = {
        "collection": "workers",
        "indexes": [named_index("forgotten", "seen_at", expireAfterSeconds=86_400)],
    }


class Switch(Stored):
    """
    A part of the work that is paused; without a record it is running.

    Attributes:
        id: ``intake``, ``sending`` or ``webhooks``.
        paused_at: When it was paused.
        by: The id of the user who paused it.
    """

    id = StringField(primary_key=True)
    paused_at = DateTimeField(required=True)
    by = StringField(required=True)

    meta = {"collection": "switches"}
