"""Why nothing is sent for now: an operator has paused sending, or no worker lives."""

import time

from jimeng.documents import Worker
from jimeng.lanes import switches

PAUSED, NO_WORKER = "paused", "no_worker"
CACHE_S = 1.0

_worker: tuple[float, bool] = (0.0, True)  # until when it holds, by `time.monotonic`


def why_held() -> str | None:
    """One of ``paused`` and ``no_worker``, as it was a second ago at most."""
    if not is_worker_alive():
        return NO_WORKER
    return PAUSED if switches.is_paused(switches.SENDING) else None


def is_worker_alive() -> bool:
    """Whether any worker has shown a heartbeat lately."""
    global _worker
    until, found = _worker
    if time.monotonic() >= until:
        working = {**Worker.alive(), "too_old": {"$ne": True}}
        found = Worker.collection().find_one(working, {"_id": 1}) is not None
        _worker = time.monotonic() + CACHE_S, found
    return found
