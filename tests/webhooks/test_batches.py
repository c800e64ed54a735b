"""Events of batches and of budgets: each end and each limit is told once."""

import json
from dataclasses import replace

import pytest

from jimeng import batches, jobs
from jimeng.documents import Batch, Generation, Task, User, WebhookDelivery
from jimeng.errors import ProviderError
from jimeng.webhooks import budget_events
from tests.batches.conftest import act, ask, fill, lines, look
from tests.billing.conftest import PRICE
from tests.rest import CAT, CREATE, client_with, create, data_of, refused
from tests.webhooks.conftest import USER, WEBHOOKS


def test_ends_of_a_batch_are_told(
    client, provider, endpoint, receiver, work_off, deliver
):
    """Once each, also where the process dies before it clears the mark."""
    made = endpoint(receiver.url, events=["batch.completed"])
    provider.submits = [ProviderError("no", code="provider_failed")]
    batch = ask(client, "猫\n狗")
    work_off()
    fill()
    batches.announce_ended()
    Batch.collection().update_many({}, {"$set": {"announce": True}})  # it died
    batches.announce_ended()
    deliver()

    (first,) = receiver.received
    body = first.verified(made["secret"])
    assert body["type"] == "batch.completed"
    data = body["data"]
    assert (data["batch_id"], data["status"]) == (batch["batch_id"], "completed")
    assert data["pictures"] == {"total": 2, "done": 1, "failed": 1, "cancelled": 0}
    record = look(client, batch["batch_id"])
    links = {name: record["links"][name] for name in ("self", "tasks", "html")}
    assert data["links"] == links

    data_of(act(client, batch["batch_id"], "retry"), 202)
    work_off()
    fill()
    fill()
    batches.announce_ended()
    deliver()
    second = receiver.received[1]
    assert second.id != first.id
    assert second.json["data"]["pictures"]["done"] == 2


def test_nobody_is_told_of_a_batch_without_an_endpoint(client, deliver_batch):
    """Its mark is cleared all the same."""
    ask(client, "猫")

    assert deliver_batch() == 0
    assert Batch.collection().count_documents({"announce": {"$exists": True}}) == 0


ORDER = {"order": "1"}


@pytest.mark.parametrize(
    "events", [None, ["batch.completed"], ["task.completed"], ["task.failed"]]
)
def test_batch_is_told_at_its_own_address(client, receiver, deliver_batch, events):
    """Its tasks' ends and its own, or what was chosen; with the user's secret."""
    chosen = {} if events is None else {"webhook_events": events}
    about = {"webhook_url": receiver.url, "metadata": ORDER, **chosen}
    batch = ask(client, "猫\n狗", **about)
    assert batch["input"]["webhook_url"] == receiver.url
    deliver_batch()

    query = {"user_id": USER}  # whose secret is there since they asked
    secret = data_of(client.get(f"{WEBHOOKS}/secret", query_string=query))["secret"]
    told = [each.verified(secret) for each in receiver.received]
    every = ["batch.completed", "task.completed", "task.completed"]
    wanted = [each for each in every if each in (events or every)]
    assert sorted(each["type"] for each in told) == wanted
    for each in told:
        data = each["data"]
        assert (data["batch_id"], data["metadata"]) == (batch["batch_id"], ORDER)


def test_batch_goes_on_without_an_address_that_is_not_allowed_any_more(
    client, receiver, work_off, deliver, signing, app, configure, registry
):
    """Its pictures are drawn; nothing is sent where nothing may be."""
    batch = ask(client, lines(3), webhook_url=receiver.url)
    Batch.collection().update_many({}, {"$set": {"made": 0}})
    Task.collection().delete_many({})
    Generation.collection().delete_many({})
    configure(replace(signing, ALLOWED_USER_HOSTS=()), registry)
    fill()
    work_off()
    fill()

    assert look(client, batch["batch_id"])["pictures"]["done"] == 3
    assert Task.collection().count_documents({"webhook": {"$exists": True}}) == 0


def told() -> list[tuple[str, str]]:
    rows = WebhookDelivery.find_all({"event": {"$regex": "^budget"}})
    return sorted((each.event, each.subject.split()[-1]) for each in rows)


def spend(client) -> None:
    """Reach four fifths of the budget, and then be refused what exceeds it."""
    create(client)
    for _ in range(2):
        budget_events.announce_budgets()
    assert [event for event, _ in told()] == ["budget.warning"]
    refused(client.post(CREATE, json={**CAT, "n": 2}), 402, "budget_exceeded")
    for _ in range(2):
        budget_events.announce_budgets()


def test_budget_is_told_of_once(client, endpoint, receiver):
    """At four fifths, and when a request is refused; again if it is changed."""
    endpoint(receiver.url)
    row = {"_id": USER, "email": "a@b.c", "email_key": "a@b.c", "name": "a"}
    row |= {"daily_budget_micros": 5 * PRICE, "monthly_budget_micros": 50 * PRICE}
    User.collection().insert_one(row)
    create(client, n=3)
    budget_events.announce_budgets()
    assert told() == []

    spend(client)
    (_, day), _ = told()
    assert len(day) == 10
    assert told() == [("budget.exceeded", day), ("budget.warning", day)]
    (delivery,) = WebhookDelivery.find_all({"event": "budget.exceeded"})
    data = json.loads(delivery.body)["data"]
    assert (data["limit"], data["spent"]) == ("1.00", "0.80")
    error = client.post(CREATE, json={**CAT, "n": 2}).json["budget"]
    assert {**error, **data["budget"]} == error
    assert {*error} - {*data["budget"]} == {"needed", "needed_micros"}
    User.collection().update_one({}, {"$set": {"daily_budget_micros": 4 * PRICE}})
    budget_events.announce_budgets()
    assert len(told()) == 4


def test_event_that_was_announced_is_counted_no_more(client, endpoint, monkeypatch):
    """The periodic task finds a spent budget again and again, until the day ends."""
    endpoint("https://example.com/hook")
    row = {"_id": USER, "email": "a@b.c", "email_key": "a@b.c", "name": "a"}
    User.collection().insert_one({**row, "daily_budget_micros": PRICE})
    create(client)
    budget_events.announce_budgets()
    assert len(told()) == 2

    monkeypatch.setattr(budget_events, "count_spent", None)
    budget_events.announce_budgets()
    assert len(told()) == 2


@pytest.mark.parametrize("name", ["DAILY_BUDGET", "MONTHLY_BUDGET"])
def test_installations_budget_is_told_to_admins(app, signing, registry, receiver, name):
    """At four fifths, and when a request is refused; once, whatever their number."""
    for user_id, role in (("root", "admin"), ("ada", "user")):
        User(id=user_id, email=user_id, email_key=user_id, name="x", role=role).add()
    with client_with(signing, registry, **{name: 5 * PRICE}) as client:
        urls = {each: f"{receiver.url}/{each}" for each in ("root", "ada")}
        for user_id, url in urls.items():
            client.post(WEBHOOKS, json={"url": url, "user_id": user_id})
        signed_in = replace(jobs.runtime().config, AUTH="on")
        jobs.configure(signed_in, registry)
        create(client, n=3)
        budget_events.announce_budgets()
        assert told() == []

        spend(client)
        found = WebhookDelivery.find_all({}, sort=[("event", -1)])
        assert [each.event for each in found] == ["budget.warning", "budget.exceeded"]
        assert {each.user_id for each in found} == {"root"}
        data = json.loads(found[0].body)["data"]
        assert (data["whose"], data["user_id"]) == ("installation", None)
        assert len(data["period"]) == (10 if name == "DAILY_BUDGET" else 7)
        assert (data["limit"], data["spent"]) == ("1.00", "0.80")
        jobs.configure(replace(signed_in, AUTH="off"), registry)
        budget_events.announce_budgets()
        assert len(told()) == 4
