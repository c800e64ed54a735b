"""
Rate limits (tasks a minute) and daily quotas (pictures a day) of users and API keys.
"""

from jimeng.limits.deferred_release import release_unless_written
from jimeng.limits.reservations import (
    ACCESS,
    Reservation,
    clear_quota_cache,
    count_request,
    quota_of,
    rate_limits,
    reserve,
    reserve_assistant_request,
    reserve_submission,
    reserve_upload,
)
