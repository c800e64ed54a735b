"""A budget that is nearly spent is told of, once."""

import json

from jimeng.documents import User, WebhookDelivery
from jimeng.jobs import budget_events
from tests.costs.conftest import PRICE
from tests.rest import CAT, CREATE, create, refused
from tests.webhooks.conftest import USER


def told() -> list[tuple[str, str]]:
    rows = WebhookDelivery.find_all({"event": {"$regex": "^budget"}})
    return sorted((each.event, each.subject.split()[1]) for each in rows)


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
