"""Repeating: a request that comes again under its key finds the batch that it made."""

import hashlib
import json
from collections.abc import Sequence

from jimeng.documents import Batch
from jimeng.documents.batch import PREFIX
from jimeng.errors import IdempotencyKeyReused
from jimeng.inputs import Named


def keyed_id(user_id: str, idem_key: str) -> str:
    """The id of the batch that a user's idempotency key makes."""
    text = f"{user_id} {idem_key}"
    return PREFIX + hashlib.sha256(text.encode()).hexdigest()[:32]


def fingerprint(body: list, named: Sequence[Named]) -> str:
    """
    What two requests under one key must have in common.

    Args:
        body: What was asked for, as JSON, without what goes in.
    """
    # Pictures by their bytes: no two forms that hold the same are the same.
    marks = [[[each.field, each.mark] for each in named]] if named else []
    text = json.dumps([*body, *marks], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def earlier(batch_id: str, mark: str) -> Batch | None:
    """
    Raises:
        IdempotencyKeyReused: it was asked for in other words, or is deleted.
    """
    kept = Batch.find_one({"_id": batch_id})
    if kept is not None and (kept.idem_hash != mark or kept.deleted_at):
        raise IdempotencyKeyReused(f"key of batch {batch_id}")
    return kept
