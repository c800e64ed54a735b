"""The janitor finds what a death left undone, at a cost that knows no queue."""

from datetime import timedelta

import pytest

from jimeng import jobs
from jimeng.documents import Generation, Task, utcnow
from jimeng.upkeep import janitor
from tests.bench.backlog import fill
from tests.commands import counted
from tests.rest import create, result


@pytest.fixture
def half_written(client):
    """Makes a task whose request died before the generations were written."""

    def make(age: float, n: int = 2, written: int = 0, **fields: object) -> str:
        task_id = create(client, n=n, **fields)
        jobs.huey.storage.flush_queue()
        gone = {"task_id": task_id, "index": {"$gte": written}}
        Generation.collection().delete_many(gone)
        at = utcnow() - timedelta(seconds=age)
        Task.collection().update_one({"_id": task_id}, {"$set": {"created_at": at}})
        return task_id

    return make


def written(task_id: str) -> int:
    return Generation.collection().count_documents({"task_id": task_id})


@pytest.mark.parametrize("count", [0, 1])
def test_plan_is_completed_in_time(half_written, client, work_off, count):
    """Whether nothing was written of it or some, not before, and not if it is over."""
    young, old = half_written(5), half_written(31, written=count)
    over = half_written(60)
    ended = {"$set": {"status": "cancelled"}, "$unset": {"open": ""}}
    Task.collection().update_one({"_id": over}, ended)

    janitor.backfill_all_generations()

    assert [written(each) for each in (young, old, over)] == [0, 2, 0]
    Task.collection().delete_one({"_id": young})
    work_off()
    assert result(client, old)["status"] == "completed"


def test_half_task_behind_a_queue_is_found(half_written, database, config, monkeypatch):
    """
    By a run whose cost does not grow with those that were looked at before. One that
    appears behind the walk is found later: all open tasks are passed again and again.
    """
    monkeypatch.setattr(janitor, "BATCH_DOCUMENTS", 100)
    fill(database, 600)
    spread(database)
    while janitor.backfill_all_generations():
        pass
    task_id = half_written(30)

    with counted(config) as commands:
        assert janitor.backfill_all_generations() is False

    assert written(task_id) == 2
    looked_at = sum(len(ids_of(each)) for each in commands if "aggregate" in each)
    assert looked_at <= janitor.BATCH_DOCUMENTS + 3
    task_id = half_written(3000)
    for _ in range(20):
        if not written(task_id):
            janitor.backfill_all_generations()
    assert written(task_id) == 2


def test_no_run_looks_at_more_than_its_share(database, config, monkeypatch):
    """A consumer that starts before a long queue takes it in pieces."""
    monkeypatch.setattr(janitor, "BATCH_DOCUMENTS", 100)
    monkeypatch.setattr(janitor, "MAX_FIRST_PASS", 300)
    fill(database, 1000)
    spread(database)
    runs = []

    with counted(config) as commands:
        while True:
            there_is_more = janitor.backfill_all_generations()
            counts = [len(ids_of(each)) for each in commands if "aggregate" in each]
            runs.append(sum(counts))
            assert max(counts) <= 100
            commands.clear()
            if not there_is_more:
                break

    assert runs == [300, 300, 300, 100 + 100]


def test_tasks_of_one_moment_are_not_parted(half_written, database, monkeypatch):
    """However many there are, none of them is passed over."""
    monkeypatch.setattr(janitor, "BATCH_DOCUMENTS", 10)
    monkeypatch.setattr(janitor, "MAX_FIRST_PASS", 10)
    fill(database, 50)
    task_id = half_written(60)
    at = utcnow() - timedelta(seconds=60)
    Task.collection().update_many({}, {"$set": {"created_at": at}})

    while janitor.backfill_all_generations():
        pass

    assert written(task_id) == 2


def ids_of(command: dict) -> list[str]:
    return command["pipeline"][0]["$match"]["task_id"]["$in"]


def spread(database) -> None:
    """Let each task have been created at a moment of its own."""
    now = utcnow()
    for number, row in enumerate(database.tasks.find({}, {"_id": 1})):
        at = now - timedelta(seconds=60 + number / 10)
        change = {"$set": {"created_at": at}}
        database.tasks.update_one({"_id": row["_id"]}, change)
