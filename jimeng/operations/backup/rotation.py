"""Regular backups: their names, when the last one was, and which of them go."""

import time
from datetime import datetime
from pathlib import Path

from mongoengine import get_db

from jimeng.documents import utcnow

MINE = {"_id": "last_backup"}  # beside what else is of this installation
ABANDONED = 24 * 3600.0  # seconds after which nobody is writing a part any more


def path_of_now(directory: Path) -> Path:
    """A name of its own in *directory*; in the order of names they are of time."""
    return directory / f"jimeng-{utcnow():%Y%m%dT%H%M%SZ}.tar"


def remove_old(directory: Path, *, keep: int) -> int:
    """
    Remove all but the newest *keep* that `path_of_now` has named, and what was left of
    those that were cut off; return how many went.

    Raises:
        OSError: one of them cannot be removed.
    """
    whole = sorted(directory.glob("jimeng-????????T??????Z.tar"))
    parts = [
        each
        for each in directory.glob("jimeng-????????T??????Z.tar.partial")
        if each.stat().st_mtime < time.time() - ABANDONED
    ]
    old = [*whole[:-keep], *parts]
    for each in old:
        each.unlink(missing_ok=True)
    return len(old)


def note(at: datetime) -> None:
    """Keep when the data were last copied, for metrics and `flask doctor`."""
    get_db()["installations"].update_one(MINE, {"$set": {"at": at}}, upsert=True)


def last_at() -> datetime | None:
    """When that was; None where no backup of these data is known."""
    found = get_db()["installations"].find_one(MINE)
    return found["at"] if found else None
