"""Migrations: upgrade the database step by step while old and new releases serve."""

from jimeng.documents.migrations.record import (
    TooOld,
    begin_at,
    check,
    check_before_start,
    is_too_old,
    read,
)
from jimeng.documents.migrations.runner import (
    IncompatibleWorkers,
    advance,
    pending,
    run,
)
from jimeng.documents.migrations.steps import CODE

__all__ = [
    *("CODE", "IncompatibleWorkers", "TooOld", "advance", "begin_at", "check"),
    *("check_before_start", "is_too_old", "pending", "read", "run"),
]
