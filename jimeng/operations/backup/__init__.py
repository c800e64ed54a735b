"""Backup during operation, and a restore that submits nothing twice."""

from jimeng.operations.backup.archive import Damaged
from jimeng.operations.backup.dumping import dump
from jimeng.operations.backup.pictures import without_bytes
from jimeng.operations.backup.quarantine import await_recognition, recognise
from jimeng.operations.backup.restoring import NotEmpty, NotEnoughSpace, restore
from jimeng.operations.backup.rotation import last_at, path_of_now, remove_old

__all__ = [
    "Damaged",
    "NotEnoughSpace",
    "NotEmpty",
    "await_recognition",
    "dump",
    "last_at",
    "path_of_now",
    "recognise",
    "remove_old",
    "restore",
    "without_bytes",
]
