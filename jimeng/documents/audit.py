"""The audit trail: actions of operators, with their time, target and outcome."""

from mongoengine.fields import DateTimeField, StringField

from jimeng.documents.base import Stored, named_index
from jimeng.documents.clock import utcnow
from jimeng.documents.decoding import DictField
from jimeng.documents.ids import new_id

new_entry_id = new_id("act_")


class AuditEntry(Stored):
    """
    One action of an operator.

    The entry is written before the action. Its outcome is added once; nothing else in
    it ever changes.

    Attributes:
        by: The id of the user.
        address: The client's address; of commands ``user@host``.
        action: ``queue.clear`` and the like.
        target: The id of the object; absent if there is only one.
        details: The parameters, as JSON.
        outcome: Counts, ``ok``, or ``error`` with a code; absent if the process or the
            database died before.
    """

    id = StringField(primary_key=True, default=new_entry_id)
    at = DateTimeField(default=utcnow)
    by = StringField(required=True)
    address = StringField()
    action = StringField(required=True)
    target = StringField()
    details = DictField()
    outcome = DictField(default=None)

    meta = {
        "collection": "audit",
        "indexes": [named_index("newest", "-at", "-_id")],
    }

    @classmethod
    def close(cls, entry_id: str, outcome: dict) -> None:
        """Set the outcome, unless there is one already."""
        where = {"_id": entry_id, "outcome": {"$exists": False}}
        cls.collection().update_one(where, {"$set": {"outcome": outcome}})

    @property
    def is_unfinished(self) -> bool:
        return not self.outcome
