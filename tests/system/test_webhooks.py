"""Webhooks as consumers send them: killed meanwhile, and beside receivers that hang."""

import secrets

import pytest

from tests.waiting import wait_for
from tests.webhooks.conftest import receivers

__all__ = ["receivers"]

pytestmark = pytest.mark.system
PITS = 12  # more than a consumer has threads for those that nobody knows to answer


@pytest.fixture
def stack(own_stack):
    key = secrets.token_hex(32)
    with own_stack("webhooks", SECRET_KEY=key, ALLOWED_USER_HOSTS="127.0.0.1") as made:
        made.start_consumer()
        made.await_ready()
        yield made


def test_consumer_that_is_killed_while_sending_loses_nothing(stack, receivers):
    """Another one sends it again, under the same id."""
    receiver = receivers()
    receiver.held.clear()
    task_id = stack.create(webhook_url=receiver.url)
    wait_for(lambda: receiver.received, what="the event is on its way")
    stack.kill_consumers()
    receiver.held.set()
    with stack.database() as found:  # the lease of whoever died
        found.webhook_deliveries.update_many(
            {"due_at": {"$exists": True}},
            [{"$set": {"due_at": {"$subtract": ["$due_at", 30_000]}}}],
        )
    stack.start_consumer()
    wait_for(lambda: len(receiver.received) > 1, what="it is sent again")

    assert len({(each.id, each.body) for each in receiver.received}) == 1
    assert receiver.received[0].json["data"]["task_id"] == task_id


def test_receivers_that_hang_hold_up_no_other(stack, receivers):
    """One that has answered before is told while all of them are still open."""
    good, pit = receivers(), receivers()
    pit.held.clear()
    body = {"url": good.url, "user_id": "good"}
    status, made = stack.ask("POST", "/api/v1/webhooks", body)
    assert status == 201, made
    stack.create(user_id="good")
    wait_for(lambda: good.received, what="the first event")
    for number in range(PITS):
        stack.create(user_id=f"pit{number}", webhook_url=pit.url)
    wait_for(lambda: len(pit.received) >= 4, what="receivers hang")
    open_before = len(pit.received)

    task_id = stack.create(user_id="good")
    wait_for(lambda: len(good.received) > 1, what="the second event")

    assert good.received[1].json["data"]["task_id"] == task_id
    assert not pit.held.is_set() and open_before >= 4
