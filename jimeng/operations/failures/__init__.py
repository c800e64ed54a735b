"""
What failed for good, for the operator: found, run again, or dropped from the list.

All numbers count pictures. A failure is dealt with once: its error moves from where
the list looks to ``dealt_with``. The user's own task stays as it was.
"""

from jimeng.operations.failures.actions import (
    DROP,
    MAX_TOLD,
    drop,
    drop_all,
    retry,
    retry_all,
    under_way,
)
from jimeng.operations.failures.listing import MAX_COUNTED, Filter, codes_since, page
from jimeng.providers.registry import CODES
