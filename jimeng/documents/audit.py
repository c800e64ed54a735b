"""What was done to this installation by hand: by whom, when, and to what."""

from mongoengine.fields import DateTimeField, StringField

from jimeng.documents.base import Stored, named_index, utcnow
from jimeng.documents.decoding import DictField
from jimeng.documents.ids import new_id

new_entry_id = new_id("act_")


class AuditEntry(Stored):
    """
    One action of an operator's.

    It is written before the action. What came of it is added once; nothing else of it
    is ever changed.

    Attributes:
        by: The id of who did it.
        address: Where from; of commands ``user@host``.
        action: ``queue.clear`` and the like.
        target: The id of what it was done to; absent where there is only one.
        details: What was asked for, as JSON.
        outcome: What came of it: counts, ``ok``, or ``error`` with a code; absent where
            the process died, or its database, before it could say.
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
        """Add what came of it, if nothing was said yet."""
        where = {"_id": entry_id, "outcome": {"$exists": False}}
        cls.collection().update_one(where, {"$set": {"outcome": outcome}})

    @property
    def is_unfinished(self) -> bool:
        return not self.outcome
