"""
What failed for good, for the operator: found, run again, or dropped from the list.

All numbers count pictures. A failure is dealt with once: its error moves from where
the list looks to ``dealt_with``. The user's own task stays as it was.
"""

from jimeng.operations.failures.actions import Step, drop, drop_step, retry, retry_step
from jimeng.operations.failures.listing import (
    MOST_COUNTED,
    Failure,
    Filter,
    Page,
    codes_since,
    page,
)
from jimeng.providers.catalogue import CODES

__all__ = [
    "CODES",
    "MOST_COUNTED",
    "Failure",
    "Filter",
    "Page",
    "Step",
    "codes_since",
    "drop",
    "drop_step",
    "page",
    "retry",
    "retry_step",
]
