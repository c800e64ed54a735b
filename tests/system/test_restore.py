"""A server dies, and its backup takes over: whoever is to be told is told once."""

import re
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.databases import Mongo
from tests.system.commands import flask
from tests.system.stack import ROOT, Stack, wait_for
from tests.webhooks.conftest import receivers

__all__ = ["receivers"]

pytestmark = pytest.mark.system

SETTINGS = {"SECRET_KEY": secrets.token_hex(32), "ALLOWED_USER_HOSTS": "127.0.0.1"}


@pytest.fixture
def second(servers, tmp_path_factory) -> Iterator[Callable[[], Stack]]:
    """Starts a second machine with settings of the first: its own MongoDB and files."""
    mongo = Mongo(tmp_path_factory.mktemp("second_mongo"))
    mongo.start()
    folder, started = tmp_path_factory.mktemp("second"), []

    def start() -> Stack:
        files = {"STORAGE": "file", "STORAGE_DIR": str(folder / "pictures")}
        where = mongo.uri, servers.redis_url(5)
        made = Stack(folder, *where, database="jimeng_restored", **files, **SETTINGS)
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
    file = str(tmp_path / "jimeng.tar")
    with own_stack("first", **SETTINGS) as first:
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

    there = second()
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
    called = len(receiver.received) - 1
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
