"""A shop's key: one secret signs what tells of all of its customers' tasks."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from jimeng import tasks
from jimeng.accounts import users
from jimeng.documents import (
    QuotaUsage,
    Task,
    User,
    WebhookDelivery,
    WebhookEndpoint,
    utcnow,
)
from jimeng.tasks import Request
from jimeng.webhooks import budget_events
from tests.access.conftest import OPERATOR, ada, bob, built_closed, closed
from tests.access.test_act_for import CUSTOMER, Shop
from tests.access.test_keys import ask, new_key
from tests.billing.conftest import PRICE
from tests.conftest import make_as_new
from tests.rest import API, CREATE, data_of, refused
from tests.webhooks.conftest import WEBHOOKS

__all__ = ["ada", "bob", "built_closed", "closed"]


@pytest.fixture(scope="session")
def closed_and_signing(closed):  # noqa: F811
    return replace(closed, ALLOWED_USER_HOSTS=("127.0.0.1",))


@pytest.fixture
def secured(built_closed, database, closed_and_signing, configure, registry):  # noqa: F811
    """Sign-in is on, and receivers on this machine may be told."""
    make_as_new(built_closed, closed_and_signing)
    configure(closed_and_signing, registry)
    return built_closed


@pytest.fixture
def shop(bob) -> Shop:  # noqa: F811
    return Shop(bob)


@pytest.fixture
def secret(shop) -> str:
    """The key owner's own."""
    return data_of(shop.api("GET", f"{WEBHOOKS}/secret"))["secret"]


def register(shop, receiver, **fields) -> dict:
    body = {"url": receiver.url, **fields}
    return data_of(shop.api("POST", WEBHOOKS, json=body), 201)


BY = pytest.mark.parametrize("is_named", [True, False], ids=["address", "endpoint"])


@BY
def test_customers_tasks_are_signed_with_the_shops_secret(
    shop, secret, receiver, work_off, deliver, is_named
):
    """Of customers, of itself, and of an operator's retry; of nobody else's."""
    named = {"webhook_url": receiver.url} if is_named else {}
    if not is_named:
        secret = register(shop, receiver)["secret"]
    first = shop.create(metadata={"order": "1"}, **named)
    other = shop.create("shop:customer_43", **named)
    own = shop.create(shop.record.user_id, **named)
    waiting = shop.create(**named)
    data_of(shop.api("POST", f"{API}/tasks/{waiting}/cancel"))
    again, _ = tasks.retry(OPERATOR, waiting)
    tasks.create(OPERATOR, Request(user_id="shop:customer_44", prompt="猫"))
    work_off()
    deliver()

    told = [each.verified(secret)["data"] for each in receiver.received]
    assert {each["task_id"]: each["user_id"] for each in told} == {
        **dict.fromkeys((first, waiting, again.id), CUSTOMER),
        other: "shop:customer_43",
        own: shop.record.user_id,
    }
    (ordered,) = [each for each in told if each["task_id"] == first]
    assert ordered["metadata"] == {"order": "1"}
    assert WebhookEndpoint.collection().count_documents({}) == 2 - is_named


@BY
def test_customers_batches_are_signed_with_the_shops_secret(
    shop, secret, receiver, deliver_batch, is_named
):
    """Each task and the end, though the batch is filled on the customer's behalf."""
    body = {"prompts": ["猫"], "user_id": CUSTOMER}
    if is_named:
        body["webhook_url"] = receiver.url
    else:
        secret = register(shop, receiver)["secret"]
    data_of(shop.api("POST", f"{API}/batches", json=body), 202)
    deliver_batch()

    told = [each.verified(secret)["type"] for each in receiver.received]
    assert sorted(told) == ["batch.completed", "task.completed"]


def test_who_is_not_meant_is_told_nothing(shop, ada, receiver, work_off, deliver):  # noqa: F811
    """Another shop, a deleted endpoint, other events; marks are cleared."""
    register(Shop(ada, user_prefix="shop2:"), receiver)
    made = register(shop, receiver)
    register(shop, receiver, events=["task.failed"])
    shop.create()
    data_of(shop.api("DELETE", f"{WEBHOOKS}/{made['id']}"))
    work_off()
    deliver()

    assert receiver.received == []
    assert Task.find_one({"announce": {"$exists": True}}) is None


def test_customers_own_endpoint_has_its_own_secret(shop, receiver, work_off, deliver):
    """It is told beside the shop's, under an id of its own."""
    its_own = {"user_id": CUSTOMER, "url": f"{receiver.url}/own"}
    customers = register(shop, receiver, **its_own)["secret"]
    shops = register(shop, receiver)["secret"]
    shop.create()
    work_off()
    deliver()

    other, own = sorted(receiver.received, key=lambda each: each.path)
    assert own.verified(customers)["data"] == other.verified(shops)["data"]
    assert own.id != other.id


def told() -> list[tuple[str, str, dict]]:
    """What is to be delivered about budgets: to whom, the event, and its data."""
    rows = WebhookDelivery.find_all({"event": {"$regex": "^budget"}})
    found = [(each.user_id, each.event, json.loads(each.body)["data"]) for each in rows]
    return sorted(found, key=lambda each: (each[0], each[1]))


def announce() -> None:
    """Twice, and each event is told of once."""
    for _ in range(2):
        budget_events.announce_budgets()


def test_owner_is_told_of_the_budget_of_a_key(bob, ada, receiver):
    """At four fifths, and when it is spent; nobody else, and of no other key."""
    for each in (ada, bob):
        data_of(each.api("POST", WEBHOOKS, json={"url": receiver.url}), 201)
    key, free = new_key(bob, daily_budget_micros=5 * PRICE), new_key(bob)
    data_of(ask(bob, free, n=4, user_id=bob.id), 202)
    data_of(ask(bob, key, n=3, user_id=bob.id), 202)
    announce()
    assert told() == []

    data_of(ask(bob, key, user_id=bob.id), 202)
    announce()
    ((owner, event, data),) = told()
    assert (owner, event) == (bob.id, "budget.warning")
    assert data["whose"] == "key"
    assert (data["user_id"], data["key_id"]) == (bob.id, key["id"])
    assert (data["limit"], data["spent"]) == ("1.00", "0.80")
    body = ask(bob, key, n=2, user_id=bob.id)
    refused(body, 402, "budget_exceeded")
    announce()
    assert [event for _, event, _ in told()] == ["budget.exceeded", "budget.warning"]


def test_shop_is_told_of_its_customers_budgets(
    shop, bob, ada, receiver, closed_and_signing, configure, registry
):
    """By its own endpoint and the customer's; another shop, and other users, are not.
    A refusal is told of however long ago the last order was."""
    configure(replace(closed_and_signing, USER_DAILY_BUDGET=5 * PRICE), registry)
    Shop(ada, user_prefix="other:")
    data_of(ada.api("POST", WEBHOOKS, json={"url": receiver.url}), 201)
    register(shop, receiver)
    register(shop, receiver, user_id=CUSTOMER)
    shop.create(n=3)
    shop.create("shop:thrifty")
    announce()
    assert told() == []

    shop.create()
    announce()
    found = told()
    owners = sorted([CUSTOMER, bob.id])
    assert [each[:2] for each in found] == [(each, "budget.warning") for each in owners]
    assert {each[2]["user_id"] for each in found} == {CUSTOMER}
    assert {each[2]["whose"] for each in found} == {"user"}
    hour_ago = utcnow() - timedelta(hours=1)
    QuotaUsage.collection().update_many(
        {}, {"$set": {"taken_at": hour_ago, "spend_at": hour_ago}}
    )
    body = {"prompt": "一只猫", "user_id": CUSTOMER, "n": 2}
    refused(shop.api("POST", CREATE, json=body), 402, "budget_exceeded")
    announce()
    exceeded = [each[0] for each in told() if each[1] == "budget.exceeded"]
    assert exceeded == owners


def test_owner_is_told_of_customers_though_the_key_is_revoked(
    shop, bob, receiver, closed_and_signing, configure, registry
):
    """The prefix stays his; what others order for its customers counts for him."""
    configure(replace(closed_and_signing, USER_DAILY_BUDGET=PRICE), registry)
    register(shop, receiver)
    shop.create()
    path = f"{API}/users/{bob.id}/keys/{shop.record.id}"
    data_of(bob.api("DELETE", path))

    announce()

    assert {each[0] for each in told()} == {bob.id}


def test_owner_is_told_of_the_sum_of_all_customers(shop, bob, receiver):
    """Where an operator has set a budget for the owner by name."""
    register(shop, receiver)
    users.update(OPERATOR, bob.id, daily_budget_micros=5 * PRICE)
    shop.create(n=3)
    announce()
    assert told() == []

    shop.create("shop:thrifty")
    announce()

    ((owner, event, data),) = told()
    assert (owner, event) == (bob.id, "budget.warning")
    assert (data["whose"], data["user_id"]) == ("owner", bob.id)
    assert data["spent_micros"] == 4 * PRICE


def test_of_two_shops_the_one_that_acts_for_a_customer_is_told(
    shop, ada, bob, receiver, closed_and_signing, configure, registry
):
    """Where data of earlier releases have prefixes that overlap, the longest counts."""
    configure(replace(closed_and_signing, USER_DAILY_BUDGET=PRICE), registry)
    Shop(ada, user_prefix="else:")
    overlap = {"$set": {"user_prefixes": ["shop:eu:"]}}
    User.collection().update_one({"_id": ada.id}, overlap)
    for each in (ada, bob):
        data_of(each.api("POST", WEBHOOKS, json={"url": receiver.url}), 201)
    tasks.create(OPERATOR, Request(user_id="shop:eu:1", prompt="猫"))

    announce()

    assert {each[0] for each in told()} == {ada.id}
