"""Repeating: what a request that comes again is known by, and the task it made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from jimeng.documents import Task, utcnow
from jimeng.errors import IdempotencyKeyReused
from jimeng.inputs import Named
from jimeng.tasks.building import NewTask, fingerprint

IDEMPOTENCY = timedelta(hours=24)


@dataclass(frozen=True)
class Key:
    """
    Attributes:
        text: The idempotency key.
        hash: What its request must have in common with another.
        task_id: In place of both: the id that the task has, whoever makes it.
    """

    user_id: str
    text: str | None = None
    hash: str = ""
    task_id: str | None = None

    @classmethod
    def of(cls, new: NewTask, text: str | None, named: Sequence[Named]) -> "Key | None":
        if new.id is not None:
            return cls(new.user_id, task_id=new.id)
        if text is None:
            return None
        return cls(new.user_id, text, fingerprint(new, named))


def earlier(key: Key | None) -> Task | None:
    """
    The task that an earlier request made under the same key.

    An idempotency key that is older than a day is given back, and None is returned.

    Raises:
        IdempotencyKeyReused: that request was another one.
    """
    if key is None:
        return None
    if key.task_id is not None:
        return Task.find_one({"_id": key.task_id, "user_id": key.user_id})
    kept = Task.find_one({"user_id": key.user_id, "idem_key": key.text})
    if kept is None:
        return None
    if kept.created_at < utcnow() - IDEMPOTENCY:
        old = {"_id": kept.id, "idem_key": kept.idem_key}
        Task.collection().update_one(old, {"$unset": {"idem_key": ""}})
        return None
    if kept.idem_hash != key.hash:
        raise IdempotencyKeyReused(f"key of task {kept.id}")
    return kept
