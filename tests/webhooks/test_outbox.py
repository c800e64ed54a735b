"""Nothing that ended is forgotten, or told of under two ids, whoever dies and when."""

import json
from datetime import timedelta

import pytest
from pymongo.errors import AutoReconnect

from jimeng.documents import Generation, Task, WebhookDelivery, WebhookEndpoint, utcnow
from jimeng.jobs import pump
from jimeng.providers import Progress
from jimeng.upkeep import janitor, purge
from jimeng.webhooks import outbox
from tests.billing.conftest import settle
from tests.commands import counted
from tests.conftest import come_due, run_queue
from tests.forgetting import forget_lanes
from tests.machine.boundary import Boundaries, Died, wrap_writes
from tests.rest import API, create, data_of, new_user
from tests.webhooks.conftest import USER, WEBHOOKS, later


def ids() -> list[str]:
    return sorted(row["_id"] for row in WebhookDelivery.collection().find())


def test_submission_costs_no_more_without_an_endpoint(
    client, endpoint, signing, monkeypatch
):
    """Neither a command nor a stored field."""
    monkeypatch.setattr(outbox, "OWNERS_CACHE_S", 3600.0)

    def cost(**fields: object) -> int:
        with counted(signing) as commands:
            create(client, **fields)
            named = [each for each in commands if each and "listIndexes" not in each]
            rows = [next(iter(each.values())) for each in named]
            assert "webhook_endpoints" not in rows
            return rows.count("tasks")

    create(client)  # what is read now and then is remembered
    outbox.clear_owner_cache()
    outbox.has_endpoint(USER)
    before = cost(seed=1)
    assert Task.collection().find_one({"announce": {"$exists": True}}) is None
    endpoint("https://shop.example.com/jimeng")
    outbox.has_endpoint(USER)

    assert cost(seed=2) == before
    assert Task.collection().count_documents({"announce": True}) == 1


def test_task_of_a_process_that_has_not_heard_of_the_endpoint_is_told(
    client, endpoint, receiver, deliver
):
    """Another process created the endpoint a moment ago; a task of before is not."""
    before = create(client)
    old = {"created_at": utcnow() - timedelta(minutes=3)}
    Task.collection().update_one({"_id": before}, {"$set": old})
    outbox.has_endpoint(USER)  # nobody has one, as far as this one knows
    heard = outbox._state.owners
    endpoint(receiver.url)
    client.post(f"{API}/tasks/{before}/cancel")
    ids = []
    for seed in range(2):  # as long as it may not have heard
        outbox._state.owners = heard
        ids.append(create(client, seed=seed))
        client.post(f"{API}/tasks/{ids[-1]}/cancel")
        deliver()

    assert [each.json["data"]["task_id"] for each in receiver.received] == ids
    long_ago = {"created_at": utcnow() - timedelta(minutes=2)}
    WebhookEndpoint.collection().update_one({}, {"$set": long_ago})
    deliver()
    assert len(receiver.received) == 2
    assert WebhookEndpoint.collection().find_one({"catch_up": True}) is None


def test_end_of_a_cancelled_task_waits_for_its_cost(client, endpoint, receiver):
    """For some seconds, in case that a picture had begun; then it is told without."""
    endpoint(receiver.url)
    first = create(client)
    client.post(f"{API}/tasks/{first}/cancel")
    outbox.sweep()
    assert WebhookDelivery.find_all({}) == []

    settle()
    outbox.sweep()

    (delivery,) = WebhookDelivery.find_all({})
    data = json.loads(delivery.body)["data"]
    assert (data["cost"], data["cost_micros"]) == ("0.00", 0)
    second = create(client)
    client.post(f"{API}/tasks/{second}/cancel")
    ended = utcnow() - outbox.SETTLEMENT_TIMEOUT - timedelta(seconds=1)
    Task.collection().update_one({"_id": second}, {"$set": {"completed_at": ended}})
    outbox.sweep()
    (delivery,) = WebhookDelivery.find_all({"subject": second})
    assert json.loads(delivery.body)["data"]["cost"] is None


def test_tasks_without_final_costs_hold_up_no_others(
    client, endpoint, work_off, monkeypatch
):
    """However many wait for their costs: a sweep passes over them."""
    monkeypatch.setattr(outbox, "BATCH_DOCUMENTS", 2)
    endpoint("https://shop.example.com/jimeng")
    for seed in range(2):
        client.post(f"{API}/tasks/{create(client, seed=seed, n=2)}/cancel")
    completed = create(client, seed=2)
    work_off()

    outbox.sweep()

    assert [each.subject for each in WebhookDelivery.find_all({})] == [completed]


def test_late_picture_is_an_event_of_its_own(
    client, provider, endpoint, receiver, work_off, deliver
):
    """The task had failed, and nobody knew whether the picture was drawn."""
    endpoint(receiver.url)
    provider.polls = [Progress("remote-1")] * 50
    task_id = create(client)
    forget_lanes()
    pump.tick()
    run_queue()
    long_ago = utcnow() - timedelta(hours=1)
    old = {"created_at": long_ago, "accepted_at": long_ago, "deadline": utcnow()}
    Generation.collection().update_many({}, {"$set": old})
    for looks in (1, 4):
        for _ in range(looks):
            come_due()
            pump.tick()
            run_queue()
        deliver()
        provider.polls = []

    told = [(each.json["type"], each.id) for each in receiver.received]
    assert [kind for kind, _ in told] == ["task.failed", "task.completed"]
    assert told[0][1] != told[1][1]
    assert {each.json["data"]["task_id"] for each in receiver.received} == {task_id}


def test_end_that_comes_while_another_is_announced_is_told_too(
    client, endpoint, receiver, work_off, monkeypatch
):
    """As a late picture's: the mark stays."""
    endpoint(receiver.url)
    create(client)
    work_off()
    insert = outbox.insert

    def meanwhile(rows: list[dict]) -> None:
        insert(rows)
        Task.collection().update_many({}, {"$set": {"completed_at": later}})

    later = utcnow() + timedelta(seconds=1)
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "insert", meanwhile)
        outbox.sweep()
    outbox.sweep()

    assert WebhookDelivery.collection().count_documents({}) == 2


@pytest.mark.parametrize("how", ["done", "open", "left"])
def test_deleted_task_is_told_of_first(
    client, endpoint, receiver, work_off, deliver, how
):
    """Right after its end; as cancelled while open; or left hidden, by the janitor."""
    endpoint(receiver.url)
    task_id = create(client)
    if how != "open":
        work_off()
    if how == "left":  # its request died after hiding it
        hidden = {"deleted_at": utcnow() - timedelta(minutes=5)}
        Task.collection().update_one({"_id": task_id}, {"$set": hidden})
        janitor.finish_deletions()
        purge.empty_trash()
    else:
        data_of(client.delete(f"{API}/ai/image/task/{task_id}"))
    assert Task.collection().find_one({"_id": task_id}) is None
    deliver()

    (got,) = receiver.received
    assert got.json["type"] == f"task.{'cancelled' if how == 'open' else 'completed'}"


def test_account_that_is_deleted_leaves_nothing(client, receiver):
    user = new_user(client)["id"]
    body = {"url": receiver.url, "user_id": user}
    made = data_of(client.post(WEBHOOKS, json=body), 201)
    client.post(f"{WEBHOOKS}/{made['id']}/test")
    data_of(client.delete(f"{API}/users/{user}"))

    assert WebhookEndpoint.collection().count_documents({}) == 0
    assert WebhookDelivery.collection().count_documents({}) == 0


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("error", [Died, AutoReconnect])
def test_death_between_any_two_writes_loses_nothing(
    client, endpoint, receiver, work_off, deliver, monkeypatch, error, when
):
    """
    At least once, never none, and always under the same id, whether the process dies
    or MongoDB, and whether that has the write or not.
    """
    endpoint(receiver.url)
    boundaries, left = Boundaries(), 0

    def reach(place: str) -> None:
        nonlocal left
        if place.startswith(when):
            left -= 1
            if left == 0:
                raise error(place)

    monkeypatch.setattr(boundaries, "reach", reach)
    wrap_writes(boundaries, monkeypatch)
    for at in range(1, 30):
        task_id = create(client, seed=at)
        work_off()
        before, left, died = len(receiver.received), at, False
        try:
            deliver()
        except error:
            died = True
        left = 0
        later(60)  # the lease of whoever died
        deliver()
        told = receiver.received[before:]
        assert told, at
        assert {each.json["data"]["task_id"] for each in told} == {task_id}
        assert len({each.id for each in told}) == 1
        if not died:
            break

    assert at > 4  # deliveries, mark, claim, what came of it
    assert WebhookDelivery.collection().count_documents({"state": "pending"}) == 0


def test_delivery_that_kills_its_process_comes_to_an_end(
    client, endpoint, receiver, deliver, log
):
    made = endpoint(receiver.url)
    client.post(f"{API}/tasks/{create(client)}/cancel")
    settle()
    outbox.sweep()
    WebhookDelivery.collection().update_one({}, {"$set": {"tries": 10}})
    deliver()

    assert receiver.received == []
    (delivery,) = log(made["id"])
    assert delivery["attempts"][0]["outcome"] == "interrupted"


def test_pages_of_the_log(client, endpoint, receiver, deliver):
    made = endpoint(receiver.url)
    for seed in range(5):
        client.post(f"{API}/tasks/{create(client, seed=seed)}/cancel")
    deliver()
    where, query = f"{WEBHOOKS}/{made['id']}/deliveries", {"limit": 2}
    found = []
    for size in (2, 2, 1):
        answer = client.get(where, query_string=query)
        assert len(data_of(answer)) == size
        found += [each["id"] for each in data_of(answer)]
        query["cursor"] = answer.json["next_cursor"]

    assert query["cursor"] is None
    assert sorted(found) == ids()
