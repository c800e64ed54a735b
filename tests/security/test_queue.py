"""Whoever can write to Redis may fill it, and empty it, but runs no code here."""

import json
import pickle
import threading
from datetime import datetime
from pathlib import Path

import pytest
from huey.api import Huey
from huey.consumer import Scheduler, Worker

from jimeng import jobs
from jimeng.documents import Generation, State
from jimeng.errors import outages
from jimeng.jobs.queue import advance, dispatch
from tests.test_core import create, result

NAME = "jimeng.jobs.queue.dispatch"


class Trap:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def worker() -> Worker:
    return Worker(jobs.huey, threading.Event(), 0.01, 0.01, 1.0)


@pytest.fixture
def push(database):
    """Put bytes into the queue, as somebody who can write to Redis does."""
    storage = jobs.huey.storage
    return lambda data: storage.conn.lpush(storage.queue_key, data)


@pytest.fixture
def alarms(monkeypatch) -> list[str]:
    told: list[str] = []
    monkeypatch.setattr(outages, "failed", lambda what, error: told.append(what))
    return told


def test_pickle_is_not_read(push, tmp_path, alarms):
    """In the queue, on the schedule, and where Huey looks for revoked jobs."""
    trap = pickle.dumps(Trap(tmp_path / "ran"))
    storage, lane = jobs.huey.storage, dispatch.s("a:b")
    push(trap)
    storage.add_to_schedule(trap, datetime.fromtimestamp(0))
    for key in Huey._revoke_keys(jobs.huey, lane):
        storage.put_data(key, trap)
    jobs.huey.enqueue(lane)

    for _ in range(2):
        worker().loop()
    Scheduler(jobs.huey, threading.Event(), 1, False).loop()

    assert not (tmp_path / "ran").exists()
    assert storage.queue_size() == 0
    assert alarms == ["queue"]


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\0", b"{}", b"[]", b"null", b'"a"', b"[" * 900, b"\xff\xfe"),
        *(b"NaN", b"[1]", json.dumps([NAME, 1]).encode(), b"[[]]"),
        json.dumps([NAME, {"$gt": ""}]).encode(),
        json.dumps([NAME, "a\nb"]).encode(),
        json.dumps([NAME, "\ud800"]).encode(),
        json.dumps([NAME, "a" * 2000]).encode(),
        json.dumps(["os.system", "id"]).encode(),
        json.dumps(["jimeng.jobs.queue.continue_after", "a"]).encode(),
        pickle.dumps([NAME, "a:b"]),
    ],
)
def test_what_is_no_job_is_dropped(push, data, alarms):
    """With an alarm, and the worker goes on to the next at once."""
    push(data)

    assert jobs.huey.dequeue() is None
    assert alarms == ["queue"]
    assert jobs.huey.storage.queue_size() == 0


def test_jobs_come_back_as_they_were(database):
    """The two that there are."""
    dispatch("volcengine_jimeng:a")
    advance("some_0", "token")

    found = [jobs.huey.dequeue() for _ in range(2)]

    assert [each.args for each in found] == [
        ("volcengine_jimeng:a",),
        ("some_0", "token"),
    ]


def test_forged_job_moves_nothing(client, push, lane, provider):
    """Of what is under way; who can write to Redis does not know MongoDB's tokens."""
    create(client)
    push(json.dumps([NAME, lane]).encode())
    worker().loop()
    assert len(provider.requests) == 1
    row = Generation.collection().find_one({"state": State.GENERATING.value})

    name = NAME.replace("dispatch", "advance")
    for token in ("", "forged", row["_id"]):
        push(json.dumps([name, row["_id"], token]).encode())
        worker().loop()

    assert provider.polled == []
    assert Generation.collection().find_one({"_id": row["_id"]}) == row


def test_lost_jobs_are_found_by_the_pump(client, push, work_off):
    """Whatever was dropped, or written by another release."""
    task_id = create(client)["task_id"]
    jobs.huey.storage.flush_queue()
    push(b"rubbish")
    worker().loop()

    work_off()

    assert result(client, task_id)["status"] == "completed"
