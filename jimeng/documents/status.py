"""The status of a task."""

from enum import StrEnum


class Status(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN = [Status.PENDING.value, Status.PROCESSING.value]
ENDED = [Status.COMPLETED.value, Status.FAILED.value, Status.CANCELLED.value]
