"""
Reservations whose request MongoDB failed: released once it answers, if nothing came of
them.

Nobody knows at that moment whether the task was written, and MongoDB could not count
them out either. A process that ends before it answers leaves them counted until the
day is over.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from time import sleep

from pymongo.errors import PyMongoError

from jimeng.documents import Task, best_effort

log = logging.getLogger(__name__)

PAUSE_S = 5.0  # longer than a write goes on whose client has given it up
MAX_RESERVATIONS = 1000  # of one process; the oldest are left counted

unsettled: deque[tuple[str, Callable[[], None]]] = deque(maxlen=MAX_RESERVATIONS)
_lock = threading.Lock()
_thread: threading.Thread | None = None


def release_unless_written(task_id: str, release: Callable[[], None]) -> None:
    """Call *release* once MongoDB says that there is no such task."""
    global _thread
    with _lock:
        unsettled.append((task_id, release))
        if _thread is None:
            _thread = threading.Thread(target=_run, name="releasing", daemon=True)
            _thread.start()


def settle() -> None:
    """
    Release what came to nothing.

    Raises:
        PyMongoError: MongoDB does not answer yet.
    """
    while unsettled:
        task_id, release = unsettled[0]
        is_written = Task.find_one({"_id": task_id}) is not None
        unsettled.popleft()  # at most once: what counts twice would be too much
        if not is_written:
            log.info("reservation released task=%s", task_id)
            with best_effort("reservation"):
                release()


def _run() -> None:
    global _thread
    while True:
        sleep(PAUSE_S)
        try:
            settle()
        except PyMongoError as error:
            log.warning("reservations are not released yet: %s", error)
        with _lock:
            if not unsettled:
                _thread = None
                return
