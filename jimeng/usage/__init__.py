"""
What was used: pictures by day, user, model and outcome, and what was charged.

`schemas`, `operations` and the doors may import it; it knows no Flask.
"""

from jimeng.usage.report import (
    OUTCOMES,
    Report,
    UsageRow,
    by_day,
    today,
    totals,
)
