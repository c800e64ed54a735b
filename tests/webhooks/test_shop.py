"""A shop's key: one secret signs what tells of all of its customers' tasks."""

from dataclasses import replace

import pytest
from standardwebhooks import WebhookVerificationError

from jimeng import tasks
from jimeng.documents import Task, WebhookEndpoint
from jimeng.tasks import NewTask
from tests.access.conftest import OPERATOR, ada, bob, built_closed, closed
from tests.access.test_act_for import CUSTOMER, Shop
from tests.conftest import make_as_new
from tests.rest import API, data_of
from tests.webhooks.conftest import WEBHOOKS, Received

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


def test_tasks_are_signed_with_the_shops_secret(
    shop, secret, receiver, work_off, deliver
):
    """Whoever they are of, also of itself; and so is a retry that an operator makes."""
    first = shop.create(webhook_url=receiver.url)
    shop.create("shop:customer_43", webhook_url=receiver.url)
    own = shop.create(shop.record.user_id, webhook_url=receiver.url)
    waiting = shop.create(webhook_url=receiver.url)
    data_of(shop.api("POST", f"{API}/tasks/{waiting}/cancel"))
    again, _ = tasks.retry(OPERATOR, waiting)
    work_off()
    deliver()

    told = [each.verified(secret)["data"] for each in receiver.received]
    users = {each["task_id"]: each["user_id"] for each in told}
    assert users.pop(own) == shop.record.user_id
    assert users[first] == users[waiting] == users[again.id] == CUSTOMER
    assert sorted(users.values()) == [*[CUSTOMER] * 3, "shop:customer_43"]
    assert WebhookEndpoint.collection().count_documents({}) == 1


def register(shop, receiver, **fields) -> dict:
    body = {"url": receiver.url, **fields}
    return data_of(shop.api("POST", WEBHOOKS, json=body), 201)


@pytest.mark.parametrize("is_named", [True, False], ids=["address", "endpoint"])
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


def test_shops_endpoint_is_told_of_its_customers(
    shop, receiver, work_off, deliver, database
):
    """Of their tasks and of an operator's retry, of its own, and of nobody else's."""
    secret = register(shop, receiver)["secret"]
    expected = [shop.create(metadata={"order": "1"}), shop.create("shop:customer_43")]
    expected.append(shop.create(shop.record.user_id))
    waiting = shop.create()
    data_of(shop.api("POST", f"{API}/tasks/{waiting}/cancel"))
    again, _ = tasks.retry(OPERATOR, waiting)
    tasks.create(OPERATOR, NewTask(user_id="shop:customer_44", prompt="猫"))
    work_off()
    deliver()

    told = {
        each.verified(secret)["data"]["task_id"]: each for each in receiver.received
    }
    assert sorted(told) == sorted([*expected, waiting, again.id])
    data = told[expected[0]].json["data"]
    assert (data["user_id"], data["metadata"]) == (CUSTOMER, {"order": "1"})


def test_who_is_not_meant_is_told_nothing(shop, ada, receiver, work_off, deliver):  # noqa: F811
    """
    Another shop whose key has the same prefix, a deleted endpoint, one that wants other
    events; what was marked is cleared.
    """
    register(Shop(ada), receiver)
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
    customers = register(shop, receiver, user_id=CUSTOMER)["secret"]
    shops = register(shop, receiver)["secret"]
    shop.create()
    work_off()
    deliver()

    one, other = receiver.received
    if not is_signed(one, customers):
        one, other = other, one
    assert one.verified(customers)["data"] == other.verified(shops)["data"]
    assert one.id != other.id


def is_signed(got: Received, secret: str) -> bool:
    try:
        return bool(got.verified(secret))
    except WebhookVerificationError:
        return False
