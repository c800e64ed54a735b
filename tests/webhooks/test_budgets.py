"""A budget that is nearly spent is told of, once."""

import json
from dataclasses import replace

import pytest

from jimeng import jobs
from jimeng.documents import User, WebhookDelivery
from jimeng.jobs import budget_events
from jimeng.limits import budgets
from tests.costs.conftest import PRICE
from tests.rest import CAT, CREATE, client_with, create, refused
from tests.webhooks.conftest import USER, WEBHOOKS


def told() -> list[tuple[str, str]]:
    rows = WebhookDelivery.find_all({"event": {"$regex": "^budget"}})
    return sorted((each.event, each.subject.split()[-1]) for each in rows)


def test_budget_is_told_of_once(client, endpoint, receiver):
    """At four fifths, and when a request is refused; again if it is changed."""
    endpoint(receiver.url)
    row = {"_id": USER, "email": "a@b.c", "email_key": "a@b.c", "name": "a"}
    row |= {"daily_budget_micros": 5 * PRICE, "monthly_budget_micros": 50 * PRICE}
    User.collection().insert_one(row)
    create(client, n=3)
    budget_events.announce_budgets()
    assert told() == []

    create(client)
    for _ in range(2):
        budget_events.announce_budgets()

    ((event, day),) = told()
    assert (event, len(day)) == ("budget.warning", 10)
    refused(client.post(CREATE, json={**CAT, "n": 2}), 402, "budget_exceeded")
    for _ in range(2):
        budget_events.announce_budgets()
    assert told() == [("budget.exceeded", day), ("budget.warning", day)]
    (delivery,) = WebhookDelivery.find_all({"event": "budget.exceeded"})
    data = json.loads(delivery.body)["data"]
    assert (data["limit"], data["spent"]) == ("1.00", "0.80")
    User.collection().update_one({}, {"$set": {"daily_budget_micros": 4 * PRICE}})
    budget_events.announce_budgets()
    assert len(told()) == 4


@pytest.mark.parametrize("name", ["DAILY_BUDGET", "MONTHLY_BUDGET"])
def test_installations_budget_is_told_to_admins(app, signing, registry, receiver, name):
    """At four fifths, and when a request is refused; once, whatever their number."""
    for user_id, role in (("root", "admin"), ("ada", "user")):
        User(id=user_id, email=user_id, email_key=user_id, name="x", role=role).add()
    budgets.clear_slice()
    with client_with(signing, registry, **{name: 5 * PRICE}) as client:
        urls = {each: f"{receiver.url}/{each}" for each in ("root", "ada")}
        for user_id, url in urls.items():
            client.post(WEBHOOKS, json={"url": url, "user_id": user_id})
        signed_in = replace(jobs.runtime().config, AUTH="on")
        jobs.configure(signed_in, registry)
        create(client, n=3)
        budget_events.announce_budgets()
        assert told() == []

        create(client)
        for _ in range(2):
            budget_events.announce_budgets()
        refused(client.post(CREATE, json={**CAT, "n": 2}), 402, "budget_exceeded")
        for _ in range(2):
            budget_events.announce_budgets()

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
    budgets.clear_slice()
