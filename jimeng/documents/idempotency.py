"""Idempotency keys: find what an earlier request under the same key created."""

from datetime import timedelta
from typing import TypeVar

from jimeng.documents.clock import utcnow
from jimeng.documents.input import Input
from jimeng.documents.task import Task
from jimeng.errors import IdempotencyKeyReused

IDEMPOTENCY = timedelta(hours=24)
Kind = TypeVar("Kind", Task, Input)


def earlier(kind: type[Kind], user_id: str, key: str, mark: str) -> Kind | None:
    """
    Return the document that an earlier request under the key created, if any.

    If that is older than a day, its key is released, and None is returned.

    Args:
        mark: The fingerprint of the request, which both must share.

    Raises:
        IdempotencyKeyReused: the earlier request had another fingerprint.
    """
    found = kind.find_one({"user_id": user_id, "idem_key": key})
    if found is None:
        return None
    if found.created_at < utcnow() - IDEMPOTENCY:
        release_key(kind, found.id, key)
        return None
    if found.idem_hash != mark:
        raise IdempotencyKeyReused(f"key of {found.id}")
    return found


def release_key(kind: type[Task] | type[Input], row_id: str, key: str) -> None:
    """Release a key, unless another document has it by now."""
    old = {"_id": row_id, "idem_key": key}
    kind.collection().update_one(old, {"$unset": {"idem_key": ""}})
