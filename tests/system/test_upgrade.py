"""A database of the first release is upgraded while everything is at work."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.releases import first_release
from tests.system.commands import flask
from tests.system.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.system

KEPT = 1700  # pictures: four batches
BARE = {"$or": [{"text": {"$exists": False}}, {"lists": {"$exists": False}}]}


@pytest.fixture
def stack(own_stack):
    with own_stack("first", limit=4, VOLCENGINE_CONCURRENCY="4") as made:
        yield made


@contextmanager
def first_release_at_work(stack: Stack) -> Iterator[list[int]]:
    """Its consumer keeps pictures as it always did; their numbers."""
    over, numbers = threading.Event(), [KEPT]

    def keep() -> None:
        with stack.database() as found:
            while not over.wait(0.05):
                number = numbers[-1] + 1
                first_release.keep(found, range(number, number + 1))
                numbers.append(number)

    writer = threading.Thread(target=keep)
    writer.start()
    try:
        yield numbers
    finally:
        over.set()
        writer.join()


@contextmanager
def requests_go_on(stack: Stack) -> Iterator[tuple[list[str], list[int]]]:
    """Somebody creates, looks and browses; the tasks, and every status."""
    over = threading.Event()
    created: list[str] = []
    statuses: list[int] = []

    def ask() -> None:
        while not over.wait(0.1):
            created.append(stack.create(user_id="bob", seed=len(created)))
            old = first_release.id_of(len(created))
            pages = ("/gallery?q=旧图", f"/tasks/{old}", f"/api/v1/tasks/{old}")
            statuses.extend(stack.fetch(page)[0] for page in map(quoted, pages))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield created, statuses
    finally:
        over.set()
        asking.join()


def quoted(path: str) -> str:
    return path.replace("旧图", "%E6%97%A7%E5%9B%BE")


def test_first_releases_data_are_upgraded_under_load(stack):
    """
    The command is killed and run twice at once, while both releases keep pictures:
    all are found, all that waited is drawn once, and no request fails.
    """
    with stack.database() as found:
        first_release.keep(found, range(KEPT))
        waiting = first_release.line_up(found, range(5000, 5006))
    assert "indexes: ok" in flask(stack, "indexes")
    stack.start_consumer()
    with (
        requests_go_on(stack) as (created, statuses),
        first_release_at_work(stack) as numbers,
    ):
        wait_for(lambda: len(created) > 2, 20, "requests are answered")
        migrate = ["-m", "flask", "--app", "wsgi", "migrate"]
        killed = stack.start(migrate, "killed")
        with stack.database() as found:
            begun = {"_id": "schema", "step": 1}
            wait_for(
                lambda: found.installations.find_one(begun) is not None,
                20,
                "somebody has begun",
            )
        killed.send_signal(signal.SIGKILL)
        killed.wait(20)
        names = ("first", "second")
        both = [stack.start(migrate, each) for each in names]
        ends = [each.wait(60) for each in both]
        before = len(numbers)
        wait_for(lambda: len(numbers) > before + 2, 10, "the first release goes on")
    stack.start_consumer()  # the next start finds what the first release kept since

    ended = stack.await_ended(waiting + created, 60)
    with stack.database() as found:
        wait_for(lambda: not found.images.count_documents(BARE), 30, "all are labelled")
        record = found.installations.find_one({"_id": "schema"})
        listed = found.images.count_documents({"user_id": "ada", "lists": "||"})
    seeds = [row["seed"] for row in stack.ledger()["rows"] if row["billed"]]

    assert ends == [0, 0], [stack.log(each) for each in names]
    assert (record["schema"], record["min_code"]) == (1, 0)
    assert listed == KEPT + len(numbers) - 1 + len(waiting)
    assert {each["status"] for each in ended.values()} == {"completed"}
    assert sorted(seeds) == sorted([*range(len(created)), *range(5000, 5006)])
    assert statuses and set(statuses) == {200}
    last = first_release.id_of(numbers[-1])
    assert stack.fetch(f"/tasks/{last}")[0] == 200
