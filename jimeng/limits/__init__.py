"""
Limits: how many tasks a user may ask for in a minute, and pictures in a day; and those
that an API key has of its own.

Whatever stands above may import it; it knows no Flask.
"""

from jimeng.limits.releasing import release_unless_written
from jimeng.limits.users import (
    ACCESS,
    Reservation,
    count_request,
    forget_quotas,
    quota_of,
    rate_limits,
    reserve,
    take_submission,
    take_upload,
)
