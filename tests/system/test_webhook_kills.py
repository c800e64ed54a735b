"""MongoDB is killed at each write of the outbox and of the deliveries."""

import secrets
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from pymongo.errors import PyMongoError

from tests.system.killer import LOST, STORED, Killer, mongo
from tests.system.stack import SOONER, Stack
from tests.waiting import wait_for
from tests.webhooks.conftest import Receiver, receivers

__all__ = ["mongo", "receivers"]

pytestmark = pytest.mark.system

FILES = ("webhooks/outbox.py", "webhooks/deliveries.py", "batches/events.py")
# Of a consumer: each kind is killed twice.
WRITES = {
    "update tasks: sweep > mark_missed",
    "update webhook_endpoints: sweep > mark_missed",
    "insert webhook_deliveries: sweep > announce > insert",
    "update tasks: sweep > announce",
    "insert webhook_deliveries: announce_ended > announce_batch > insert",
    "update batches: announce_ended",
    "update webhook_deliveries: start_threads > make_due_ready",
    "findAndModify webhook_deliveries: work > claim_ready > claim",
    "findAndModify webhook_deliveries: work > deliver > record_attempt",
    "update webhook_endpoints: work > deliver > update_endpoint",
    "findAndModify webhook_endpoints: work > deliver > update_endpoint",
    "update webhook_addresses: work > deliver > update_address",
    "update webhook_deliveries: work > deliver > update_address",
    "update webhook_endpoints: work > deliver > update_endpoint > disable",
}
# How many users of a kind, and the first answers of each one's receiver.
KINDS = {"good": (9, []), "bad": (2, [500] * 5), "gone": (5, [410] * 100)}
TASKS = 2  # of each user
BATCH = "batch.completed"
MARKED = {"announce": {"$exists": True}}


@pytest.fixture
def killer(mongo) -> Killer:
    return Killer(FILES, (LOST, STORED), mongo=mongo)


@pytest.fixture
def stack(mongo, killer, own_stack):
    settings = {"SECRET_KEY": secrets.token_hex(32), "VOLCENGINE_CONCURRENCY": "8"}
    settings |= {"MONGODB_URI": mongo.uri, "ALLOWED_USER_HOSTS": "127.0.0.1"}
    with own_stack("killed", limit=8, duration=0.1, **settings) as made:
        made.simulate(plain=True)
        killer.start_consumer(made)
        made.await_ready()
        yield made


@dataclass
class User:
    """
    Attributes:
        events: Type and subject of each event that is to be told.
    """

    name: str
    receiver: Receiver
    events: set[tuple[str, str]] = field(default_factory=set)
    endpoint: dict = field(default_factory=dict)

    def told(self) -> dict[tuple[str, str], set[str]]:
        """The ids of what the receiver got, by event; signatures are right."""
        found = defaultdict(set)
        for each in list(self.receiver.received):
            body = each.verified(self.endpoint["secret"])
            data = body["data"]
            subject = data["batch_id" if body["type"] == BATCH else "task_id"]
            found[body["type"], subject].add(each.id)
        return found


def end_tasks(stack: Stack, users: list[User]) -> None:
    """Draw the tasks of all users, and a batch of the first; settle their costs."""
    body = {"prompts": ["一只猫"], "user_id": users[0].name, "size": "512x512"}
    status, answer = stack.ask("POST", "/api/v1/batches", body)
    assert status == 202, answer
    batch = answer["data"]["batch_id"]
    for user in users:
        ids = [stack.create(user_id=user.name, seed=n) for n in range(TASKS)]
        user.events = {("task.completed", each) for each in ids}

    def is_settled() -> bool:
        with stack.database() as found:
            unsettled = {"unsettled": {"$exists": True}}
            return stack.all_ended() and not (
                found.generations.count_documents(unsettled)
                or found.batches.count_documents({"ended_at": {"$exists": False}})
            )

    wait_for(is_settled, what="all have ended, and are settled")
    with stack.database() as found:
        (row,) = found.tasks.find({"batch": batch})
    users[0].events |= {(BATCH, batch), ("task.completed", row["_id"])}


def add_endpoints(stack: Stack, users: list[User]) -> None:
    for user in users:
        body = {"url": user.receiver.url, "user_id": user.name}
        status, answer = stack.ask("POST", "/api/v1/webhooks", body)
        assert status == 201, answer
        user.endpoint = answer["data"]


def backdate_endpoints(stack: Stack) -> bool:
    """As if they had been there before the tasks, and another process had not known."""
    before = {"created_at": datetime.now(UTC) - timedelta(minutes=5)}
    with suppress(PyMongoError), stack.database() as found:  # it is being killed
        found.webhook_endpoints.update_many({}, {"$set": before})
        found.batches.update_many({}, {"$set": {"announce": True}})
        return True
    return False


def await_told(stack: Stack) -> None:
    """
    Wait until nothing is to be told any more. Retries are due at once, and leases after
    a second: an attempt takes less.
    """

    def is_told() -> bool:
        old = datetime.now(UTC) + timedelta(seconds=29)
        waits = {"due_at": {"$exists": True}, "owner": {"$exists": False}}
        due = {"$or": [{"due_at": {"$lt": old}}, waits]}
        with suppress(PyMongoError), stack.database() as found:  # the same
            found.webhook_deliveries.update_many(due, SOONER)
            return not (
                found.webhook_endpoints.count_documents({"catch_up": {"$exists": True}})
                or found.tasks.count_documents(MARKED)
                or found.batches.count_documents(MARKED)
                or found.webhook_deliveries.count_documents({"state": "pending"})
            )
        return False

    wait_for(is_told, 600, "all are told")


def check(stack: Stack, user: User) -> None:
    """Every event is told under one id, and stands in the log as delivered, once."""
    told = user.told()
    assert set(told) == user.events, user.name
    assert {len(ids) for ids in told.values()} == {1}, user.name
    path = f"/api/v1/webhooks/{user.endpoint['id']}/deliveries"
    rows = stack.ask("GET", path)[1]["data"]
    logged = {(row["event"], row["subject"]): {row["id"]} for row in rows}
    assert logged == told and len(rows) == len(told), user.name
    received = Counter(each.id for each in user.receiver.received)
    for row in rows:
        answers = [each for each in row["attempts"] if each["status"] is not None]
        assert row["status"] == row["attempts"][-1]["outcome"] == "delivered", row
        assert len(answers) <= received[row["id"]], row
    with stack.database() as found:  # nothing of a claim is left
        left = [{name: {"$exists": True}} for name in ("owner", "flight", "due_at")]
        assert found.webhook_deliveries.find_one({"$or": left}) is None


def test_mongod_killed_at_each_write_loses_no_event(stack, killer, receivers):
    """Each is told at least once, always under the same id; the log knows of it."""
    users = []
    for kind, (count, answers) in KINDS.items():
        for n in range(count):
            receiver = receivers()
            for status in answers:
                receiver.answer(status)
            users.append(User(f"{kind}{n}", receiver))
    end_tasks(stack, users)
    add_endpoints(stack, users)

    killer.is_armed = True
    wait_for(lambda: backdate_endpoints(stack), what="the tasks are to be announced")
    await_told(stack)
    for user in users:
        user.receiver.answers.clear()
        where = f"/api/v1/webhooks/{user.endpoint['id']}"
        stack.insist("PATCH", where, {"enabled": True})  # MongoDB may die just then
        stack.insist("POST", f"{where}/replay", {"since": "2020-01-01T00:00:00Z"})
    await_told(stack)

    with killer.noted():
        for user in users:
            check(stack, user)
    # A slow machine may write what is seldom needed, too.
    assert {(w, way) for w in WRITES for way in (LOST, STORED)} <= {*killer.deaths}
