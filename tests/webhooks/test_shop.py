"""A shop's key: one secret signs what tells of all of its customers' tasks."""

from dataclasses import replace

import pytest

from jimeng import batches, tasks
from jimeng.documents import WebhookEndpoint
from tests.access.conftest import OPERATOR, bob, built_closed, closed
from tests.access.test_act_for import CUSTOMER, Shop
from tests.batches.conftest import fill
from tests.conftest import make_as_new
from tests.rest import API, data_of
from tests.webhooks.conftest import WEBHOOKS

__all__ = ["bob", "built_closed", "closed"]


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


def test_customers_tasks_are_signed_with_the_shops_secret(
    shop, secret, receiver, work_off, deliver
):
    """Whoever they are; and so is a retry that an operator makes."""
    first = shop.create(webhook_url=receiver.url)
    shop.create("shop:customer_43", webhook_url=receiver.url)
    waiting = shop.create(webhook_url=receiver.url)
    data_of(shop.api("POST", f"{API}/tasks/{waiting}/cancel"))
    again, _ = tasks.retry(OPERATOR, waiting)
    work_off()
    deliver()

    told = [each.verified(secret)["data"] for each in receiver.received]
    users = {each["task_id"]: each["user_id"] for each in told}
    assert users[first] == users[waiting] == users[again.id] == CUSTOMER
    assert sorted(users.values()) == [*[CUSTOMER] * 3, "shop:customer_43"]
    assert WebhookEndpoint.collection().count_documents({}) == 1


def test_customers_batches_are_signed_with_the_shops_secret(
    shop, secret, receiver, work_off, deliver
):
    """Though it is filled on the customer's behalf."""
    body = {"prompts": ["猫"], "user_id": CUSTOMER, "webhook_url": receiver.url}
    data_of(shop.api("POST", f"{API}/batches", json=body), 202)
    fill()
    work_off()
    fill()
    batches.announce_ended()
    deliver()

    told = [each.verified(secret)["type"] for each in receiver.received]
    assert sorted(told) == ["batch.completed", "task.completed"]


def test_customers_own_endpoint_is_told_with_its_own_secret(
    shop, receiver, work_off, deliver
):
    """The shop's endpoints are not told of customers by themselves."""
    body = {"url": receiver.url, "user_id": CUSTOMER}
    made = data_of(shop.api("POST", WEBHOOKS, json=body), 201)
    data_of(shop.api("POST", WEBHOOKS, json={"url": receiver.url}), 201)
    shop.create()
    work_off()
    deliver()

    (got,) = receiver.received
    assert got.verified(made["secret"])["data"]["user_id"] == CUSTOMER


def test_plain_key_signs_with_its_owners_secret(shop, secret, receiver, deliver):
    """For itself a shop's key is as any other."""
    task_id = shop.create(shop.record.user_id, webhook_url=receiver.url)
    data_of(shop.api("POST", f"{API}/tasks/{task_id}/cancel"))
    deliver()

    (got,) = receiver.received
    assert got.verified(secret)["data"]["task_id"] == task_id
