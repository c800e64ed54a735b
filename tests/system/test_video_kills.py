"""MongoDB, or the consumer, is killed at each write of making a video."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256

import pytest
import redis
from pymongo.errors import PyMongoError

from jimeng.documents.generation import CANNOT_STOP
from jimeng.documents.image import FILES as IMAGE_FILES
from tests.system.commands import flask
from tests.system.killer import LOST, STORED, Killer, mongo
from tests.system.stack import VIDEOS, Stack
from tests.waiting import PATIENCE_S, wait_for

__all__ = ["mongo"]

pytestmark = pytest.mark.system

MODEL, LANE = "doubao-seedance-1.0-pro", "volcengine_ark:doubao-seedance-1-0-pro-250528"
FILES = (
    *("jobs/queue.py", "jobs/picture.py", "jobs/videos.py", "jobs/endings.py"),
    *("jobs/video_fetching.py", "billing/settlement.py"),
)
# The functions whose writes die: submission, acceptance, search and its outcome,
# cancel, claim and renewal of a fetch, what is stored, end, settlement.
POINTS = {
    *("mark_submitting", "store_acceptance", "seek_or_mark_unknown", "seek_later"),
    *("mark_unknown", "cancel_at_provider", "finish", "start_saving", "fetch_one"),
    *("_extend_claim", "_store", "insert_record", "complete", "_mark_settled"),
}
# How many of a kind: as usual; the answer to the create gets lost; it did not arrive.
ORDERS = {"a lantern": 8, "[[drop_after]]": 4, "[[drop_before]]": 3}
CANCELLED, GOING_ON = "cancelled", "[[slow 1000]]"
STEPS = ("/jimeng/jobs/", "/jimeng/lanes/", "/jimeng/pictures/stores/")
LATER_S = 2000.0
MAX_ROUNDS = 20  # each of them kills at a write where nothing has died
SEEK = "jimeng:seek:volcengine_ark:main"  # in Redis: the list was read just now
STALE_S = 3.0  # after which an unchanged lease belongs to nobody


@pytest.fixture
def start(own_stack) -> Callable[..., AbstractContextManager[Stack]]:
    settings = {**VIDEOS, "ARK_CONCURRENCY": "30"}
    return partial(own_stack, "killed_videos", duration=0.1, **settings)


@pytest.fixture
def stack(mongo, start) -> Iterator[Stack]:
    with start(MONGODB_URI=mongo.uri) as made:
        made.simulate(plain=True, video_limit=1)
        yield made


def point_of(write: str) -> str:
    return write.rpartition(" > ")[2].rpartition(": ")[2]


def kind_of_point(write: str) -> str | None:
    return write if point_of(write) in POINTS else None


def kind_of_video(write: str) -> str | None:
    """
    What is written, and by which function; not by other periodic tasks than the
    settlement, nor as a sign of life.
    """
    is_periodic = "repeat > run_once" in write and "> settle" not in write
    if is_periodic or write.startswith("update workers"):
        return None
    return f"{write.partition(': ')[0]}: {point_of(write)}"


def order(stack: Stack, prompt: str) -> str:
    body = {"prompt": prompt, "user_id": "ada", "model": MODEL, "resolution": "480p"}
    body |= {"duration": 2, "return_last_frame": True}
    return stack.insist("POST", "/api/v1/ai/video/task", body)["task_id"]


def cancel(stack: Stack, task_id: str) -> None:
    """MongoDB may be away just now."""
    path = f"/api/v1/tasks/{task_id}/cancel"
    wait_for(lambda: stack.ask("POST", path)[0] < 500, what="it can be asked")


class Clock:
    """Moves the time on: what waits comes due, and the leases of the dead end."""

    def __init__(self, stack: Stack, killer: Killer) -> None:
        self._stack, self._killer = stack, killer
        self._since: dict[tuple, float] = {}

    def move(self) -> None:
        if self._stack.consumers[-1].poll() is not None:
            self._killer.start_consumer(self._stack)
        with suppress(PyMongoError), self._stack.database() as found:
            for name in ("generations", "settlers"):
                later = {"due_at": {"$gt": datetime.now(UTC)}}
                for row in found[name].find(later, {"owner": 1, "due_at": 1}):
                    if self._is_over(row):
                        now = {"due_at": datetime.now(UTC) - timedelta(seconds=1)}
                        found[name].update_one(row, {"$set": now})

    def _is_over(self, row: dict) -> bool:
        since = self._since.setdefault(tuple(row.values()), time.monotonic())
        return "owner" not in row or time.monotonic() - since > STALE_S


class ClockOfOne(Clock):
    """The same where only the consumer dies, and all leases that there are with it."""

    def _is_over(self, row: dict) -> bool:
        return "owner" not in row

    def move(self) -> None:
        if self._stack.consumers[-1].poll() is not None:
            now = datetime.now(UTC)
            with self._stack.database() as found:
                for name in ("generations", "settlers"):
                    later = {"due_at": {"$gt": now}}
                    found[name].update_many(later, {"$set": {"due_at": now}})
        with redis.Redis.from_url(self._stack.env["REDIS_URL"]) as link:
            link.delete(SEEK)
        super().move()


def await_states(stack: Stack, clock: Clock, ids: list[str], *states: str) -> None:
    def are_there() -> bool:
        clock.move()
        with suppress(PyMongoError), stack.database() as found:
            there = {"task_id": {"$in": ids}, "state": {"$in": states}}
            # A new one is stored a moment after its task.
            return found.generations.count_documents(there) == len(ids)
        return False

    try:
        wait_for(are_there, what=f"{ids} are {states}")
    except AssertionError as error:
        error.add_note(stack.unfinished())
        raise


def begin(stack: Stack, clock: Clock, count: int) -> tuple[str, list[str]]:
    """One that goes on, and *count* behind it that the provider has, too."""
    running = order(stack, GOING_ON)
    await_states(stack, clock, [running], "generating")
    waiting = [order(stack, CANCELLED) for _ in range(count)]
    await_states(stack, clock, waiting, "generating")
    return running, waiting


def cancel_all(stack: Stack, clock: Clock, running: str, waiting: list[str]) -> None:
    """Those that wait there are dropped; the other cannot be cancelled any more."""
    for task_id in waiting:
        cancel(stack, task_id)
    await_states(stack, clock, waiting, "dropped")
    cancel(stack, running)
    wait_for(lambda: is_going_on(stack, clock), what="it cannot be cancelled")


def is_going_on(stack: Stack, clock: Clock) -> bool:
    clock.move()
    with suppress(PyMongoError), stack.database() as found:
        return bool(found.generations.count_documents({"trouble": CANNOT_STOP}))
    return False


def await_settled(stack: Stack, clock: Clock) -> None:
    left = [{name: {"$exists": True}} for name in ("due_at", "slot", "unsettled")]
    queued = {"state": "queued"}

    def is_settled() -> bool:
        clock.move()
        with suppress(PyMongoError), stack.database() as found:
            is_open = found.tasks.count_documents({"open": {"$exists": True}})
            where = {"$or": [*left, queued]}
            return not is_open and not found.generations.count_documents(where)
        return False

    try:
        wait_for(is_settled, 600, "all are settled")
    except AssertionError as error:
        error.add_note(stack.unfinished())
        raise


def check(stack: Stack) -> None:
    """What the provider has accepted is known once, and kept once or cancelled."""
    billed = check_bill(stack)
    with stack.database() as found:
        rows = list(found.generations.find())
        tasks = {row["_id"]: row for row in found.tasks.find()}
    for row in rows:
        task, ids = tasks[row["task_id"]], row.get("remote_ids", [])
        state = row["state"]
        if not ids:
            ways = {("unknown", "failed"), ("dropped", "cancelled")}
            assert (state, task["status"]) in ways, row
        elif billed[ids[0]]["outcome"] == "cancelled":
            assert (state, task["status"]) == ("dropped", "cancelled"), row
        else:
            assert (state, task["status"]) == ("done", "completed"), row
            assert row["cost_micros"] == billed[ids[0]]["micros"], row
    assert {"done", "unknown", "dropped"} == {row["state"] for row in rows}


def check_bill(stack: Stack) -> dict[str, dict]:
    """
    All that the provider has accepted is known, once; our ledger and its sums are its
    bill, and nothing stays reserved.

    Returns:
        The bill's rows by the provider's ids.
    """
    billed = {row["task_id"]: row for row in stack.ledger()["rows"]}
    due = sum(row["micros"] for row in billed.values() if row["billed"])
    with stack.database() as found:
        rows = found.generations.find({"remote_ids": {"$exists": True}})
        known = Counter(each for row in rows for each in row["remote_ids"])
        assert known == Counter(list(billed))
        assert sum(row["micros"] for row in found.ledger.find()) == due
        held = {"held_micros": {"$exists": True}, "charged": {"$ne": "unknown"}}
        assert found.generations.find_one(held) is None
    assert "corrected: 0" in flask(stack, "costs", "rebuild")
    return billed


def check_files(stack: Stack) -> None:
    """Each file is whole, and after the sweep there are no others."""
    stack.stop_consumers()  # the sweep is of files that are young, too
    sweep = stack.start(["-m", "tests.system.killed_process", "sweep"], "sweep")
    assert sweep.wait(PATIENCE_S) == 0, stack.log("sweep")
    with stack.database() as found:
        images = list(found.images.find())
        stored = {row["_id"] for row in found["pictures.files"].find()}
    kept = [row[name] for row in images for name in IMAGE_FILES if name in row]
    assert sorted(kept) == sorted(stored)
    for row in images:
        result = stack.result(row["task_id"])["result"]
        (video,) = result["videos"]
        content = stack.fetch(video["url"])[2]
        assert sha256(content).hexdigest() == row["sha256"]
        for name in ("poster_url", "last_frame_url"):
            assert stack.fetch(video[name])[0] == 200, video


def test_killed_at_each_write_loses_and_repeats_nothing(stack, mongo):
    """Known once, billed once, kept once; unknown is only what never arrived."""
    killer = Killer(FILES, (LOST, STORED), kind_of_point, mongo)
    killer.start_consumer(stack)
    stack.await_ready()
    clock = Clock(stack, killer)
    running, waiting = begin(stack, clock, 3)
    stack.rest(LANE)
    for prompt, count in ORDERS.items():
        for _ in range(count):
            order(stack, prompt)

    killer.is_armed = True
    cancel_all(stack, clock, running, waiting)
    stack.simulate(plain=True, video_limit=100, clock_offset=LATER_S)
    stack.go_on(LANE)
    await_settled(stack, clock)

    with killer.noted():
        check(stack)
        check_files(stack)
    for way in (LOST, STORED):
        died = {point_of(write) for write, each in killer.deaths if each == way}
        assert died == POINTS


def make_videos(stack: Stack, killer: Killer, clock: Clock, count: int) -> None:
    """
    Videos of each kind: cancelled, not to be cancelled, as usual, and with an answer
    that gets lost. Those of the first two are under way before anything dies.

    Args:
        count: How often it was done before.
    """
    is_armed, killer.is_armed = killer.is_armed, False
    stack.simulate(plain=True, video_limit=1, clock_offset=count * LATER_S)
    running, waiting = begin(stack, clock, 4)  # each dies at one write
    killer.is_armed = is_armed
    cancel_all(stack, clock, running, waiting)
    for prompt in ORDERS:
        order(stack, prompt)
    stack.simulate(plain=True, video_limit=100, clock_offset=(count + 1) * LATER_S)
    await_settled(stack, clock)


def test_consumer_killed_at_each_write_loses_and_repeats_nothing(start):
    """Just before each, and just after it was stored; another takes over."""
    killer = Killer(STEPS, kind_of=kind_of_video)
    with start() as stack:
        killer.start_consumer(stack)
        stack.await_ready()
        clock = ClockOfOne(stack, killer)
        make_videos(stack, killer, clock, 0)
        killer.is_armed = True
        for count in range(1, MAX_ROUNDS):
            make_videos(stack, killer, clock, count)
            # What comes once in a while, on a slow machine, need not come again.
            if not killer.missing(count):
                break
        with killer.noted():
            check(stack)
            check_files(stack)
    assert killer.missing(count) == set()
