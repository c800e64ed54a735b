"""What operators see and do: queue, failures, users, shares, audit, settings."""

from jimeng.operations import (
    audit,
    failures,
    queue,
    queue_actions,
    settings,
    shares,
    users,
)
