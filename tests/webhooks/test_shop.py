"""A shop's key: one secret signs what tells of all of its customers' tasks."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from jimeng import batches, tasks
from jimeng.documents import Task, WebhookEndpoint
from jimeng.tasks import NewTask
from tests.access.conftest import OPERATOR, ada, bob, built_closed, closed
from tests.access.test_act_for import CUSTOMER, Shop
from tests.batches.conftest import fill
from tests.conftest import make_as_new
from tests.rest import API, data_of
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


def register(shop, receiver, **fields) -> dict:
    body = {"url": receiver.url, **fields}
    return data_of(shop.api("POST", WEBHOOKS, json=body), 201)


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


def test_shops_endpoint_is_told_of_customers_batches(shop, receiver, work_off, deliver):
    """Of each task, and of its end, though it names no address."""
    secret = register(shop, receiver)["secret"]
    body = {"prompts": ["猫"], "user_id": CUSTOMER}
    data_of(shop.api("POST", f"{API}/batches", json=body), 202)
    fill()
    work_off()
    fill()
    batches.announce_ended()
    deliver()

    told = [each.verified(secret)["type"] for each in receiver.received]
    assert sorted(told) == ["batch.completed", "task.completed"]


def test_another_shop_is_told_nothing(shop, ada, receiver, work_off, deliver):  # noqa: F811
    """Though its key has the same prefix, or the shop's customer an endpoint."""
    other = Shop(ada)
    register(other, receiver)
    shop.create()
    work_off()
    deliver()

    assert receiver.received == []


def test_deleted_endpoint_of_a_shop_is_told_nothing(shop, receiver, work_off, deliver):
    """Nor one that wants other events; what was marked is cleared."""
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

    one, other = sorted(
        receiver.received,
        key=lambda got: (
            Webhook(shops).sign(*signed(got)) in got.headers["webhook-signature"]
        ),
    )
    assert one.verified(customers)["data"] == other.verified(shops)["data"]
    assert one.id != other.id


def signed(got) -> tuple[str, datetime, str]:
    at = datetime.fromtimestamp(int(got.headers["webhook-timestamp"]), UTC)
    return got.id, at, got.body.decode()


def test_plain_key_signs_with_its_owners_secret(shop, secret, receiver, deliver):
    """For itself a shop's key is as any other."""
    task_id = shop.create(shop.record.user_id, webhook_url=receiver.url)
    data_of(shop.api("POST", f"{API}/tasks/{task_id}/cancel"))
    deliver()

    (got,) = receiver.received
    assert got.verified(secret)["data"]["task_id"] == task_id
