"""A batch: many prompts submitted together, and their progress."""

from datetime import datetime, timedelta
from typing import Self

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    IntField,
    StringField,
)

from jimeng.documents.base import named_index
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import DictField, ListField
from jimeng.documents.ids import derived_task_id, new_id, new_token
from jimeng.documents.leased import Leased
from jimeng.documents.task import pairs_of

PREFIX = "batch_"
WITHOUT_PROMPTS = {"prompts": 0}  # they may be almost a megabyte
# Batches that still create tasks: some are missing, or some are rerun.
CREATING = {
    **{"open": True, "stopped": {"$exists": False}},
    "$or": [{"again": {"$exists": True}}, {"$expr": {"$lt": ["$made", "$total"]}}],
}

new_batch_id = new_id(PREFIX, 16)


class Batch(Leased):
    """
    Prompts with common settings. It is stored before its tasks are created.

    Attributes:
        user_id: The owner of the batch and of its tasks.
        owner_id: For whom it is listed, besides: as `Task.owner_id`.
        name: The owner's name for it; may be empty.
        prompts: Without duplicates, in order; task number *i* has the *i*-th.
        template: The template whose combinations the prompts are; empty if there is
            none.
        total: Number of prompts.
        n: Number of pictures per prompt.
        asked: The settings of each task, as in `tasks.Request`.
        inputs: The ids of the inputs of each task, in order.
        given: The input references as received in the request.
        lane: The lane of its tasks.
        quoted_micros: The price of one picture that was shown with the order; absent
            if it was not known.
        key_id: The API key of the request, whose limits apply to its tasks.
        idem_hash: Hash of the request, which a request under the same idempotency key
            must match. The key itself is part of the id.
        made: Number of tasks created, in order; also the index of the next one.
        stopped: The code of why no more tasks are created; absent while they are.
        sweeps: Its open tasks are being cancelled.
        again: The rerun in progress: ``at``, the time of the request; ``rest``, whether
            cancelled tasks are included; ``agreed``, whether tasks that may be charged
            twice are; ``key_id``, the key whose limits apply; and ``after``, the
            cursor.
        waits: Why no task can be created at present: ``code``, ``since``, and
            ``until``, the time of the next attempt.
        open: True until all of its tasks have ended, then absent.
        counts: Pictures by state, once it has ended. Absent if one of its tasks has
            changed since.
        announce: It has ended, and its webhook deliveries are not created yet.
        webhook: Where the ends of the batch and its tasks are sent, as in `Task`.
        pairs: The metadata of the batch and its tasks, as in `Task`.
        deleted_at: When its owner deleted it; its tasks are in the trash.
    """

    id = StringField(primary_key=True, default=new_batch_id)
    user_id = StringField(required=True)
    owner_id = StringField()
    name = StringField(default="")
    prompts = ListField(StringField())
    template = StringField(default="")
    total = IntField(required=True, min_value=1)
    n = IntField(required=True, min_value=1)
    asked = DictField()
    inputs = ListField(StringField(), default=None)
    given = DictField()
    lane = StringField(required=True)
    quoted_micros = IntField()
    key_id = StringField()
    idem_hash = StringField()
    made = IntField(default=0)
    stopped = StringField()
    sweeps = BooleanField()
    again = DictField(default=None)
    waits = DictField(default=None)
    open = BooleanField()
    counts = DictField(default=None)
    created_at = DateTimeField(default=utcnow)
    updated_at = DateTimeField(default=utcnow)
    ended_at = DateTimeField()
    announce = BooleanField()
    webhook = DictField(default=None)
    pairs = ListField(DictField(), default=None, db_field="metadata")
    deleted_at = DateTimeField()

    _heavy = WITHOUT_PROMPTS
    meta = {
        "collection": "batches",
        "indexes": [
            named_index("user_created", "user_id", "-created_at", "-_id"),
            named_index(
                "owner_created", "owner_id", "-created_at", "-_id", having="owner_id"
            ),
            named_index("due", "due_at", having="open"),
            named_index("deleted", "deleted_at", having="deleted_at"),
            named_index("inputs", "inputs", having="inputs"),
            named_index("announce", "announce", having="announce"),
        ],
    }

    @property
    def metadata(self) -> dict[str, str]:
        """The caller's metadata."""
        return pairs_of(self.pairs)

    @property
    def is_open(self) -> bool:
        return bool(self.open)

    @property
    def is_filling(self) -> bool:
        """Whether more tasks will be created."""
        return self.is_open and self.stopped is None and self.made < self.total

    def starts_after(self, seconds: float) -> bool:
        """Whether it is delayed for more than *seconds* from now; batches never are."""
        return False

    @property
    def remaining(self) -> int:
        """The number of tasks that are not created yet."""
        return max(self.total - self.made, 0)

    def task_id(self, index: int) -> str:
        """Derive the id of a prompt's task; creating it again yields the same id."""
        return derived_task_id(self.created_at, index, self.id)

    @classmethod
    def take_over(
        cls, where: dict, update: dict, *, due_at: datetime, after: timedelta
    ) -> Self | None:
        """
        `find_and_modify`, and revoke the claim of a worker, which then only finishes
        the operation that it has begun.

        Args:
            due_at: When the batch is due next.
            after: The longest time that such an operation takes; if a worker has
                claimed the batch, it is due no sooner than that.
        """
        now = utcnow()
        free = [{"owner": {"$exists": False}}, {"due_at": {"$not": {"$gt": now}}}]
        changed, gone = update["$set"], {**update["$unset"], "owner": ""}
        changes = {"$set": {**changed, "due_at": due_at}, "$unset": gone}
        found = cls.find_and_modify({**where, "$or": free}, changes)
        if found is not None:
            return found
        lease = {"owner": new_token(), "due_at": max(due_at, now + after)}
        return cls.find_and_modify(where, {**update, "$set": {**changed, **lease}})

    @classmethod
    def count_anew(cls, *batch_ids: str | None) -> None:
        """Discard the counts of ended batches after tasks of theirs have changed."""
        ids = [each for each in batch_ids if each is not None]
        if ids:
            counted = {"_id": {"$in": ids}, "counts": {"$exists": True}}
            cls.collection().update_many(counted, {"$unset": {"counts": ""}})

    @classmethod
    def reopen(cls, batch_id: str) -> None:
        """Reopen an ended batch, since a task is added to it."""
        ended = {"_id": batch_id, "open": {"$exists": False}}
        cls.collection().update_one(
            {**ended, "deleted_at": {"$exists": False}},
            {
                "$set": {"open": True, "due_at": utcnow()},
                "$unset": {"ended_at": "", "counts": ""},
            },
        )


def rerun_id(task_id: str, moment: datetime, index: int) -> str:
    """Derive the id of the task that replaces a failed task in a rerun."""
    return derived_task_id(moment, index, f"{task_id} again")
