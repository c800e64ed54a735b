"""
Two switches: new tasks, and sending to the providers.

They are kept in MongoDB, and each process looks twice a second at most.
"""

import time

from jimeng.documents import Switch, utcnow
from jimeng.errors import IntakePaused, StorageFull

INTAKE, SENDING = "intake", "sending"
NAMES = (INTAKE, SENDING)
BY_DISK, BY_RESTORE = "disk", "restore"  # who has paused, where nobody has
CACHE = 0.5  # seconds
PAUSED_FOR = 60  # seconds that a client is told to wait: nobody knows how long it is

_paused: tuple[float, dict[str, Switch]] | None = None


def is_paused(name: str) -> bool:
    """Whether *name* is paused, as it was half a second ago at most."""
    return name in paused()


def paused(*, fresh: bool = False) -> dict[str, Switch]:
    """Those that are paused, by name."""
    global _paused
    kept = _paused
    if not fresh and kept and time.monotonic() - kept[0] < CACHE:
        return kept[1]
    rows = Switch.read_all(Switch.collection().find())
    found = {row.id: row for row in rows}
    _paused = (time.monotonic(), found)
    return found


def check_intake() -> None:
    """
    Raises:
        IntakePaused: the operator takes nothing new for a while.
        StorageFull: there is no room for what would come.
    """
    found = paused().get(INTAKE)
    if found is None:
        return
    kind = StorageFull if found.by == BY_DISK else IntakePaused
    raise kind(f"intake paused by {found.by}", retry_after=PAUSED_FOR)


def pause(name: str, by: str) -> None:
    """Pausing what is paused leaves it as it was."""
    first = {"paused_at": utcnow(), "by": by}
    Switch.collection().update_one({"_id": name}, {"$setOnInsert": first}, upsert=True)
    forget()


def resume(name: str) -> None:
    Switch.collection().delete_one({"_id": name})
    forget()


def forget() -> None:
    """Drop what this process remembers of them."""
    global _paused
    _paused = None
