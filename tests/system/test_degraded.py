"""Databases go away and come back: what cannot be done is said, nothing is lost."""

import os
import re
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from tests.databases import Mongo, Redis, kill, revive
from tests.system.stack import Stack
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

WAYS = ["frozen", "killed"]
CREATE = "/api/v1/ai/image/task"
CAT = {"prompt": "一只猫", "user_id": "late", "size": "512x512"}


class Site:
    """The product over databases of its own, which may be broken."""

    def __init__(self, tmp_path_factory) -> None:
        self.mongo = Mongo(tmp_path_factory.mktemp("degraded_mongo"))
        self.redis = Redis(tmp_path_factory.mktemp("degraded_redis"))
        self.mongo.start()
        self.redis.start()
        self.stack = Stack(
            tmp_path_factory.mktemp("degraded"),
            self.mongo.uri,
            self.redis.url,
            database="degraded",
        )

    def stop(self) -> None:
        self.stack.stop()
        self.redis.stop()
        self.mongo.stop()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    made = Site(tmp_path_factory)
    made.stack.await_up()
    yield made
    made.stop()


@pytest.fixture
def site(running, lane):
    running.stack.begin_anew(duration=0.5)
    running.stack.remember_durations(lane, 0.5)
    running.stack.start_consumer()
    running.stack.await_ready()
    return running


@contextmanager
def away(server: Mongo | Redis, way: str) -> Iterator[None]:
    """Frozen it takes connections and answers nothing; killed it starts anew after."""
    if way == "frozen":
        assert server.child is not None
        os.killpg(server.child.pid, signal.SIGSTOP)
    else:
        kill(server)
    # What it reads before it stands still, it does once it goes on.
    wait_for(lambda: not server.answers(), what="it is away")
    try:
        yield
    finally:
        if way == "frozen":
            os.killpg(server.child.pid, signal.SIGCONT)
        else:
            revive(server)


def begin(stack: Stack) -> list[str]:
    """Six tasks, of which some are under way and some wait."""
    ids = [stack.create(user_id=f"user{n % 2}", seed=n) for n in range(6)]
    wait_for(lambda: stack.ledger()["rows"], what="the first is sent")
    return ids


def check_refused(stack: Stack, code: str) -> None:
    """A submission is refused while it is away; the answer says why."""

    def said() -> bool:
        """MongoDB, too, may be given up by whoever waits for Redis, and found again."""
        status, answer = stack.ask("POST", CREATE, CAT)
        assert status == 503, answer
        return answer["error"] == code

    wait_for(said, what=code)


def is_refused_on_the_page(stack: Stack) -> bool:
    """Whether it says so of Redis; what was written in the form is still there."""
    status, _, page = stack.fetch("/tasks", form={"prompt": "一只猫"})
    assert status == 503
    assert "一只猫".encode() in page
    return b"The task queue is unavailable" in page


def await_missing(stack: Stack, code: str) -> None:
    """Until it says that this is missing, alone: an answer is kept for a second."""

    def is_said() -> bool:
        return stack.ask("GET", "/health/ready")[1].get("missing") == [code]

    wait_for(is_said, what=f"{code} is missing")


def check_recovered(stack: Stack, ids: list[str]) -> None:
    """All that was taken is done, once; of what was refused there is nothing."""

    def settle() -> bool:
        stack.let_old_leases_pass()
        return stack.all_ended()

    wait_for(settle, what="all tasks have ended")
    results = stack.await_ended(ids)
    assert {each["status"] for each in results.values()} == {"completed"}
    rows = stack.ledger()["rows"]
    assert sorted(row["seed"] for row in rows) == list(range(6))
    with stack.database() as found:
        assert found.tasks.count_documents({"user_id": "late"}) == 0
        assert found.generations.count_documents({"user_id": "late"}) == 0
    stack.await_ready()
    later = stack.create(user_id="late", seed=99)
    assert stack.await_ended([later])[later]["status"] == "completed"
    wait_for(lambda: stack.slots_held() == 0, what="no slot is held")


@pytest.mark.parametrize("way", WAYS)
def test_without_mongodb_nothing_is_taken_and_nothing_lost(site, way):
    """The API and the pages say so while it is away; then all goes on."""
    stack = site.stack
    ids = begin(stack)

    with away(site.mongo, way):
        check_refused(stack, "database_unavailable")
        status, kind, page = stack.fetch("/")
        assert (status, kind) == (503, "text/html; charset=utf-8")
        assert b"The database is unavailable" in page
        assert stack.ask("GET", "/health")[0] == 200
        await_missing(stack, "mongodb")

    check_recovered(stack, ids)


def test_after_it_who_waits_hears_of_the_end(site, lane):
    """Twenty streams were open, and have ended since; before, the thread that polls
    for all who wait died of their closed connections."""
    stack = site.stack
    stack.rest(lane)
    ids = [stack.create(user_id=f"user{n}") for n in range(20)]
    with ThreadPoolExecutor(len(ids)) as pool:

        def follow(task_id: str) -> list[str]:
            url = f"{stack.url}/api/v1/tasks/{task_id}/events"
            with requests.get(url, stream=True, timeout=PATIENCE_S) as answer:
                return [each for each in answer.text.split("\n\n") if each]

        streams = [pool.submit(follow, each) for each in ids]
        wait_for(lambda: waiters(stack) == len(ids), what="all are counted")
        with away(site.mongo, "frozen"):
            failed = "snapshot of an event stream skipped"
            wait_for(lambda: stack.log("web").count(failed) >= len(ids))
        for each in ids:
            stack.insist("POST", f"/api/v1/tasks/{each}/cancel")
        assert all('"cancelled"' in each.result()[-1] for each in streams)
    wait_for(lambda: waiters(stack) == 0, what="none is left")

    stack.go_on(lane)
    drawn = requests.post(
        f"{stack.url}/v1/images/generations",
        json={"prompt": "一只猫", "size": "512x512"},
        timeout=PATIENCE_S,
    )

    assert drawn.status_code == 200, drawn.text


def waiters(stack: Stack) -> int:
    _, _, text = stack.fetch("/metrics")
    return int(float(re.search(rb"^jimeng_waiters (\S+)$", text, re.M)[1]))


@pytest.mark.parametrize("way", WAYS)
def test_without_redis_nothing_is_taken_and_all_can_be_read(site, way):
    """Submissions are refused while it is away, on the page too; reads go on."""
    stack = site.stack
    ids = begin(stack)

    with away(site.redis, way):
        check_refused(stack, "queue_unavailable")
        assert stack.result(ids[0])["task_id"] == ids[0]
        listed = stack.insist("GET", "/api/v1/ai/image/tasks?user_id=user0")
        assert listed["count"] == 3
        for path in ("/", f"/tasks/{ids[0]}"):
            wait_for(lambda path=path: stack.fetch(path)[0] == 200, what=path)
        wait_for(lambda: is_refused_on_the_page(stack), what="the page says so")
        await_missing(stack, "redis")

    check_recovered(stack, ids)
