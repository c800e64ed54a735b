"""A change to very many documents that somebody asked for, and how far it has come."""

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    IntField,
    StringField,
)

from jimeng.documents.base import named_index, utcnow
from jimeng.documents.decoding import DictField
from jimeng.documents.ids import new_id
from jimeng.documents.leases import Leased


class BulkAction(Leased):
    """
    One bulk action, from the asking to its end.

    Attributes:
        kind: ``queue.clear`` and the like.
        key: What two at a time would be about: while one is open, the next that is
            asked for is this one.
        by: The id of who asked for it.
        is_operator: Whether that was somebody who may touch everybody's.
        details: What was asked for, as JSON.
        total: How many there seemed to be when it began.
        done: How many it was done to, and `left_out` how many not.
        open: True until it has ended, then absent.
        tries: Claims in a row that brought nothing forward.
        cursor: Where it goes on, for kinds that need to know.
        batch: What is being changed in this moment: ``ids``, ``at``, ``token``. Written
            before the change, so that whoever takes over repeats just that.
        audit_id: The id of its entry in the audit trail, if it has one.
        error: The code of why it ended early.
    """

    id = StringField(primary_key=True, default=new_id("bulk_"))
    kind = StringField(required=True)
    key = StringField(required=True)
    by = StringField(required=True)
    address = StringField()
    is_operator = BooleanField(default=False)
    details = DictField()
    total = IntField(default=0)
    done = IntField(default=0)
    left_out = IntField(default=0)
    open = BooleanField()
    tries = IntField(default=0)
    cursor = StringField()
    batch = DictField()
    audit_id = StringField()
    error = StringField()
    started_at = DateTimeField(default=utcnow)
    ended_at = DateTimeField()
    expires_at = DateTimeField()

    meta = {
        "collection": "bulk_actions",
        "indexes": [
            named_index("one_at_a_time", "key", unique=True, having="open"),
            named_index("due", "due_at", having="open"),
            named_index("latest", "key", "-started_at"),
            named_index("expiry", "expires_at", expireAfterSeconds=0),
        ],
    }

    @property
    def is_open(self) -> bool:
        return bool(self.open)

    @property
    def percent(self) -> int:
        """How much of it is over; what came later may make it more than it seemed."""
        over = self.done + self.left_out
        return min(99, 100 * over // max(self.total, over, 1)) if self.open else 100
