"""
Three switches: new tasks, sending to the providers, and webhooks; and why nothing is
sent for now: that is paused, or no worker is alive.

They are kept in MongoDB, and each process looks twice a second at most.
"""

import time

from jimeng.documents import Switch, Worker, utcnow
from jimeng.errors import IntakePaused, StorageFull

INTAKE, SENDING, WEBHOOKS = "intake", "sending", "webhooks"
NAMES = (INTAKE, SENDING, WEBHOOKS)
# What the original of a copy goes on doing: a copy begins with them paused.
OF_THE_ORIGINAL = (SENDING, WEBHOOKS)
BY_DISK, BY_RESTORE = "disk", "restore"  # who has paused, where nobody has
PAUSED, NO_WORKER = "paused", "no_worker"  # why nothing is sent
CACHE = 0.5  # seconds
WORKER_CACHE_S = 1.0
PAUSED_FOR = 60  # seconds that a client is told to wait: nobody knows how long it is

_paused: tuple[float, dict[str, Switch]] | None = None
_worker: tuple[float, bool] = (0.0, True)  # until when it holds, by `time.monotonic`


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


def why_held() -> str | None:
    """One of ``paused`` and ``no_worker``, as it was a second ago at most."""
    if not _is_worker_alive():
        return NO_WORKER
    return PAUSED if is_paused(SENDING) else None


def _is_worker_alive() -> bool:
    global _worker
    until, found = _worker
    if time.monotonic() >= until:
        working = {**Worker.alive(), "too_old": {"$ne": True}}
        found = Worker.collection().find_one(working, {"_id": 1}) is not None
        _worker = time.monotonic() + WORKER_CACHE_S, found
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
