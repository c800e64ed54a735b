"""
Switches that pause new tasks, sending to the providers, and webhooks; and the reason
why nothing is sent: sending is paused, or no worker is alive.

They are stored in MongoDB; each process caches them for `SWITCH_CACHE_S`.
"""

import time

from jimeng.documents import Switch, Worker, utcnow
from jimeng.errors import IntakePaused, StorageFull

INTAKE, SENDING, WEBHOOKS = "intake", "sending", "webhooks"
NAMES = (INTAKE, SENDING, WEBHOOKS)
# A restored copy starts with these paused: the original may still be running.
PAUSED_AFTER_RESTORE = (SENDING, WEBHOOKS)
BY_DISK, BY_RESTORE = "disk", "restore"  # paused by the server itself, not by a user
PAUSED, NO_WORKER = "paused", "no_worker"  # hold reasons
SWITCH_CACHE_S = 0.5
WORKER_CACHE_S = 1.0
RETRY_AFTER_S = 60  # a guess: the operator resumes at an unknown time

_paused: tuple[float, dict[str, Switch]] | None = None
_worker: tuple[float, bool] = (0.0, True)  # valid until, by `time.monotonic`


def is_paused(name: str) -> bool:
    """Whether *name* is paused, cached for `SWITCH_CACHE_S`."""
    return name in paused()


def paused(*, fresh: bool = False) -> dict[str, Switch]:
    """Return the paused switches by name, cached as above unless *fresh*."""
    global _paused
    cached = _paused
    if not fresh and cached and time.monotonic() - cached[0] < SWITCH_CACHE_S:
        return cached[1]
    rows = Switch.read_all(Switch.collection().find())
    found = {row.id: row for row in rows}
    _paused = (time.monotonic(), found)
    return found


def hold_reason() -> str | None:
    """``paused`` or ``no_worker``, if nothing is sent for that reason."""
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
    Check that new tasks are accepted.

    Raises:
        IntakePaused: the operator has paused new tasks.
        StorageFull: the disk is nearly full.
    """
    found = paused().get(INTAKE)
    if found is None:
        return
    kind = StorageFull if found.by == BY_DISK else IntakePaused
    raise kind(f"intake paused by {found.by}", retry_after=RETRY_AFTER_S)


def pause(name: str, by: str) -> None:
    """Pause a switch; one that is paused already keeps its time and author."""
    first = {"paused_at": utcnow(), "by": by}
    Switch.collection().update_one({"_id": name}, {"$setOnInsert": first}, upsert=True)
    clear_cache()


def resume(name: str) -> None:
    Switch.collection().delete_one({"_id": name})
    clear_cache()


def clear_cache() -> None:
    """Drop this process's cache of the switches."""
    global _paused
    _paused = None
