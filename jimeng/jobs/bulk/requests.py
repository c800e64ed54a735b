"""A bulk action is asked for, and looked at."""

import logging

from pymongo.errors import DuplicateKeyError

from jimeng.documents import AuditEntry, BulkAction, indexes, utcnow
from jimeng.documents.audit import new_entry_id
from jimeng.documents.principal import Principal

log = logging.getLogger(__name__)


def start(
    principal: Principal,
    kind: str,
    *,
    total: int,
    scope: str = "",
    details: dict | None = None,
    target: str | None = None,
    audited: bool = False,
) -> BulkAction:
    """
    Write down what is to be done; `work` does it.

    Args:
        scope: Whose or which, where several may go on beside each other.
        details: What is asked for, as JSON.
        target: For the audit trail, as the entry's.
        audited: It is an operator's, and has an entry in the audit trail.

    Returns:
        The action; the one that is under way already, if there is one.

    Raises:
        IndexMissing: nothing would keep two of them apart.
    """
    now = utcnow()
    action = BulkAction(
        kind=kind,
        key=f"{kind}|{scope}",
        by=principal.user_id,
        address=principal.address or None,
        is_operator=principal.is_operator,
        details=details or {},
        total=total,
        open=True,
        due_at=now,
        started_at=now,
        audit_id=new_entry_id() if audited else None,
    )
    indexes.require(indexes.BULK, fresh=True)
    while True:
        try:
            action.add()
            break
        except DuplicateKeyError:
            under_way = BulkAction.find_one({"key": action.key, "open": True})
            if under_way is not None:
                return under_way
    log.info("bulk action begun id=%s kind=%s by=%s", action.id, kind, action.by)
    write_audit_entry(action, target)
    return action


def write_audit_entry(action: BulkAction, target: str | None = None) -> None:
    """Write the entry in the audit trail, before anything is changed; once."""
    if action.audit_id is None:
        return
    entry = AuditEntry(
        id=action.audit_id,
        at=action.started_at,
        by=action.by,
        address=action.address,
        action=action.kind,
        target=target,
        details=action.details,
    )
    row = {k: v for k, v in entry.to_mongo().items() if k != "_id"}
    AuditEntry.collection().update_one(
        {"_id": action.audit_id}, {"$setOnInsert": row}, upsert=True
    )


def find(action_id: str) -> BulkAction | None:
    """The action as it is now; None if it is forgotten."""
    return BulkAction.find_one({"_id": action_id})


def under_way(*kinds: str, by: str | None = None) -> list[BulkAction]:
    """
    Those of *kinds* that have not ended, the oldest first.

    Args:
        by: The id of whoever asked for them; None for anybody's.
    """
    # `due_at` stands there for the sake of the index, which has no others.
    where = {"due_at": {"$exists": True}, "open": True, "kind": {"$in": kinds}}
    rows = BulkAction.collection().find(where | ({"by": by} if by else {}))
    return BulkAction.read_all(rows.sort("started_at", 1))


def latest(kind: str) -> BulkAction | None:
    """
    Of a kind whose actions are about everybody's: the one under way, else the last
    that ended; None if there was none lately.
    """
    where = {"key": f"{kind}|"}
    row = BulkAction.collection().find_one(where, sort=[("started_at", -1)])
    return None if row is None else BulkAction.read(row)
