"""
Leases: who works on a document, and until when.

A claim writes a new token and the end of its lease, in one update that finds only what
may be claimed. What is written afterwards is guarded by that token: a worker that
stalled past its lease, and was replaced, changes nothing any more. What a worker that
died had begun, the next owner finds once the lease has passed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Self

from mongoengine.fields import DateTimeField, StringField

from jimeng.documents.base import NOTHING, WORKER_TIMEOUT, Stored, new_token, utcnow

# Longer than an operation of the database may take: nobody else begins what is still
# being written.
WRITING_LEASE = timedelta(seconds=WORKER_TIMEOUT + 5)
TURN_S = 1.0  # that a consumer works on what is due before it looks after all else
Update = Mapping[str, Mapping[str, object]]  # by operators, such as ``$set``


class Leased(Stored):
    """
    What comes due, and is worked on by one at a time.

    Attributes:
        due_at: When somebody must look after it; while somebody does, the end of that
            lease. Absent where nobody need.
        owner: The token of the latest claim.
    """

    due_at = DateTimeField()
    owner = StringField()

    meta = {"abstract": True}

    @property
    def still(self) -> dict[str, object]:
        """What has to be as it was claimed, besides the owner."""
        return {"open": True}

    @classmethod
    def claim(
        cls,
        where: Mapping[str, object],
        lease: timedelta,
        update: Update = NOTHING,
        *,
        token: str | None = None,
        sort: Sequence[tuple[str, int]] | None = None,
        durable: bool = True,
    ) -> Self | None:
        """
        Claim the first document of *where*.

        Args:
            update: What changes with the claim.
            token: By default a new one.

        Returns:
            The document as it is claimed; None where there is none.
        """
        owned = {"owner": token or new_token(), "due_at": utcnow() + lease}
        claimed = _with(update, owned)
        return cls.find_and_modify(where, claimed, sort=sort, durable=durable)

    @classmethod
    def claim_due(
        cls,
        where: Mapping[str, object],
        lease: timedelta,
        update: Update = NOTHING,
    ) -> Self | None:
        """`claim` the one of *where* that has been due for longest."""
        due = {"open": True, "due_at": {"$lte": utcnow()}, **where}
        return cls.claim(due, lease, update, sort=[("due_at", 1)])

    def update_owned(
        self,
        update: Update,
        where: Mapping[str, object] = NOTHING,
        *,
        durable: bool = True,
    ) -> Self | None:
        """
        Change it if this claim still owns it, and *where* holds.

        Returns:
            The document afterwards; None where another has taken it over.
        """
        mine = {"_id": self.id, "owner": self.owner, **self.still, **where}
        return self.find_and_modify(mine, update, durable=durable)

    def extend_lease(
        self,
        lease: timedelta,
        update: Update = NOTHING,
        where: Mapping[str, object] = NOTHING,
    ) -> Self | None:
        """`update_owned`, and the lease begins anew."""
        extended = _with(update, {"due_at": utcnow() + lease})
        return self.update_owned(extended, where)

    def release(
        self,
        due_at: datetime,
        changes: Mapping[str, object] = NOTHING,
        *gone: str,
        durable: bool = True,
    ) -> Self | None:
        """
        `update_owned`, after which nobody works on it until it is due again.

        Args:
            changes: Fields with their values.
            gone: Fields that it has no longer.
        """
        update: Update = {
            "$set": {**changes, "due_at": due_at},
            "$unset": dict.fromkeys(("owner", *gone), ""),
        }
        return self.update_owned(update, durable=durable)


def _with(update: Update, fields: dict) -> dict[str, Mapping]:
    return {**update, "$set": {**update.get("$set", {}), **fields}}
