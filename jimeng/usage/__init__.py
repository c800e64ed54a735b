"""
What was used: pictures by day, user, model and outcome, and what was charged.

The doors and `operations` may import it; it knows no Flask.
"""

from jimeng.usage.report import OUTCOMES, UsageRow, by_day, forget, today, totals
