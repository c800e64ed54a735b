"""Repeating: what came before under the same idempotency key."""

from datetime import timedelta
from typing import TypeVar

from jimeng.documents.base import utcnow
from jimeng.documents.input import Input
from jimeng.documents.task import Task
from jimeng.errors import IdempotencyKeyReused

IDEMPOTENCY = timedelta(hours=24)
Kind = TypeVar("Kind", Task, Input)


def earlier(kind: type[Kind], user_id: str, key: str, mark: str) -> Kind | None:
    """
    What an earlier request made under the key.

    One that is older than a day gives its key back, and None is returned.

    Args:
        mark: What both requests must have in common.

    Raises:
        IdempotencyKeyReused: that request was another one.
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
    """Let a key go, unless another has it by now."""
    old = {"_id": row_id, "idem_key": key}
    kind.collection().update_one(old, {"$unset": {"idem_key": ""}})
