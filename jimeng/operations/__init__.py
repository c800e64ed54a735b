"""
What an operator sees and does: board, queue, failures, users, shares, audit, settings.

The doors may import it; it knows no Flask.
"""

from jimeng.operations import (
    audit,
    board,
    failures,
    queue,
    settings,
    shares,
    users,
)
