"""
Release reservations later whose request failed because MongoDB did not answer.

At that moment it is unknown whether the task was stored, and the reservation could not
be released either. If the process ends before MongoDB answers, they stay counted until
the end of the day.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from time import sleep

from pymongo.errors import PyMongoError

from jimeng.documents import Task, best_effort

log = logging.getLogger(__name__)

PAUSE_S = 5.0  # longer than MongoDB continues a write after its client timed out
MAX_RESERVATIONS = 1000  # of one process; beyond, the oldest stay counted

pending: deque[tuple[str, Callable[[], None]]] = deque(maxlen=MAX_RESERVATIONS)
_lock = threading.Lock()
_thread: threading.Thread | None = None


def release_unless_written(task_id: str, release: Callable[[], None]) -> None:
    """Call *release* once MongoDB answers, if the task does not exist."""
    global _thread
    with _lock:
        pending.append((task_id, release))
        if _thread is None:
            _thread = threading.Thread(target=_run, name="releasing", daemon=True)
            _thread.start()


def release_pending() -> None:
    """
    Release the pending reservations whose tasks do not exist.

    Raises:
        PyMongoError: MongoDB does not answer yet.
    """
    while pending:
        task_id, release = pending[0]
        is_written = Task.find_one({"_id": task_id}) is not None
        pending.popleft()  # before the release: it must not be released twice
        if not is_written:
            log.info("reservation released task=%s", task_id)
            with best_effort("reservation"):
                release()


def _run() -> None:
    global _thread
    while True:
        sleep(PAUSE_S)
        try:
            release_pending()
        except PyMongoError as error:
            log.warning("reservations are not released yet: %s", error)
        with _lock:
            if not pending:
                _thread = None
                return
