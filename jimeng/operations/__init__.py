"""Operations: the operator's view of and actions on queue, failures, users, prices."""

from jimeng.operations import (
    audit,
    costs,
    failures,
    prices,
    queue,
    queue_actions,
    settings,
    shares,
    users,
    webhooks,
)
