"""Operations: the operator's view of and actions on queue, failures, users, shares."""

from jimeng.operations import (
    audit,
    costs,
    failures,
    queue,
    queue_actions,
    settings,
    shares,
    users,
)
