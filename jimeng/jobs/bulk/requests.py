"""Start and query bulk actions."""

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
    Store a new bulk action; `work` executes it.

    Args:
        scope: Distinguishes actions of a kind that may run at the same time.
        details: Its parameters, as JSON.
        target: The target in the audit trail.
        audited: Write an entry to the audit trail.

    Returns:
        The action; the open one of the same kind and scope, if there is one.

    Raises:
        IndexMissing: the unique index that prevents two open ones is missing.
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
    """Write the entry to the audit trail, before anything is changed; idempotent."""
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
    """The current state of an action; None if it has expired."""
    return BulkAction.find_one({"_id": action_id})


def under_way(*kinds: str, by: str | None = None) -> list[BulkAction]:
    """
    The open actions of these kinds, oldest first.

    Args:
        by: The id of the user who started them; None for all.
    """
    # The condition on `due_at` lets MongoDB use the partial index.
    where = {"due_at": {"$exists": True}, "open": True, "kind": {"$in": kinds}}
    rows = BulkAction.collection().find(where | ({"by": by} if by else {}))
    return BulkAction.read_all(rows.sort("started_at", 1))


def latest(kind: str) -> BulkAction | None:
    """
    The latest action of a kind without scope, open or ended; None if there was none
    lately.
    """
    where = {"key": f"{kind}|"}
    row = BulkAction.collection().find_one(where, sort=[("started_at", -1)])
    return None if row is None else BulkAction.read(row)
