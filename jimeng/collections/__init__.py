"""
Collections: some of a user's pictures under a name.

A picture says itself which it is in, so that what becomes of it, trash and retention
and all, is told in one place. `sharing`, `prompts`, `schemas`, `accounts` and the doors
may import it; it knows no Flask.
"""

from jimeng.collections.covers import Overview, overview, overview_of
from jimeng.collections.deleting import delete, look_again
from jimeng.collections.membership import MOST_AT_ONCE, Change, change, containing
from jimeng.collections.naming import (
    LONGEST_NAME,
    create,
    find,
    find_all,
    find_or_create,
    page,
    rename,
)
from jimeng.jobs import chores

# In each consumer, beside what else it looks after.
chores.add("deleted collections", 60.0, look_again)
