"""
Failures for the operator: list, retry, or drop them.

All numbers count pictures. A failure is resolved once: its error moves from ``error``,
which the list queries, to ``dealt_with``. The user's task is not changed.
"""

from jimeng.operations.failures.actions import (
    DROP,
    MAX_TOTAL_SHOWN,
    drop,
    drop_all,
    retry,
    retry_all,
    under_way,
)
from jimeng.operations.failures.listing import MAX_COUNTED, Filter, codes_since, page
from jimeng.providers.registry import CODES
