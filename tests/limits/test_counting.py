"""What counts for a user's limits, what is given back, and what MongoDB failed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import Mock

import pytest
from pymongo.errors import AutoReconnect
from redis.connection import Connection
from redis.exceptions import TimeoutError

from jimeng import jobs, lanes
from jimeng.documents import Generation, QuotaUsage, Task, utcnow
from jimeng.errors import ProviderError
from jimeng.jobs import janitor, pump
from jimeng.limits import deferred_release, reservations
from tests.at_once import at_once
from tests.conftest import come_due, run_queue
from tests.limits.conftest import USER, ask, left, put_on
from tests.rest import (
    API,
    CREATE,
    client_with,
    create,
    data_of,
    new_user,
    refused,
    result,
)


def test_refused_request_is_not_counted(limited):
    create(limited)
    ask(limited, "k")
    before = left()

    refused(ask(limited, prompt="x" * 5000), 422, "validation_failed")
    refused(ask(limited, "k", prompt="another"), 422, "idempotency_key_reused")
    refused(ask(limited, n=4, size="7x7"), 422, "validation_failed")

    assert left() == before == {"submissions": 3, "daily-pictures": 8}


def test_request_beyond_the_line_is_not_counted(app, config, registry):
    """Who has too many waiting keeps what is left of the day."""
    changes = {"USER_MAX_PENDING": 2, "USER_DAILY_QUOTA": 10}
    with client_with(config, registry, **changes) as other:
        create(other, n=2)
        before = left()

        answer = ask(other)

        refused(answer, 429, "too_many_pending")
        assert left() == before
        assert '"daily-pictures";r=8' in answer.headers["RateLimit"]


def test_repetition_is_not_counted(limited):
    """It is answered also when nothing is left."""
    first = ask(limited, "k-1", n=4)
    again = ask(limited, "k-1", n=4)
    for _ in range(4):
        create(limited)
    last = ask(limited, "k-1", n=4)

    assert data_of(first, 202) == data_of(again, 202) == data_of(last, 202)
    assert again.headers["RateLimit"].startswith('"submissions";r=4;')
    assert left() == {"submissions": 0, "daily-pictures": 2}


def test_parallel_repetitions_count_once(limited):
    """However many lose the race for their key, each gives back what it took."""

    def send(_: int) -> int:
        return ask(limited.application.test_client(), "same", n=2).status_code

    assert at_once(5, send) == [202] * 5
    assert left() == {"submissions": 4, "daily-pictures": 8}


def test_running_again_counts(limited):
    """A retry is a task like any other, one by one or many at once."""
    ids = [create(limited) for _ in range(3)]
    data_of(limited.post(f"{API}/tasks/cancel", json={"ids": ids}))
    data_of(limited.post(f"{API}/tasks/{ids[0]}/retry"), 202)

    answer = limited.post(f"{API}/tasks/retry", json={"ids": ids[1:]})

    rows = data_of(answer)["results"]
    assert [row.get("error") for row in rows] == [None, "too_many_submissions"]
    assert answer.headers["RateLimit"].startswith('"submissions";r=0;')


def test_cancelled_pictures_are_given_back(quota):
    """Those that waited, by whatever way they are cancelled; the begun one counts."""
    kept = create(quota, n=3)
    one, two, deleted = (create(quota, n=2) for _ in range(3))
    run_queue()  # two of the first are being drawn

    quota.post(f"{API}/tasks/{one}/cancel")
    quota.post(f"{API}/tasks/cancel", json={"ids": [two, kept]})
    quota.delete(f"{CREATE}/{deleted}")
    quota.delete(f"{CREATE}/{deleted}")

    assert result(quota, kept)["status"] == "cancelled"
    assert left() == {"daily-pictures": 8}
    jobs.huey.storage.conn.flushdb()
    assert left() == {"daily-pictures": 8}, "what costs money is counted in MongoDB"


def test_deleted_user_s_pictures_are_given_back(quota):
    """All that waited is dropped at once, of whatever task."""
    user_id = new_user(quota)["id"]
    for n in (1, 2):
        create(quota, n=n, user_id=user_id)

    quota.delete(f"{API}/users/{user_id}")

    assert QuotaUsage.used_on(user_id, utcnow().date()) == 0


def test_picture_that_is_cancelled_in_its_last_moment_is_given_back(quota, lane):
    """It had a slot already, and nothing had been sent."""
    task_id = create(quota)
    lanes.claim(lane, {"main": 1})

    quota.post(f"{API}/tasks/{task_id}/cancel")
    assert left() == {"daily-pictures": 9}
    for _ in range(2):  # its claim lapses, and the next one finds it unwanted
        come_due()
        pump.tick()
        run_queue()

    assert left() == {"daily-pictures": 10}


def test_refused_prompt_counts(quota, provider, work_off):
    """What was sent was sent, even where nothing came of it. What is given back late is
    not today's: its day is over, and today's count had nothing to do with it."""
    provider.submits = [ProviderError("no", code="content_refused_prompt")]
    create(quota)
    work_off()
    assert left() == {"daily-pictures": 9}
    task_id = create(quota)
    yesterday = utcnow() - timedelta(days=1)
    Generation.collection().update_many({}, {"$set": {"created_at": yesterday}})

    quota.post(f"{API}/tasks/{task_id}/cancel")

    assert left() == {"daily-pictures": 8}


def test_picture_of_a_model_that_is_gone_is_given_back(quota):
    """It was never sent, on whatever day that is found."""
    create(quota)
    yesterday = utcnow() - timedelta(days=1)
    gone = {"lane": "x:y", "created_at": yesterday}
    Generation.collection().update_many({}, {"$set": gone})
    put_on(yesterday.date(), 3)

    janitor.fail_unserved()

    assert QuotaUsage.used_on(USER, yesterday.date()) == 2


@contextmanager
def one_answer_lost() -> Iterator[list[object]]:
    """Redis does what it is asked, but its next answer to a script does not come."""
    lost: list[object] = []
    read = Connection.read_response

    def read_or_lose(self: Connection, *args: object, **how: object) -> object:
        answer = read(self, *args, **how)
        if isinstance(answer, list) and not lost:
            lost.append(answer)
            raise TimeoutError("Timeout reading from socket")
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "read_response", read_or_lose)
        yield lost


def test_count_whose_answer_is_lost_is_not_taken_twice(limited, monkeypatch):
    """The client asks Redis again; the last place, too, is taken once."""
    monkeypatch.setattr(reservations, "RESEND_WINDOW_S", 60)  # however slow it is
    for used in range(1, 6):
        with one_answer_lost() as lost:
            answer = ask(limited)

        data_of(answer, 202)
        assert lost
        assert answer.headers["RateLimit"].startswith(f'"submissions";r={5 - used};')
    refused(ask(limited), 429, "too_many_submissions")


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
