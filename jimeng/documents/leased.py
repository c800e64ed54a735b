"""`Leased`: documents that one worker processes at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Self

from mongoengine import fields

from jimeng.documents.base import NOTHING, Stored, Update
from jimeng.documents.clock import utcnow
from jimeng.documents.ids import new_token


class Leased(Stored):
    """
    A document that comes due, and is processed by one worker at a time.

    A claim writes a new token and the end of the lease, in one guarded update. Later
    writes are guarded by that token: a worker that stalled beyond its lease, and was
    replaced, can change nothing any more. If a worker dies, the document is claimed
    again when the lease expires.

    Attributes:
        due_at: When it is due; while claimed, the end of the lease. Absent once its
            processing has ended.
        owner: The token of the latest claim.
    """

    due_at = fields.DateTimeField()
    owner = fields.StringField()

    meta = {"abstract": True}

    @property
    def still(self) -> dict[str, object]:
        """Conditions, besides the owner, for a claim to be still valid."""
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
        Claim the first document that matches *where*.

        Args:
            update: Applied with the claim.
            token: By default a new one.

        Returns:
            The claimed document; None if none matches.
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
        """Claim the match of *where* that has been due for longest."""
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
        Update the document if this claim is still valid, and *where* matches.

        Returns:
            The document after the update; None if the claim was lost.
        """
        mine = {"_id": self.id, "owner": self.owner, **self.still, **where}
        return self.find_and_modify(mine, update, durable=durable)

    def extend_lease(
        self,
        lease: timedelta,
        update: Update = NOTHING,
        where: Mapping[str, object] = NOTHING,
    ) -> Self | None:
        """`update_owned`, and extend the lease."""
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
        `update_owned`, and release the claim until the document is due again.

        Args:
            changes: Fields to set.
            gone: Fields to unset.
        """
        update: Update = {
            "$set": {**changes, "due_at": due_at},
            "$unset": dict.fromkeys(("owner", *gone), ""),
        }
        return self.update_owned(update, durable=durable)


def _with(update: Update, changes: dict) -> dict[str, Mapping]:
    return {**update, "$set": {**update.get("$set", {}), **changes}}
