"""What a request has reserved is released where MongoDB fails before its task."""

import threading
from collections.abc import Callable
from unittest.mock import Mock

import pytest
from pymongo.errors import AutoReconnect

from jimeng import lanes
from jimeng.documents import Task
from jimeng.limits import deferred_release
from tests.limits.conftest import ask, left
from tests.rest import refused


def failing(*args: object, **kwargs: object) -> None:
    raise AutoReconnect("connection closed")


def written_and(insert: Callable) -> Callable:
    """The answer is lost, the task is not."""

    def do(row: dict) -> None:
        insert(row)
        failing()

    return do


@pytest.fixture
def settled_by_hand(monkeypatch) -> None:
    """Nothing is settled but where a test says so."""
    monkeypatch.setattr(deferred_release, "_thread", threading.current_thread())


@pytest.mark.parametrize(
    "where", [(lanes, "read_queue"), (Task, "insert")], ids=["look", "write"]
)
def test_reservation_of_a_task_that_was_not_written_is_released(
    limited, monkeypatch, settled_by_hand, where
):
    """The user has as much left as before, once MongoDB answers."""
    ask(limited)
    before = left()
    with monkeypatch.context() as broken:
        broken.setattr(*where, failing)
        refused(ask(limited, n=4), 503, "database_unavailable")
        broken.setattr(Task, "find_one", failing)
        with pytest.raises(AutoReconnect):
            deferred_release.release_pending()

    deferred_release.release_pending()

    assert left() == before


def test_reservation_of_a_task_that_was_written_stays(
    limited, monkeypatch, settled_by_hand
):
    """MongoDB did not say so, but its pictures will be drawn."""
    with monkeypatch.context() as broken:
        broken.setattr(Task, "insert", written_and(Task.insert))
        refused(ask(limited, n=4), 503, "database_unavailable")

    deferred_release.release_pending()

    assert left() == {"submissions": 4, "daily-pictures": 6}


def test_it_settles_by_itself(limited, monkeypatch):
    """As soon as MongoDB answers, and asks no more when nothing is left."""
    pauses = []
    monkeypatch.setattr(deferred_release, "sleep", pauses.append)
    with monkeypatch.context() as broken:
        broken.setattr(deferred_release.threading, "Thread", Mock())
        broken.setattr(Task, "insert", failing)
        refused(ask(limited, n=4), 503, "database_unavailable")

    deferred_release._run()

    assert pauses == [deferred_release.PAUSE_S]
    assert left() == {"submissions": 5, "daily-pictures": 10}
    assert deferred_release._thread is None
