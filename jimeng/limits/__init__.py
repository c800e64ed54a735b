"""
Rate limits (tasks a minute), daily quotas (pictures a day) and budgets (yuan) of users
and API keys; budgets of the installation, too.
"""

from jimeng.limits.reservations import (
    ACCESS,
    Reservation,
    check,
    check_submission,
    clear_quota_cache,
    count_request,
    owner_of,
    quota_of,
    rate_limits,
    remaining_budget,
    remember_request_limit,
    reserve,
    reserve_assistant_request,
    reserve_submission,
    reserve_upload,
    user_budget_states,
)
