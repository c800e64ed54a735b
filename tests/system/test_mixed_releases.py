"""
A later release works on the same database: all that this one can do gets done, until
that one migrates it beyond what runs on it.
"""

import pytest

from jimeng.documents import migrations
from tests.chaos.releases import adding_fields
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

LIMIT = 4


@pytest.fixture(scope="module")
def stack(own_stack):
    with own_stack("mixed", VOLCENGINE_CONCURRENCY=str(LIMIT)) as made:
        yield made


def test_two_releases_on_one_database(stack, lane):
    """Fields on everything, unknown states, and pictures that nobody can read."""
    stack.begin_anew(duration=0.2, limit=LIMIT)
    stack.remember_durations(lane, 0.2)
    with stack.database() as found, adding_fields(found):
        ids = [stack.create(user_id=f"user{n % 3}", seed=n) for n in range(24)]
        unknown, unread, turned, plain = ids[:3], ids[3:6], ids[6:9], ids[9:]
        for chosen, change in (
            (unknown, {"state": "upscaling"}),
            (unread, {"width": "wide", "lane_of_later": 1}),
            (turned, {"turn": "first"}),
        ):
            where = {"task_id": {"$in": chosen}}
            found.generations.update_many(where, {"$set": change})
        stack.start_consumer()
        stack.start_consumer()

        ended = stack.await_ended(unread + turned + plain)
        waiting = [stack.result(task_id) for task_id in unknown]
        pages = [stack.fetch(f"/tasks/{task_id}")[0] for task_id in ids]

    statuses = {task_id: each["status"] for task_id, each in ended.items()}
    assert {statuses[task_id] for task_id in plain + turned} == {"completed"}
    codes = {ended[task_id]["error"]["code"] for task_id in unread}
    assert codes == {"not_understood"}
    assert {each["status"] for each in waiting} == {"pending"}
    assert set(pages) == {200}
    wait_for(lambda: stack.slots_held() == 0, what="no slot is held")
    seeds = sorted(row["seed"] for row in stack.ledger()["rows"])
    assert seeds == list(range(6, 24))
    rows = list(found.generations.find({}, {"later": 1, "state": 1}))
    assert all(row["later"] for row in rows)
    assert sum(row["state"] == "upscaling" for row in rows) == len(unknown)


def test_processes_of_an_old_release_stop_within_seconds(stack):
    """What was under way is finished; the worker ends with the status of a refusal."""
    stack.begin_anew()
    stack.start_consumer()
    (worker,) = stack.consumers
    task_id = stack.create()
    assert stack.await_ended([task_id])[task_id]["status"] == "completed"
    beyond = {"$set": {"min_code": migrations.CODE + 1}}
    with stack.database() as found:
        found.installations.update_one({"_id": "schema"}, beyond, upsert=True)

    ended = worker.wait(PATIENCE_S)
    body = {"prompt": "cat", "user_id": "bob"}
    wait_for(
        lambda: stack.ask("POST", "/api/v1/ai/image/task", body)[0] == 503,
        what="the web process takes nothing more",
    )

    assert ended == 4
    assert stack.fetch(f"/tasks/{task_id}")[0] == 200
