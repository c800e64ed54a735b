"""Pictures that are written after the answer: as if they had been written before."""

import atexit
import threading
from collections.abc import Iterator

import pytest
from pymongo.errors import BulkWriteError

from jimeng.documents import Generation, QuotaUsage, Task
from jimeng.jobs import insertion, periodic_tasks
from jimeng.jobs.insertion import WriteBatcher
from jimeng.lanes.queue import path_of_lane
from jimeng.process import broker
from jimeng.upkeep import janitor
from tests.forgetting import forget, forget_lanes
from tests.rest import API, CAT, CREATE, create, data_of, result
from tests.waiting import wait_for


class ByHand(WriteBatcher):
    """One that writes when it is told to."""

    def _begin(self) -> None:
        pass

    def die(self) -> None:
        self._rows, self._wakes = [], type(self._wakes)()


@pytest.fixture
def gathered(database, monkeypatch) -> Iterator[ByHand]:
    made = ByHand()
    made.open()
    monkeypatch.setattr(insertion, "batcher", made)
    yield made
    atexit.unregister(made.close)


def states() -> list[str]:
    return [row["state"] for row in Generation.collection().find().sort("_id", 1)]


def place(lane: str) -> tuple[int, int]:
    """What counts as waiting, and as asked for."""
    found = QuotaUsage.find_one({"_id": "user_123"})
    entry = found.lanes[path_of_lane(lane).partition(".")[2]]
    return entry["pending"], found.asked


def half_a_minute_later() -> None:
    older = {"$subtract": ["$created_at", 60_000]}
    Task.collection().update_many({}, [{"$set": {"created_at": older}}])
    forget()
    janitor.backfill_all_generations()


def test_together(client, gathered, work_off):
    """One command for the pictures of several tasks, and a job for each."""
    ids = [create(client, n=2), create(client, user_id="bob")]
    assert (states(), broker.queue_length()) == ([], 0)

    gathered.write()

    assert (states(), broker.queue_length()) == (["queued"] * 3, 3)
    work_off()
    assert [result(client, each)["status"] for each in ids] == ["completed"] * 2


def test_repeated_before_it_is_written(client, gathered, work_off, lane, provider):
    headers = {"Idempotency-Key": "k"}

    ids = {
        data_of(client.post(CREATE, json=CAT, headers=headers), 202)["task_id"]
        for _ in range(2)
    }
    gathered.write()

    assert (len(ids), states(), place(lane)) == (1, ["queued"], (1, 1))
    work_off()
    assert len(provider.requests) == 1


def test_looks_as_if_it_were_written(client, gathered):
    """Phase, place and page do not tell whether it is written yet."""
    create(client, user_id="bob")
    gathered.write()
    forget_lanes()
    task_id = create(client, n=2)

    before, page = result(client, task_id), client.get(f"/tasks/{task_id}").text
    gathered.write()

    shown = [before[name] for name in ("status", "phase", "position")]
    assert shown == ["pending", "queued", 1]
    assert result(client, task_id) == before
    assert client.get(f"/tasks/{task_id}").text == page


def test_death_before_it_is_written(client, gathered, work_off, lane):
    """The pictures come into the line where they would have been, counted once."""
    first = create(client, n=2)
    gathered.die()
    create(client)
    gathered.write()

    half_a_minute_later()

    rows = Generation.collection().find().sort("turn", 1)
    assert [row["task_id"] == first for row in rows] == [True, True, False]
    assert place(lane) == (3, 3)
    work_off()
    assert result(client, first)["status"] == "completed"
    assert place(lane) == (0, 3)


@pytest.mark.parametrize("is_written", [False, True])
@pytest.mark.parametrize("way", ["cancel", "delete", "all"])
def test_cancelled_before_it_is_written(
    client, gathered, provider, work_off, lane, way, is_written
):
    """It is out of the line and of all counts when the answer comes, and stays out."""
    task_id = create(client, n=2)
    if is_written:
        gathered.write()

    answer = {
        "cancel": lambda: client.post(f"{API}/tasks/{task_id}/cancel"),
        "delete": lambda: client.delete(f"{API}/ai/image/task/{task_id}"),
        "all": lambda: client.post(f"{API}/tasks/cancel", json={"ids": [task_id]}),
    }[way]()

    assert answer.status_code == 200
    assert (states(), place(lane)) == (["dropped"] * 2, (0, 0))
    gathered.write()
    work_off()
    assert (states(), place(lane)) == (["dropped"] * 2, (0, 0))
    assert provider.requests == []


def test_cancelled_after_a_death_and_before_the_janitor(client, gathered, monkeypatch):
    """It shows what it was asked for."""
    task_id = create(client, n=2)
    gathered.die()
    periods = {each.name: each.interval_s for each in periodic_tasks.PERIODIC_TASKS}
    late = janitor.REQUEST_GRACE.total_seconds() + periods["plans"]
    age_of = insertion.age_of
    monkeypatch.setattr(insertion, "age_of", lambda each: age_of(each) + late)

    client.post(f"{API}/tasks/{task_id}/cancel")

    assert states() == ["dropped"] * 2


def test_one_picture_is_cancelled_before_it_is_written(client, gathered, work_off):
    task_id = create(client, n=2)

    answer = client.post(f"/tasks/{task_id}/pictures/0/cancel")
    gathered.write()
    work_off()

    assert answer.status_code in {200, 303}
    assert states() == ["dropped", "done"]


def test_what_takes_its_turn_later_is_written_at_once(client, gathered, monkeypatch):
    """Its phase is not in its record. And so is what comes once there is no room."""
    client.post(f"{API}/ai/tasks", json={**CAT, "type": "image", "delay": 60})
    assert states() == ["delayed"]
    monkeypatch.setattr(insertion, "MAX_BUFFERED", 1)
    create(client)
    assert states() == ["delayed"]
    create(client)

    assert states() == ["delayed", "queued"]


def test_closed_writes_what_it_has(client, gathered, monkeypatch):
    """When the process ends; from then on each writes his own."""
    at_exit: list = []
    monkeypatch.setattr(atexit, "register", at_exit.append)
    gathered.open()
    create(client)

    (close,) = at_exit
    close()
    create(client)

    assert states() == ["queued"] * 2


def test_closed_waits_for_what_is_being_written(client, gathered, monkeypatch):
    """Its process ends right after, and with it the thread that writes."""
    create(client)
    begun, closed, ends = threading.Event(), threading.Event(), []

    def write(rows: list[dict]) -> None:
        begun.set()
        closed.wait(0.5)
        ends.append(len(rows))

    monkeypatch.setattr(insertion, "insert_missing", write)
    writer = threading.Thread(target=gathered.write)
    writer.start()
    assert begun.wait(60)

    gathered.close()

    assert ends == [1]
    closed.set()
    writer.join()


AWAY = BulkWriteError({"writeErrors": [], "code": 0})


@pytest.mark.parametrize("trouble", [AWAY, RuntimeError("nobody thought of it")])
def test_thread_writes_by_itself_and_outlives_a_trouble(
    client, database, monkeypatch, trouble
):
    """What has come meanwhile, too; what it could not write the janitor does."""
    made = WriteBatcher()
    made.open()
    monkeypatch.setattr(insertion, "batcher", made)
    monkeypatch.setattr(insertion, "WRITE_EVERY_S", 0.001)
    written, whole = [], insertion.insert_missing
    begun, goes_on = threading.Event(), threading.Event()

    def fail(rows: list[dict]) -> None:
        monkeypatch.setattr(insertion, "insert_missing", whole)
        written.append(threading.current_thread().name)
        begun.set()
        goes_on.wait(60)
        raise trouble

    monkeypatch.setattr(insertion, "insert_missing", fail)
    create(client)
    assert begun.wait(60)
    create(client)
    goes_on.set()
    assert written == ["write batcher"]
    wait_for(lambda: states() == ["queued"], what="a write")

    half_a_minute_later()

    assert states() == ["queued"] * 2
    made.close()
    atexit.unregister(made.close)


def test_old_tasks_cost_nothing_more(client, gathered):
    """Only of those that have just been made anybody asks what they lack."""
    task_id = create(client)
    moment = insertion.age_of(task_id)

    assert 0 <= moment < insertion.RECENT_S
    assert insertion.age_of("volcengine_img_" + "0" * 30) > 1e9
