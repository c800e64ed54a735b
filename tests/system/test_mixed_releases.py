"""A later release works on the same database: all that this one can do gets done."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.system.stack import Stack

pytestmark = pytest.mark.system

LIMIT = 4
ADDED = {"$set": {"later": {"release": [1, 2]}}}


@pytest.fixture(scope="module")
def stack(own_stack):
    with own_stack("mixed", VOLCENGINE_CONCURRENCY=str(LIMIT)) as made:
        yield made


@contextmanager
def later_release(stack: Stack) -> Iterator[None]:
    """Something that adds fields to every document, all the time."""
    over = threading.Event()

    def write() -> None:
        with stack.database() as found:
            while not over.wait(0.05):
                for name in found.list_collection_names():
                    if not name.startswith(("system.", "pictures.", "fs.")):
                        found[name].update_many({"later": {"$exists": False}}, ADDED)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def test_two_releases_on_one_database(stack, lane):
    """Fields on everything, unknown states, and pictures that nobody can read."""
    stack.begin_anew(duration=0.2, limit=LIMIT)
    stack.remember_durations(lane, 0.2)
    with later_release(stack):
        ids = [stack.create(user_id=f"user{n % 3}", seed=n) for n in range(24)]
        unknown, unread, turned, plain = ids[:3], ids[3:6], ids[6:9], ids[9:]
        with stack.database() as found:
            pictures = found.generations
            for chosen, change in (
                (unknown, {"state": "upscaling"}),
                (unread, {"width": "wide", "lane_of_later": 1}),
                (turned, {"turn": "first"}),
            ):
                pictures.update_many({"task_id": {"$in": chosen}}, {"$set": change})
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
    assert stack.slots_held() == 0
    seeds = sorted(row["seed"] for row in stack.ledger()["rows"])
    assert seeds == list(range(6, 24))
    with stack.database() as found:
        rows = list(found.generations.find({}, {"later": 1, "state": 1}))
    assert all(row["later"] for row in rows)
    assert sum(row["state"] == "upscaling" for row in rows) == len(unknown)
