"""A later release migrates the database beyond what runs on it."""

import pytest

from jimeng.documents import migrations
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system


@pytest.fixture
def stack(own_stack):
    with own_stack("beyond") as made:
        yield made


def test_processes_of_an_old_release_stop_within_seconds(stack):
    """What was under way is finished; the worker ends with the status of a refusal."""
    stack.start_consumer()
    (worker,) = stack.consumers
    task_id = stack.create(user_id="bob")
    assert stack.await_ended([task_id])[task_id]["status"] == "completed"
    beyond = {"min_code": migrations.CODE + 1}
    with stack.database() as found:
        where = {"_id": "schema"}
        found.installations.update_one(where, {"$set": beyond}, upsert=True)

    ended = worker.wait(PATIENCE_S)
    body = {"prompt": "cat", "user_id": "bob"}
    wait_for(
        lambda: stack.ask("POST", "/api/v1/ai/image/task", body)[0] == 503,
        what="the web process takes nothing more",
    )

    assert ended == 4
    assert stack.fetch(f"/tasks/{task_id}")[0] == 200
