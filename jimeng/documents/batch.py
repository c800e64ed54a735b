"""A batch: many prompts that somebody asked for at once, and how far they are."""

from datetime import datetime, timedelta
from typing import Self

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    IntField,
    StringField,
)

from jimeng.documents.base import named_index, new_token, utcnow
from jimeng.documents.decoding import DictField, ListField
from jimeng.documents.ids import derived_task_id, new_id
from jimeng.documents.leases import Leased
from jimeng.documents.task import pairs_of

PREFIX = "batch_"
WITHOUT_PROMPTS = {"prompts": 0}  # which may be most of a megabyte
# Tasks of it are still made: not all are, or some are run again.
CREATING = {
    **{"open": True, "stopped": {"$exists": False}},
    "$or": [{"again": {"$exists": True}}, {"$expr": {"$lt": ["$made", "$total"]}}],
}

new_batch_id = new_id(PREFIX, 16)


class Batch(Leased):
    """
    Many prompts with the same settings: what was asked for, before any task is there.

    Attributes:
        user_id: Whose it is, and its tasks are.
        name: What its owner calls it; may be empty.
        prompts: Each once, in order; task number *i* draws the *i*-th.
        total: How many.
        n: Pictures of each.
        asked: The settings of each task, as `tasks.NewTask` has them.
        inputs: The ids of the pictures that go into each task, in order.
        given: The same as they came with the request, for the record.
        lane: Where they will wait.
        key_id: The API key that asked, whose bounds hold for what is made.
        idem_hash: What a request under the same idempotency key must have in common
            with its own. The key itself is part of the id.
        made: Tasks that were made, in order; the next one is the one of this number.
        stopped: The code of why no more of them are made; absent while they are.
        sweeps: What of its tasks is open is to be cancelled.
        again: What is to be run again: ``at`` what time that was asked for,
            ``rest``, whether what was cancelled, too, ``agreed``, whether what may be
            charged twice, too, ``key_id``, by which key, whose bounds hold for it, and
            ``after``, the last task that was dealt with.
        waits: Why nothing could be made just now: ``code``, ``since``, and ``until``
            when it is tried again.
        open: True until all of its tasks have ended, then absent.
        counts: What became of it, once it has ended: pictures by state. Absent where
            one of its tasks has changed since.
        announce: Its end is to be sent by webhooks, and no delivery is made yet.
        webhook: Where the ends of it and of its tasks are sent, as on `Task`.
        pairs: Its metadata and that of its tasks, as `Task` stores it.
        deleted_at: Set when its owner deleted it; its tasks are in the trash.
    """

    id = StringField(primary_key=True, default=new_batch_id)
    user_id = StringField(required=True)
    name = StringField(default="")
    prompts = ListField(StringField())
    total = IntField(required=True, min_value=1)
    n = IntField(required=True, min_value=1)
    asked = DictField()
    inputs = ListField(StringField(), default=None)
    given = DictField()
    lane = StringField(required=True)
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
            named_index("due", "due_at", having="open"),
            named_index("deleted", "deleted_at", having="deleted_at"),
            named_index("inputs", "inputs", having="inputs"),
            named_index("announce", "announce", having="announce"),
        ],
    }

    @property
    def metadata(self) -> dict[str, str]:
        """What its program attached to it."""
        return pairs_of(self.pairs)

    @property
    def is_open(self) -> bool:
        return bool(self.open)

    @property
    def is_filling(self) -> bool:
        """Whether there are tasks that will be made and are not yet."""
        return self.is_open and self.stopped is None and self.made < self.total

    @property
    def left(self) -> int:
        """Tasks that are not made."""
        return max(self.total - self.made, 0)

    def task_id(self, index: int) -> str:
        """Of the task that draws a prompt: however often it is made, it is one."""
        return derived_task_id(self.created_at, index, self.id)

    @classmethod
    def take_over(
        cls, where: dict, update: dict, *, due_at: datetime, after: timedelta
    ) -> Self | None:
        """
        `find_and_modify`, after which nobody is at it any more but for what is begun.

        Args:
            due_at: When somebody is to go on with it.
            after: The longest that somebody may still be at it; where somebody is, it
                is due no sooner.
        """
        now = utcnow()
        free = [{"owner": {"$exists": False}}, {"due_at": {"$not": {"$gt": now}}}]
        given, gone = update["$set"], {**update["$unset"], "owner": ""}
        changes = {"$set": {**given, "due_at": due_at}, "$unset": gone}
        found = cls.find_and_modify({**where, "$or": free}, changes)
        if found is not None:
            return found
        held = {"owner": new_token(), "due_at": max(due_at, now + after)}
        return cls.find_and_modify(where, {**update, "$set": {**given, **held}})

    @classmethod
    def count_anew(cls, batch_id: str | None) -> None:
        """A task has changed: what was counted at its batch's end holds no more."""
        if batch_id is not None:
            counted = {"_id": batch_id, "counts": {"$exists": True}}
            cls.collection().update_one(counted, {"$unset": {"counts": ""}})

    @classmethod
    def reopen(cls, batch_id: str) -> None:
        """Have somebody look after a batch that has ended: a task is added to it."""
        ended = {"_id": batch_id, "open": {"$exists": False}}
        cls.collection().update_one(
            {**ended, "deleted_at": {"$exists": False}},
            {
                "$set": {"open": True, "due_at": utcnow()},
                "$unset": {"ended_at": "", "counts": ""},
            },
        )


def rerun_id(task_id: str, moment: datetime, place: int) -> str:
    """Of the task that a batch makes in the place of one that failed."""
    return derived_task_id(moment, place, f"{task_id} again")
