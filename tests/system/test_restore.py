"""A server dies, and its backup takes over: everybody's tasks, and no second bill."""

import re
import secrets
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.databases import Mongo
from tests.system.commands import flask
from tests.system.stack import ROOT, Stack, wait_for
from tests.webhooks.conftest import receivers

__all__ = ["receivers"]

LANE = "volcengine_jimeng:jimeng_t2i_v30"

pytestmark = pytest.mark.system


@pytest.fixture
def stack(own_stack):
    with own_stack("before", up=False) as made:
        yield made


def test_backup_takes_over_while_the_original_goes_on(stack, tmp_path):
    """
    What was asked for before the backup is there, in its new place too; what the
    original paid for after the backup is not paid for once more.
    """
    stack.start_consumer()
    stack.await_ready()
    first = stack.create(user_id="user0", seed=0)
    stack.await_ended([first])
    stack.simulate(duration=3.0)
    before = [first, *(stack.create(user_id="user1", seed=n) for n in (1, 2))]
    wait_for(lambda: stack.slots_held() == 2, what="two are generated")
    stack.rest(LANE)  # so that some wait while the backup is written
    before += [stack.create(user_id="user2", seed=n) for n in range(3, 8)]
    file = str(tmp_path / "backup.tar")
    flask(stack, "backup", file)
    stack.go_on(LANE)
    stack.simulate(duration=0.1)
    # The original goes on, and pays; only then it dies, with its database.
    stack.await_ended(before)
    stack.kill_consumers()
    stack.kill_web()
    paid = Counter(row["seed"] for row in stack.ledger()["rows"] if row["billed"])
    assert paid == Counter(range(8))

    stack.env["MONGODB_DATABASE"] = f"after_{secrets.token_hex(4)}"
    said = flask(stack, "restore", file)
    stack.go_on(LANE)
    stack.let_leases_pass()  # of what was being saved while the backup was written
    stack.start_consumer()
    stack.web = stack.start_web()
    stack.await_ready()
    later = stack.create(user_id="user0", seed=100)
    ended = stack.await_ended(before)
    waiting = stack.result(later)
    flask(stack, "queue", "resume", "sending")
    stack.await_ended([later])

    assert "sending is paused" in said
    assert waiting["status"] == "pending"
    statuses = Counter(each["status"] for each in ended.values())
    assert statuses["completed"] >= 1
    assert statuses["failed"] >= 5
    codes = {e["error"]["code"] for e in ended.values() if e["status"] == "failed"}
    assert codes == {"restored"}
    paid = Counter(row["seed"] for row in stack.ledger()["rows"] if row["billed"])
    assert paid == Counter([*range(8), 100])
    link = ended[first]["result"]["image_url"]
    assert stack.fetch(link)[0] == 200


@pytest.fixture
def second(servers, tmp_path_factory):
    """Starts a second machine with settings of the first: its own MongoDB and files."""
    mongo = Mongo(tmp_path_factory.mktemp("second_mongo"))
    mongo.start()
    started = []

    def start(**settings: str) -> Stack:
        folder = tmp_path_factory.mktemp("second")
        files = {"STORAGE": "file", "STORAGE_DIR": str(folder / "pictures")}
        database, redis = "jimeng_restored", servers.redis_url(5)
        made = Stack(folder, mongo.uri, redis, database=database, **files, **settings)
        started.append(made)
        return made

    yield start
    for each in started:
        each.stop()
    mongo.stop()


def documented(command: str) -> list[str]:
    """The words of a command as the guide for operators has it."""
    text = (ROOT / "docs/operations.en.md").read_text()
    found = re.search(rf"flask --app wsgi ({command}.*)", text)
    assert found, command
    return found[1].split()


def test_second_machine_calls_nobody_until_it_is_resumed(
    own_stack, second, receivers, tmp_path
):
    """
    Not for a delivery that is due, nor for an end that is to be announced. Then both
    are told, under the id that the original used.
    """
    receiver = receivers()
    settings = {"SECRET_KEY": secrets.token_hex(32), "ALLOWED_USER_HOSTS": "127.0.0.1"}
    file = str(tmp_path / "jimeng.tar")
    with own_stack("first", **settings) as first:
        first.start_consumer()
        first.await_ready()
        body = {"url": receiver.url, "user_id": "ada"}
        secret = first.ask("POST", "/api/v1/webhooks", body)[1]["data"]["secret"]
        receiver.answer(500)
        due = first.create(seed=1)
        wait_for(lambda: receiver.received, what="the first attempt")
        wait_for(lambda: is_waiting(first), what="it is to be sent again")
        first.kill_consumers()
        unannounced = first.create(seed=2)
        assert first.ask("POST", f"/api/v1/tasks/{unannounced}/cancel")[0] == 200
        flask(first, "backup", file)
    (attempt,) = receiver.received
    receiver.connections = 0

    there = second(**settings)
    words = documented("restore")
    flask(there, *[file if word == "jimeng.tar" else word for word in words])
    there.await_up()
    there.start_consumer()
    there.await_ready()
    with there.database() as found:
        deliveries = found.webhook_deliveries
        wait_for(lambda: deliveries.count_documents({}) == 2, what="both are due")
        now = {"$set": {"due_at": datetime.now(UTC)}}
        deliveries.update_many({"due_at": {"$exists": True}}, now)
        later = {"seen_at": {"$gt": datetime.now(UTC) + timedelta(seconds=5)}}
        wait_for(lambda: found.workers.find_one(later), what="it has worked meanwhile")
        assert deliveries.count_documents({"tries": 0}) == 1
    called = receiver.connections
    flask(there, *documented("queue resume webhooks"))
    wait_for(lambda: len(receiver.received) == 3, what="both are told")

    assert called == 0
    told = {
        each.verified(secret)["data"]["task_id"]: each.id
        for each in receiver.received[1:]
    }
    assert told[due] == attempt.id
    assert set(told) == {due, unannounced}
    image = there.result(due)["result"]["image_url"]
    assert there.fetch(image)[0] == 200


def is_waiting(stack: Stack) -> bool:
    """Whether a delivery waits for its next attempt, with the first one written."""
    with stack.database() as found:
        waits = {"due_at": {"$exists": True}, "owner": {"$exists": False}}
        return found.webhook_deliveries.find_one(waits) is not None
