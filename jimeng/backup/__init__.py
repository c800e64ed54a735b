"""
A copy of everything while it serves, and its return without paying for anything twice.

Only `cli` and `serve` may import it; it knows no Flask.
"""

from jimeng.backup.archive import Damaged
from jimeng.backup.dumping import dump
from jimeng.backup.parking import recognise
from jimeng.backup.pictures import without_bytes
from jimeng.backup.restoring import NoRoom, NotEmpty, restore

__all__ = [
    "Damaged",
    "NoRoom",
    "NotEmpty",
    "dump",
    "recognise",
    "restore",
    "without_bytes",
]
