"""
Limits: how many tasks a user may ask for in a minute, and pictures in a day; and those
that an API key has of its own.
"""

from jimeng.limits.deferred_release import release_unless_written
from jimeng.limits.reservations import (
    ACCESS,
    Reservation,
    count_request,
    forget_quotas,
    quota_of,
    rate_limits,
    reserve,
    reserve_submission,
    reserve_upload,
)
