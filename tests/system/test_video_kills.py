"""MongoDB is killed at each write of making a video."""

import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from pymongo.errors import PyMongoError

from jimeng.documents.generation import CANNOT_STOP
from jimeng.documents.image import FILES as IMAGE_FILES
from tests.databases import Mongo
from tests.system.killer import LOST, STORED, Killer
from tests.system.stack import Stack
from tests.waiting import wait_for

pytestmark = pytest.mark.system

MODEL, LANE = "doubao-seedance-1.0-pro", "volcengine_ark:doubao-seedance-1-0-pro-250528"
FILES = (
    *("jobs/submission.py", "jobs/queue.py", "jobs/saving.py", "jobs/endings.py"),
    *("jobs/video_fetching.py", "jobs/settlement.py"),
)
# The functions whose writes die: submission, acceptance, search and its outcome,
# cancel, claim and renewal of a fetch, what is stored, end, settlement.
POINTS = {
    *("mark_submitting", "store_acceptance", "seek_or_give_up", "look_again"),
    *("mark_unknown", "cancel_at_provider", "finish", "start_saving", "fetch_one"),
    *("_hold", "_store", "insert_record", "complete", "_mark_settled"),
}
# How many of a kind: as usual; the answer to the create gets lost; it did not arrive.
ORDERS = {"a lantern": 8, "[[drop_after]]": 4, "[[drop_before]]": 3}
CANCELLED, GOING_ON = "cancelled", "[[slow 1000]]"
LATER = {"clock_offset": 2000.0}
STALE_S = 3.0  # after which an unchanged lease belongs to nobody


@pytest.fixture
def mongo(tmp_path_factory) -> Iterator[Mongo]:
    made = Mongo(tmp_path_factory.mktemp("killed_mongo"))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def stack(mongo, own_stack) -> Iterator[Stack]:
    settings = {"SECRET_KEY": secrets.token_hex(32), "MONGODB_URI": mongo.uri}
    settings |= {"ARK_API_KEY": "ark-key-of-the-test", "ARK_CONCURRENCY": "30"}
    settings |= {"USER_MAX_PENDING_VIDEOS": "100"}
    with own_stack("killed_videos", duration=0.1, **settings) as made:
        made.simulate(plain=True, video_limit=1)
        yield made


def point_of(write: str) -> str:
    return write.rpartition(" > ")[2].rpartition(": ")[2]


def is_meant(write: str) -> bool:
    return point_of(write) in POINTS


def order(stack: Stack, prompt: str) -> str:
    body = {"prompt": prompt, "user_id": "ada", "model": MODEL, "resolution": "480p"}
    body |= {"duration": 2, "return_last_frame": True}
    status, answer = stack.ask("POST", "/api/v1/ai/video/task", body)
    assert status == 202, answer
    return answer["data"]["task_id"]


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


def await_states(stack: Stack, clock: Clock, ids: list[str], *states: str) -> None:
    def are_there() -> bool:
        clock.move()
        with suppress(PyMongoError), stack.database() as found:
            rows = found.generations.find({"task_id": {"$in": ids}})
            return all(row["state"] in states for row in rows)
        return False

    wait_for(are_there, what=f"{ids} are {states}")


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
        wait_for(is_settled, 300, "all are settled")
    except AssertionError as error:
        error.add_note(stack.unfinished())
        raise


def check(stack: Stack) -> None:
    """What the provider has accepted is known once, and kept once or cancelled."""
    billed = {row["task_id"]: row for row in stack.ledger()["rows"]}
    with stack.database() as found:
        rows = list(found.generations.find())
        tasks = {row["_id"]: row for row in found.tasks.find()}
    known = Counter(each for row in rows for each in row.get("remote_ids", []))
    assert known == Counter(list(billed))
    for row in rows:
        task, ids = tasks[row["task_id"]], row.get("remote_ids", [])
        state = row["state"]
        if not ids:
            assert state in ("unknown", "dropped"), row
        elif billed[ids[0]]["outcome"] == "cancelled":
            assert (state, task["status"]) == ("dropped", "cancelled"), row
        else:
            assert (state, task["status"]) == ("done", "completed"), row
            assert row["cost_micros"] == billed[ids[0]]["micros"], row
    assert {"done", "unknown", "dropped"} == {row["state"] for row in rows}


def check_files(stack: Stack) -> None:
    """Each file is whole, and after the sweep there are no others."""
    sweep = stack.start(["-m", "tests.system.mongod_killer", "sweep"], "sweep")
    assert sweep.wait(120) == 0, stack.log("sweep")
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
    killer = Killer(mongo, FILES, is_meant=is_meant)
    killer.start_consumer(stack)
    stack.await_ready()
    clock = Clock(stack, killer)
    running = order(stack, GOING_ON)
    await_states(stack, clock, [running], "generating")
    waiting = [order(stack, CANCELLED) for _ in range(3)]
    await_states(stack, clock, waiting, "generating")
    stack.rest(LANE)
    for prompt, count in ORDERS.items():
        for _ in range(count):
            order(stack, prompt)

    killer.is_armed = True
    for task_id in waiting:
        cancel(stack, task_id)
    await_states(stack, clock, waiting, "dropped")
    cancel(stack, running)
    wait_for(lambda: is_going_on(stack, clock), what="it cannot be cancelled")
    stack.simulate(plain=True, video_limit=100, **LATER)
    stack.go_on(LANE)
    await_settled(stack, clock)

    try:
        check(stack)
        check_files(stack)
    except AssertionError as error:
        error.add_note(f"killed at {killer.deaths}")
        raise
    for way in (LOST, STORED):
        died = {point_of(write) for write, each in killer.deaths if each == way}
        assert died == POINTS
