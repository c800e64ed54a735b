"""A batch's tasks are made as there is room, each once, until the queue is cleared."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from unittest.mock import Mock

import pytest
from redis.exceptions import RedisError

from jimeng import batches, jobs, lanes, operations
from jimeng.batches import filling
from jimeng.batches.actions import CANCELLED
from jimeng.batches.capacity import WINDOW
from jimeng.billing import costs
from jimeng.documents import Batch, Generation, Task, User, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import QueueUnavailable
from jimeng.process import broker
from tests.batches.conftest import act, ask, draw_nothing, fill, lines, look, pass_time
from tests.rest import create


def waiting() -> int:
    return Generation.collection().count_documents({"waiting": True})


def test_all_of_a_batch_is_drawn_once_and_in_order(client, provider, work_all):
    """Each prompt with its settings; what is said at the end is what became of it."""
    asked = ask(client, "{红|蓝}色的{猫|狗}\n鸟\n鸟", size="16:9", n=2, name="动物")
    assert (asked["count_of_prompts"], asked["pictures"]["total"]) == (5, 10)

    work_all()

    found = look(client, asked["batch_id"])
    assert (found["status"], found["pictures"]["done"]) == ("completed", 10)
    assert found["prompts"] == ["红色的猫", "红色的狗", "蓝色的猫", "蓝色的狗", "鸟"]
    sent = [request.prompt for request in provider.requests]
    assert Counter(sent) == dict.fromkeys(found["prompts"], 2)
    rows = Task.objects.order_by("id")
    assert [task.prompt for task in rows] == found["prompts"]
    assert {(task.batch, task.width, task.height) for task in rows} == {
        (asked["batch_id"], 1664, 936)
    }
    assert [task.batch_index for task in rows] == list(range(5))


@pytest.mark.parametrize(("most", "few"), [(100, WINDOW), (5, 4), (1, 1)])
def test_few_of_a_batch_wait_at_a_time(client, config, registry, most, few):
    """A fifth is left for single requests, unless there is but one place."""
    jobs.configure(replace(config, USER_MAX_PENDING=most), registry)
    asked = ask(client, lines(40))
    fill()
    fill()

    assert (waiting(), look(client, asked["batch_id"])["made"]) == (few, few)
    if most > 1:
        create(client, prompt="另外的一张")
        assert waiting() == few + 1


def test_others_of_its_user_come_first(client, work_off, config, registry):
    """What waits already is drawn before; and the batch says so."""
    jobs.configure(replace(config, USER_MAX_PENDING=20), registry)
    for _ in range(5):
        create(client, n=4)
    asked = ask(client, lines(3))
    fill()

    found = look(client, asked["batch_id"])
    assert (found["made"], found["waits"]["code"]) == (0, "others_first")

    work_off()
    fill()
    found = look(client, asked["batch_id"])
    assert (found["made"], found["waits"]) == (3, None)


def test_two_batches_of_one_user_take_turns(client, work_off, monkeypatch):
    """A short one does not wait for the whole of a long one: it is hungrier."""
    # however slow this is
    monkeypatch.setattr(filling, "FILLED_DELAY_S", 60 * filling.FILLED_DELAY_S)
    long, short = ask(client, lines(60)), ask(client, "狗 {1|2|3|4|5}")
    two_minutes = [{"$set": {"due_at": {"$subtract": ["$due_at", 120_000]}}}]
    for _ in range(2):
        work_off()
        Batch.collection().update_many({}, two_minutes)
        batches.fill_due()

    assert look(client, short["batch_id"])["made"] == 5
    assert look(client, long["batch_id"])["made"] < 30


def test_day_that_is_full_is_waited_for(client, config, registry, work_off):
    """The rest is made when it begins anew; it is told since when that is awaited."""
    jobs.configure(replace(config, USER_DAILY_QUOTA=4), registry)
    asked = ask(client, lines(6))
    fill()
    work_off()
    since = Batch.objects.get().waits["since"]
    fill()

    found = look(client, asked["batch_id"])
    assert (found["made"], found["waits"]["code"]) == (4, "quota_exceeded")
    assert "配额" in found["waits"]["message"]
    assert found["waits"]["until"]
    assert found["status"] == "processing"
    page = client.get(f"/batches/{asked['batch_id']}").text
    assert "已提交 4 / 6 条" in page and "今天的配额用完了" in page
    assert Batch.objects.get().waits["since"] == since
    # An earlier release did not write it.
    Batch.collection().update_one({}, {"$unset": {"waits.since": ""}})
    fill()
    assert Batch.objects.get().waits["since"] > since

    jobs.configure(config, registry)
    fill()
    assert look(client, asked["batch_id"])["made"] == 6


def test_price_is_waited_for_under_a_budget(client, config, registry, monkeypatch):
    """An operator may set it meanwhile."""
    limited = replace(config, USER_DAILY_BUDGET=10_000_000)
    jobs.configure(limited, registry)
    known = costs.highest_price
    monkeypatch.setattr(costs, "highest_price", lambda *args, **more: None)
    asked = ask(client, lines(3))
    fill()

    found = look(client, asked["batch_id"])
    assert (found["made"], found["waits"]["code"]) == (0, "price_unknown")

    monkeypatch.setattr(costs, "highest_price", known)
    fill()
    assert look(client, asked["batch_id"])["made"] == 3
    jobs.configure(config, registry)


@pytest.mark.parametrize(
    ("switch", "code"),
    [(lanes.INTAKE, "intake_paused"), (lanes.SENDING, "sending_paused")],
)
def test_pause_is_waited_for(client, switch, code):
    """Nothing is made meanwhile, and the batch goes on by itself."""
    asked = ask(client, lines(WINDOW + 2))
    lanes.pause(switch, "user_9")
    draw_nothing()
    made = look(client, asked["batch_id"])["made"]

    fill()
    found = look(client, asked["batch_id"])
    assert (found["made"], found["waits"]["code"]) == (made, code)
    assert found["eta_seconds"] is None, "nobody knows until when"

    lanes.resume(switch)
    fill()
    assert look(client, asked["batch_id"])["made"] == WINDOW + 2


def test_redis_that_is_away_is_waited_for(client, monkeypatch, config):
    """A task that cannot be queued is not made."""
    from redis.exceptions import ConnectionError as Refused

    asked = ask(client, lines(WINDOW + 1))
    draw_nothing()
    made = look(client, asked["batch_id"])["made"]

    def refuse(*args, **options):
        raise Refused("away")

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "evaluate", refuse)
        fill()
    found = look(client, asked["batch_id"])
    assert (found["made"], found["waits"]["code"]) == (made, "queue_unavailable")

    fill()
    assert look(client, asked["batch_id"])["made"] == made + 1


def test_model_that_is_gone_is_waited_for_and_then_given_up(
    client, config, registry, monkeypatch
):
    """It may be left out by mistake: only after the patience of pictures it stops."""
    asked = ask(client, lines(WINDOW + 2))
    draw_nothing()
    monkeypatch.setattr(registry, "models", {})
    monkeypatch.setattr(type(registry), "limits", {})

    fill()
    assert look(client, asked["batch_id"])["waits"]
    before = utcnow() - timedelta(seconds=config.TASK_DEADLINE + 1)
    Batch.collection().update_one({}, {"$set": {"waits.since": before}})
    fill()

    found = look(client, asked["batch_id"])
    assert (found["status"], found["reason"]) == ("cancelled", "not_offered")


def test_user_who_is_kept_out_stops_it(client, config, registry):
    """What is made goes on; nothing is added, and the batch says why."""
    asked = ask(client, lines(WINDOW + 2))
    its = {"email": "a@b.cd", "email_key": "a@b.cd", "name": "A"}
    User(id="user_123", **its, disabled_at=utcnow()).save()
    jobs.configure(replace(config, AUTH="on"), registry)

    fill()

    found = look(client, asked["batch_id"])
    assert (found["reason"], found["made"]) == ("account_disabled", WINDOW)
    jobs.configure(config, registry)


def test_consumers_that_work_on_one_batch_make_each_task_once(client, work_all):
    """A claim whose holder is slow is taken over, and both go on."""
    asked = ask(client, lines(WINDOW + 6))
    pass_time()
    slow = Batch.claim_due({}, filling.WRITING_LEASE)
    pass_time()
    quick = Batch.claim_due({}, filling.WRITING_LEASE)
    draw_nothing()

    filling.work(quick, float("inf"))
    filling.work(slow, float("inf"))

    assert Task.objects.count() == WINDOW + 6
    assert look(client, asked["batch_id"])["made"] == WINDOW + 6


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
    away = Mock(side_effect=RedisError("away"))
    monkeypatch.setattr(broker, "queue_length", away)

    with pytest.raises(QueueUnavailable):
        operations.queue_actions.clear(OPERATOR)

    assert Batch.find_one({"_id": asked["batch_id"]}).stopped is None
