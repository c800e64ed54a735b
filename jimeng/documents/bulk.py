"""Bulk actions: changes of many documents in batches, with progress."""

from mongoengine.fields import (
    BooleanField,
    DateTimeField,
    IntField,
    StringField,
)

from jimeng.documents.base import named_index
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import DictField
from jimeng.documents.ids import new_id
from jimeng.documents.leased import Leased


class BulkAction(Leased):
    """
    One bulk action, from its request to its end.

    Attributes:
        kind: ``queue.clear`` and the like.
        key: Kind and scope; unique among open actions. A further request with the same
            key returns the open action.
        by: The id of the user who started it.
        is_operator: Whether that user may change all users' documents.
        details: Its parameters, as JSON.
        total: Estimated number of documents at the start.
        done: Number of documents changed; `left_out` of documents skipped.
        open: True until it has ended, then absent.
        tries: Number of claims in a row without progress.
        cursor: The beginning of the next batch, for kinds that need one.
        batch: The checkpoint of the current batch: ``ids``, ``at``, ``token``. Written
            before the change, so that the next worker repeats exactly this batch.
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
        """Progress; documents added later may exceed the estimated total."""
        over = self.done + self.left_out
        return min(99, 100 * over // max(self.total, over, 1)) if self.open else 100
