"""Execute bulk actions in batches, under a lease."""

import logging
import math
import time
from contextlib import nullcontext, suppress
from datetime import datetime, timedelta

from pymongo.errors import PyMongoError
from redis.exceptions import RedisError

from jimeng.documents import AuditEntry, BulkAction, is_away, new_token, utcnow
from jimeng.documents.clock import RUN_S
from jimeng.documents.connection import WRITING_LEASE
from jimeng.documents.principal import part_of_recorded
from jimeng.errors import (
    DatabaseUnavailable,
    JimengError,
    QueueUnavailable,
    StorageUnavailable,
)
from jimeng.jobs.bulk.kinds import KINDS, DocumentBatch, Kind
from jimeng.jobs.bulk.requests import write_audit_entry

log = logging.getLogger(__name__)

REQUEST_BUDGET_S, REQUEST_BATCH_DOCUMENTS = 0.4, 100  # documents in a batch
MAX_ATTEMPTS = 10
RETRY_IN = timedelta(seconds=5)  # where a database is away
RETENTION = timedelta(days=7)  # after its end
AWAY = (
    *(PyMongoError, RedisError),
    *(DatabaseUnavailable, QueueUnavailable, StorageUnavailable),
)


def run_due() -> bool:
    """Work on an action that is due, for `RUN_S`; return whether there was one."""
    action = _claim({})
    if action is not None:
        _work(action, RUN_S)
    return action is not None


def work(
    action: BulkAction, *, budget_s: float = math.inf, size: int | None = None
) -> BulkAction:
    """
    Work on *action*, unless another process does.

    Args:
        budget_s: Seconds after which no further batch is begun; the consumers do the
            rest.
        size: Maximum size of a batch.

    Returns:
        The current state of the action.
    """
    claimed = _claim({"_id": action.id})
    if claimed is not None:
        _work(claimed, budget_s, size)
    return BulkAction.find_one({"_id": action.id}) or action


def work_briefly(action: BulkAction) -> BulkAction:
    """`work` within `REQUEST_BUDGET_S`: a small action is done at once."""
    return work(action, budget_s=REQUEST_BUDGET_S, size=REQUEST_BATCH_DOCUMENTS)


def stop(kind: str, scope: str) -> None:
    """End an action early; a batch in progress is finished by its worker."""
    action = BulkAction.claim({"key": f"{kind}|{scope}", "open": True}, WRITING_LEASE)
    if action is not None:
        _end(action, "stopped")


def _claim(where: dict) -> BulkAction | None:
    known = {"kind": {"$in": sorted(KINDS)}, **where}
    return BulkAction.claim_due(known, WRITING_LEASE, {"$inc": {"tries": 1}})


def _work(action: BulkAction, budget_s: float, size: int | None = None) -> None:
    deadline = time.monotonic() + budget_s
    kind = KINDS[action.kind]
    size = min(size or kind.size, kind.size)
    try:
        write_audit_entry(action)  # the process that started it may have died before
        if action.tries > MAX_ATTEMPTS:
            log.error("bulk action abandoned id=%s kind=%s", action.id, action.kind)
            _end(action, "internal")
            return
        found: BulkAction | None = action
        while found is not None and time.monotonic() < deadline:
            found = _one_batch(found, kind, size)
    except AWAY as error:
        if isinstance(error, PyMongoError) and not is_away(error):
            raise
        log.warning("bulk action waits id=%s: %s", action.id, error)
        _release(action, utcnow() + RETRY_IN, {"tries": 0})
    except JimengError as error:
        log.info("bulk action ended early id=%s code=%s", action.id, error.code)
        _end(action, error.code)
    else:
        _release(action, utcnow(), {})


def _release(action: BulkAction, due_at: datetime, changes: dict) -> None:
    """Release the lease; if that cannot be written, it expires."""
    with suppress(PyMongoError):
        action.release(due_at, changes)


def _one_batch(action: BulkAction, kind: Kind, size: int) -> BulkAction | None:
    """Process one batch; None at the end, or if another worker has taken over."""
    if not action.batch:
        ids, cursor = kind.select(action, size)
        if not ids:
            kind.finish(action)
            _end(action)
            return None
        chosen = DocumentBatch(list(ids), utcnow(), new_token(), cursor)
        claimed = action.extend_lease(WRITING_LEASE, {"$set": {"batch": vars(chosen)}})
        if claimed is None:
            return None
        action = claimed
    batch = DocumentBatch(**action.batch)
    with part_of_recorded() if action.audit_id else nullcontext():
        counts = kind.apply(action, batch)
    over: dict[str, dict] = {
        "$inc": {"done": counts.done, "left_out": counts.left_out},
        "$set": {"cursor": batch.cursor, "tries": 0},
        "$unset": {"batch": ""},
    }
    return action.extend_lease(WRITING_LEASE, over, {"batch.token": batch.token})


def _end(action: BulkAction, error: str | None = None) -> None:
    """Store the end, in the audit trail first, which records it at most once."""
    found = BulkAction.find_one({"_id": action.id, "owner": action.owner})
    if found is None:
        return
    if found.audit_id:
        outcome = {KINDS[found.kind].counts: found.done}
        more = {"left_out": found.left_out, "error": error}
        AuditEntry.close(found.audit_id, outcome | {k: v for k, v in more.items() if v})
    now = utcnow()
    ended = {
        "ended_at": now,
        "expires_at": now + RETENTION,
        **({"error": error} if error else {}),
    }
    gone = {"open": "", "owner": "", "due_at": "", "batch": "", "cursor": ""}
    mine = {"_id": found.id, "owner": action.owner}
    BulkAction.collection().update_one(mine, {"$set": ended, "$unset": gone})
    log.info(
        "bulk action ended id=%s kind=%s done=%d left_out=%d error=%s",
        *(found.id, found.kind, found.done, found.left_out, error),
    )
