"""A server dies, and its backup takes over: everybody's tasks, and no second bill."""

import secrets
from collections import Counter

import pytest

from tests.system.commands import flask
from tests.system.stack import wait_for

pytestmark = pytest.mark.system


@pytest.fixture
def stack(own_stack):
    with own_stack("before", duration=1.0, up=False) as made:
        yield made


def test_backup_takes_over_while_the_original_goes_on(stack, tmp_path):
    """
    What was asked for before the backup is there, in its new place too; what the
    original paid for after the backup is not paid for once more.
    """
    stack.start_consumer()
    stack.await_ready()
    before = [stack.create(user_id=f"user{n % 3}", seed=n) for n in range(8)]
    first = before[0]
    wait_for(lambda: stack.result(first)["status"] == "completed", 60, "the first one")
    stack.simulate(duration=3.0)  # so that some wait while the backup is written
    file = str(tmp_path / "backup.tar")
    flask(stack, "backup", file)
    stack.simulate(duration=0.1)
    # The original goes on, and pays; only then it dies, with its database.
    stack.await_ended(before, 40)
    stack.kill_consumers()
    stack.kill_web()
    paid = Counter(row["seed"] for row in stack.ledger()["rows"] if row["billed"])
    assert paid == Counter(range(8))

    stack.env["MONGODB_DATABASE"] = f"after_{secrets.token_hex(4)}"
    said = flask(stack, "restore", file)
    stack.start_consumer()
    stack.web = stack.start_web()
    stack.await_ready()
    later = stack.create(user_id="user0", seed=100)
    ended = stack.await_ended(before, 20)
    waiting = stack.result(later)
    flask(stack, "queue", "resume", "sending")
    stack.await_ended([later], 20)

    assert "sending is paused" in said
    assert waiting["status"] == "pending"
    statuses = Counter(each["status"] for each in ended.values())
    assert statuses["completed"] >= 1
    assert statuses["failed"] >= 1  # else nothing waited when the backup was written
    codes = {e["error"]["code"] for e in ended.values() if e["status"] == "failed"}
    assert codes == {"restored"}
    paid = Counter(row["seed"] for row in stack.ledger()["rows"] if row["billed"])
    assert paid == Counter([*range(8), 100])
    link = ended[first]["result"]["image_url"]
    assert stack.fetch(link)[0] == 200
