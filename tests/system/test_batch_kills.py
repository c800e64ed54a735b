"""Web and consumers are killed while a batch becomes tasks, is drawn, is cancelled."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from tests.system.stack import Stack
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.system

LIMIT = 8
PATH = "/api/v1/batches"
KEY = {"Idempotency-Key": "many"}
PROMPTS = 36
LEASE = 20  # seconds; what is due later is in somebody's hands
TRIES = 6


@pytest.fixture(scope="module")
def running(own_stack):
    with own_stack("batches", VOLCENGINE_CONCURRENCY=str(LIMIT)) as made:
        yield made


@pytest.fixture
def stack(running, lane):
    running.begin_anew(duration=0.2, limit=LIMIT)
    running.remember_durations(lane, 0.2)
    return running


class Call(threading.Thread):
    """
    A request whose server may die.

    Attributes:
        status: Of the answer; 0 while there is none.
    """

    def __init__(self, stack: Stack, path: str, body: object, **headers: str) -> None:
        super().__init__(daemon=True)
        self.status, self.answer = 0, {}
        self._told = (path, body, headers)
        self._stack = stack
        self.start()

    def run(self) -> None:
        path, body, headers = self._told
        try:
            self.status, self.answer = self._stack.ask(
                "POST", path, body, headers=headers
            )
        except OSError:
            self.status = 0

    def was_cut_off(self) -> bool:
        self.join(60)
        assert not self.is_alive()
        return self.status == 0


def wanted(user_id: str) -> dict:
    prompts = [f"{user_id} {number}" for number in range(PROMPTS)]
    return {"prompts": prompts, "user_id": user_id, "size": "512x512"}


def asked(stack: Stack, user_id: str, **headers: str) -> dict:
    """Ask until a server that has just started takes it; the batch's record."""

    refused: list[dict] = []

    def ask() -> dict | None:
        status, answer = stack.ask("POST", PATH, wanted(user_id), headers=headers)
        assert status in {202, 503}, answer
        refused.append(answer)
        return answer["data"] if status == 202 else None

    try:
        return wait_for(ask, what="the batch is taken")
    except AssertionError as error:
        error.add_note(str(refused[-1]))
        raise


def spot(condition: Callable[[], object], what: str) -> None:
    """`wait_for`, without a pause in which the moment would pass."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"not within {PATIENCE_S:g} s: {what}"
        time.sleep(0.001)


def batch_of(stack: Stack, user_id: str) -> dict:
    """As it is written down; empty where there is none."""
    with stack.database() as found:
        return found.batches.find_one({"user_id": user_id}, {"prompts": 0}) or {}


def tasks_of(stack: Stack, user_id: str) -> int:
    with stack.database() as found:
        return found.tasks.count_documents({"user_id": user_id})


def left_of_cancelling(stack: Stack) -> int:
    """What a cancelled batch still has: tasks that go on, pictures in line."""
    with stack.database() as found:
        tasks = found.tasks.count_documents({"open": True})
        return tasks + found.generations.count_documents({"waiting": True})


def in_hand(stack: Stack) -> int:
    """How many batches somebody holds: until later than any of them rests."""
    later = {"$gt": ["$due_at", {"$add": ["$$NOW", 1000 * LEASE]}]}
    with stack.database() as found:
        return found.batches.count_documents({"open": True, "$expr": later})


def take_over(stack: Stack) -> None:
    """As if the dead had been dead for long: whoever lives goes on."""
    with stack.database() as found:
        now = [{"$set": {"due_at": {"$subtract": ["$$NOW", 1000]}}}]
        found.batches.update_many({"open": True}, now)
        # Requests that are younger may be at work yet, for all that the janitor knows.
        old = [{"$set": {"created_at": {"$subtract": ["$created_at", 60_000]}}}]
        found.tasks.update_many({"open": True}, old)


def ended(stack: Stack, user_id: str) -> dict:
    """The batch once its progress has come to its end."""
    batch_id = batch_of(stack, user_id)["_id"]

    def look() -> dict | None:
        status, answer = stack.ask("GET", f"{PATH}/{batch_id}")
        assert status == 200, answer
        return answer["data"] if answer["data"]["ended_at"] else None

    try:
        return wait_for(look, what="the batch has ended")
    except AssertionError as error:
        error.add_note(f"{batch_of(stack, user_id)}\n{stack.unfinished()}")
        raise


def check_bill(stack: Stack) -> Counter[str]:
    """Nothing was paid for twice; how often each prompt was."""
    ledger = stack.ledger()
    bill = Counter(row["prompt"] for row in ledger["rows"] if row["billed"])
    assert max(bill.values(), default=1) == 1
    assert max(ledger["high_water"].values(), default=0) <= LIMIT
    return bill


def check_tasks(stack: Stack, batch: dict) -> Counter[str]:
    """
    One of each prompt that it came to, in order, with one picture at most.

    Returns:
        Of each task that has pictures: how many.
    """
    with stack.database() as found:
        rows = list(found.tasks.find({"batch": batch["batch_id"]}).sort("_id", 1))
        of_them = {"task_id": {"$in": [row["_id"] for row in rows]}}
        pictures = Counter(row["task_id"] for row in found.generations.find(of_them))
    assert [row["prompt"] for row in rows] == batch["prompts"][: batch["made"]]
    assert [row["batch_index"] for row in rows] == list(range(batch["made"]))
    assert max(pictures.values(), default=1) == 1
    return pictures


def ask_until_cut_off(stack: Stack) -> list[str]:
    """Batches of users of whom the last one's was being made as the web died."""
    users: list[str] = []
    for number in range(TRIES):
        user = f"user{number}"
        users.append(user)
        call = Call(stack, PATH, wanted(user), **KEY)
        spot(lambda u=user, c=call: tasks_of(stack, u) or c.status, "a task")
        stack.kill_web()
        stack.web = stack.start_web()
        stack.await_up()
        if call.was_cut_off() and tasks_of(stack, user):
            return users
    raise AssertionError("the web never died in the midst of it")


def test_kills_while_batches_are_expanded_and_drawn_lose_and_repeat_nothing(stack):
    """The web dies as it makes the first tasks, consumers as they make and draw."""
    users = ask_until_cut_off(stack)
    cut_off = batch_of(stack, users[-1])
    assert cut_off["made"] < PROMPTS
    again = asked(stack, users[-1], **KEY)
    assert again["batch_id"] == cut_off["_id"]
    take_over(stack)
    stack.start_consumer()

    making = drawing = 0
    for _ in range(TRIES):
        spot(lambda: in_hand(stack) and stack.slots_held(), "tasks are made and drawn")
        stack.kill_consumers()
        making += in_hand(stack)
        drawing += stack.slots_held()
        stack.let_leases_pass()
        take_over(stack)
        stack.start_consumer()
        if making >= 2 and drawing >= 2:
            break
    found = [ended(stack, user) for user in users]

    assert making >= 2
    assert drawing >= 2
    for batch in found:
        assert batch["made"] == PROMPTS
        assert len(check_tasks(stack, batch)) == PROMPTS
        pictures = batch["pictures"]
        assert pictures["done"] + pictures["failed"] == PROMPTS
        assert {each["code"] for each in batch["failures"]} <= {"submit_unknown"}
    failed = sum(batch["pictures"]["failed"] for batch in found)
    assert failed <= LIMIT * TRIES
    assert sum(check_bill(stack).values()) >= PROMPTS * len(users) - failed
    wait_for(lambda: not stack.slots_held(), what="no slot is held")


def test_kills_while_a_batch_is_cancelled_leave_it_cancelled(stack):
    """Web and consumers die at once, when some pictures are drawn and some wait."""
    stack.simulate(duration=1.5)  # those that wait do so until it is gone on with
    stack.start_consumer()
    stack.await_ready()
    users, halfway = [], 0
    for number in range(TRIES):
        user = f"user{number}"
        users.append(user)
        batch_id = asked(stack, user)["batch_id"]
        spot(stack.slots_held, "pictures are drawn")

        call = Call(stack, f"{PATH}/{batch_id}/cancel", {})
        spot(lambda u=user: batch_of(stack, u).get("stopped"), "it is written down")
        stack.kill_web()
        stack.kill_consumers()
        halfway += call.was_cut_off() and left_of_cancelling(stack) > 0
        stack.web = stack.start_web()
        stack.let_leases_pass()
        take_over(stack)
        stack.start_consumer()
        stack.await_up()
        if halfway:
            break
    found = [ended(stack, user) for user in users]
    bill = check_bill(stack)

    assert halfway
    for batch in found:
        assert batch["status"] == "cancelled"
        assert batch["made"] < PROMPTS
        check_tasks(stack, batch)
        pictures = batch["pictures"]
        assert pictures["waiting"] == pictures["drawing"] == 0
        assert pictures["cancelled"] > 0
        assert pictures["total"] == PROMPTS
    wait_for(lambda: not stack.slots_held(), what="no slot is held")
    assert check_bill(stack) == bill
