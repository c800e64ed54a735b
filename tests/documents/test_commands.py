"""Commands that are sent past the driver's collections."""

from datetime import timedelta

import pytest
from pymongo.errors import AutoReconnect, NetworkTimeout, OperationFailure

from jimeng.documents import Task, base, utcnow
from tests.documents.test_note import breaking  # noqa: F401 (a fixture)


def put(*task_ids: str) -> None:
    Task.collection().insert_many([{"_id": each, "n": 1} for each in task_ids])


def test_finds_what_the_driver_finds(database):
    """With times as this server has them."""
    Task.collection().insert_one({"_id": "a", "created_at": utcnow(), "n": 2})

    found = base.find_one(Task.collection(), {"n": 2})

    assert found == Task.collection().find_one({"_id": "a"})
    assert found["created_at"].utcoffset() == timedelta()
    assert base.find_one(Task.collection(), {"n": 3}) is None


def test_all_that_a_pipeline_finds_comes(database):
    """Also more than a cursor's first batch has."""
    put(*(f"{n:03}" for n in range(300)))

    found = base.aggregate(Task.collection(), [{"$sort": {"_id": -1}}])

    assert [row["_id"] for row in found] == [f"{n:03}" for n in reversed(range(300))]


def test_broken_connection_is_tried_again(breaking):  # noqa: F811
    """Once; a slow server is not asked again."""
    put("a")
    breaking[:] = [AutoReconnect("reset")]

    assert base.find_one(Task.collection(), {})["_id"] == "a"

    for errors in ([AutoReconnect("reset")] * 2, [NetworkTimeout("slow")]):
        breaking[:] = errors
        with pytest.raises(AutoReconnect):
            base.find_one(Task.collection(), {})
        assert breaking == []


def test_what_makes_no_sense_is_told(database):
    """As the driver tells it."""
    with pytest.raises(OperationFailure):
        base.find_one(Task.collection(), {"$nothing": 1})
