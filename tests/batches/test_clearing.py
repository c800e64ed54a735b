"""The operator clears the queue: batches from before fill it no more."""

import pytest
from redis.exceptions import RedisError

from jimeng import operations
from jimeng.batches import filling
from jimeng.batches.actions import CANCELLED
from jimeng.documents import Batch, Task, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import QueueUnavailable
from jimeng.jobs import broker
from tests.batches.conftest import act, ask, draw_nothing, fill, lines, look

OPERATOR = Principal("root", is_operator=True)


def clear() -> None:
    assert not operations.queue_actions.clear(OPERATOR).is_open


def test_cleared_queue_stays_empty(client, work_all):
    """Its owner is told, and may have the rest made after all: nothing is lost."""
    asked = ask(client, lines(40))
    made = look(client, asked["batch_id"])["made"]

    clear()
    draw_nothing()
    fill()

    found = look(client, asked["batch_id"])
    assert 0 < made < 40
    assert (found["made"], found["status"]) == (made, "cancelled")
    assert found["reason"] == "queue_cleared"
    assert Task.objects(open=True).count() == 0
    assert act(client, asked["batch_id"], "retry", rest=True).status_code == 202
    work_all()
    found = look(client, asked["batch_id"])
    assert (found["status"], found["pictures"]["done"]) == ("completed", 40)


def test_whoever_makes_a_task_in_that_moment_makes_it_in_vain(client, monkeypatch):
    """It would be the first in a queue that has just been cleared."""
    asked = ask(client, lines(40))
    made = look(client, asked["batch_id"])["made"]
    draw_nothing()
    make, cleared = filling.make, []

    def slow(*args: object) -> None:
        if not cleared:
            cleared.append(clear())
        make(*args)

    monkeypatch.setattr(filling, "make", slow)
    fill()

    assert cleared
    assert look(client, asked["batch_id"])["made"] == made
    assert Task.objects(open=True).count() == 0


def test_cancelled_batch_is_not_run_again_any_more(client):
    """What had failed of it would come back into the queue."""
    asked = ask(client, lines(40))
    again = {"at": utcnow(), "rest": False, "agreed": False}
    changes = {"$set": {"stopped": CANCELLED, "again": again}}
    Batch.collection().update_one({"_id": asked["batch_id"]}, changes)

    clear()

    found = Batch.find_one({"_id": asked["batch_id"]})
    assert (found.again, found.stopped) == (None, CANCELLED)


def test_batch_that_is_all_made_is_not_stopped(client):
    """Of what the provider has begun it goes on."""
    asked = ask(client, "一\n二")
    Task.objects.update(set__status="processing")

    clear()

    assert Batch.find_one({"_id": asked["batch_id"]}).stopped is None
    assert look(client, asked["batch_id"])["status"] == "processing"


def test_nothing_stops_where_nothing_can_be_cleared(client, monkeypatch):
    """Redis is away: the operator is told, and tries again."""
    asked = ask(client, lines(40))
    monkeypatch.setattr(broker, "queue_length", away)

    with pytest.raises(QueueUnavailable):
        operations.queue_actions.clear(OPERATOR)

    assert Batch.find_one({"_id": asked["batch_id"]}).stopped is None


def away() -> int:
    raise RedisError("away")
