"""
Steps from the database of one release to that of the next, while both serve.

The doors, `jobs`, `backup` and `serve` may import it; it knows no Flask.
"""

from jimeng.migrations.record import (
    TooOld,
    begin_at,
    check_before_start,
    is_too_old,
    read,
)
from jimeng.migrations.running import OthersWork, advance, run
from jimeng.migrations.steps import CODE

__all__ = [
    *("CODE", "OthersWork", "TooOld"),
    *("advance", "begin_at", "check_before_start", "is_too_old", "read", "run"),
]
