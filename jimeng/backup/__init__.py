"""
A copy of everything while it serves, and its return without paying for anything twice.

`cli`, `serve`, `doctor` and `monitoring` may import it; it knows no Flask.
"""

from jimeng.backup.archive import Damaged
from jimeng.backup.dumping import dump
from jimeng.backup.parking import recognise
from jimeng.backup.pictures import without_bytes
from jimeng.backup.restoring import NoRoom, NotEmpty, restore
from jimeng.backup.rotation import last_at, path_of_now, remove_old

__all__ = [
    "Damaged",
    "NoRoom",
    "NotEmpty",
    "dump",
    "last_at",
    "path_of_now",
    "recognise",
    "remove_old",
    "restore",
    "without_bytes",
]
