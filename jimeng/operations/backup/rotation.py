"""Regular backups: file names, time of the last one, and deletion of old ones."""

import time
from datetime import datetime
from pathlib import Path

from mongoengine import get_db

from jimeng.documents import utcnow

LAST_BACKUP = {"_id": "last_backup"}
ABANDONED_AFTER_S = 24 * 3600.0  # of a partial file without changes


def path_of_now(directory: Path) -> Path:
    """A new file name in *directory*; names sort by time."""
    return directory / f"jimeng-{utcnow():%Y%m%dT%H%M%SZ}.tar"


def remove_old(directory: Path, *, keep: int) -> int:
    """
    Delete all but the newest *keep* files named by `path_of_now`, and abandoned partial
    files; return their number.

    Raises:
        OSError: one of them cannot be removed.
    """
    whole = sorted(directory.glob("jimeng-????????T??????Z.tar"))
    parts = [
        each
        for each in directory.glob("jimeng-????????T??????Z.tar.partial")
        if each.stat().st_mtime < time.time() - ABANDONED_AFTER_S
    ]
    old = [*whole[:-keep], *parts]
    for each in old:
        each.unlink(missing_ok=True)
    return len(old)


def record_backup(at: datetime) -> None:
    """Store the time of the last backup, for metrics and `flask doctor`."""
    get_db()["installations"].update_one(LAST_BACKUP, {"$set": {"at": at}}, upsert=True)


def last_at() -> datetime | None:
    """The time of the last backup; None if none is known."""
    found = get_db()["installations"].find_one(LAST_BACKUP)
    return found["at"] if found else None
