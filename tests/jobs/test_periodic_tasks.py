"""Periodic tasks: who runs them, when, and who need not wait for whom."""

import threading
import time
from types import SimpleNamespace

import pytest

from jimeng.batches import announce_ended
from jimeng.billing import settlement
from jimeng.documents import Worker
from jimeng.jobs import periodic_tasks, pump
from jimeng.jobs.periodic_tasks import THREADS, Group, PeriodicTask, Pool
from jimeng.process import activity
from jimeng.webhooks import deliveries, outbox
from tests.waiting import wait_for


@pytest.fixture
def ready(monkeypatch):
    """As after the first look at the indexes."""
    monkeypatch.setattr(periodic_tasks.INDEXES, "runs", 1)


@pytest.fixture(autouse=True)
def idle():
    activity._state.clear()


@pytest.fixture
def start(monkeypatch):
    """Run these tasks instead of the product's, until the test ends."""
    stopped = threading.Event()
    listeners: list = []
    monkeypatch.setattr(activity, "_listeners", listeners)

    def start(*tasks: PeriodicTask) -> None:
        monkeypatch.setattr(periodic_tasks, "PERIODIC_TASKS", list(tasks))
        periodic_tasks.start(stopped)

    yield start
    stopped.set()
    activity.notify()
    for each in threading.enumerate():
        if each.name.startswith("tasks-"):
            each.join(60)


@pytest.fixture
def hanging():
    """A store that answers when the test is over."""
    answers = threading.Event()
    yield answers
    answers.set()


def test_store_that_hangs_delays_nothing_else(start, hanging):
    """However many of its tasks wait for it: it has threads of its own."""
    stuck = [
        PeriodicTask(f"stuck {n}", 0.01, hanging.wait, Group.STORE)
        for n in range(THREADS[Group.STORE] + 2)
    ]
    others = [
        PeriodicTask(group, 0.01, lambda: None, group)
        for group in (Group.PROMPT, Group.OTHER)
    ]
    activity.wake()
    start(*stuck, *others)

    wait_for(lambda: sum(each.began is not None for each in stuck) >= 4)
    for each in others:
        runs = each.runs
        wait_for(lambda each=each, runs=runs: each.runs > runs + 3)
    assert not any(each.runs for each in stuck)


def test_thread_that_waits_hears_of_a_task_that_another_has_run(hanging):
    """The other may run one next that hangs."""
    stopped = threading.Event()

    def run() -> None:
        if not quick.runs:
            wait_for(lambda: pool._changed._waiters, what="the other thread waits")
            pool._waiting.append(late)

    late = PeriodicTask("late", 0.01, hanging.wait)
    quick = PeriodicTask("quick", 0.01, run)
    activity.wake()
    pool = Pool([quick], stopped)
    threads = [threading.Thread(target=pool.serve) for _ in range(2)]
    for each in threads:
        each.start()
    try:
        wait_for(lambda: late.began)
        runs = quick.runs
        wait_for(lambda: quick.runs > runs + 1, 30.0)
    finally:
        stopped.set()
        hanging.set()
        pool.wake()
        for each in threads:
            each.join()


def test_what_settles_announces_and_delivers_has_threads_of_its_own():
    """Nothing that uses a store is among it, nor anything else that may take long."""
    prompt = {
        each.run for each in periodic_tasks.PERIODIC_TASKS if each.group is Group.PROMPT
    }

    assert prompt >= {
        *(settlement.settle, outbox.sweep, announce_ended),
        deliveries.start_threads,
    }
    assert len(prompt) <= 5


def test_idle_process_runs_its_tasks_less_often(monkeypatch):
    """A wake lets all run at once that would have run by then."""
    now = 100.0
    for module in (activity, periodic_tasks):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    made = PeriodicTask("one", 1.0, lambda: None)
    rare = PeriodicTask("two", 60.0, lambda: None)
    for each in (made, rare):
        each.run_once()
    assert made.due_at == now + activity.IDLE_INTERVAL_S

    now += 2
    activity.wake()

    assert made.due_at < now < rare.due_at
    now += activity.IDLE_AFTER_S
    made.run_once()
    assert made.due_at == now + activity.IDLE_INTERVAL_S
    assert rare.due_at == 160.0


def test_wake_runs_what_an_idle_process_puts_off(start, monkeypatch):
    monkeypatch.setattr(activity, "IDLE_INTERVAL_S", 3600.0)
    made = PeriodicTask("one", 0.01, lambda: None)
    start(made)
    wait_for(lambda: made.runs)
    assert made.due_at > time.monotonic() + 3000

    activity.wake()

    wait_for(lambda: made.runs > 3)


def test_heart_beats_while_a_periodic_task_hangs(
    database, ready, start, hanging, monkeypatch
):
    """And tells which one it is, until it is over."""
    slow = PeriodicTask("slow", 0.01, lambda: hanging.wait() and None)
    quick = PeriodicTask("quick", 0.01, lambda: None)
    monkeypatch.setattr(periodic_tasks, "HANG_TIMEOUT_S", 0.5)
    activity.wake()
    start(slow, quick)
    made = pump.Pump("host:1:t")

    wait_for(lambda: slow.hangs and quick.runs > 3)
    made.run_once()
    seen = Worker.collection().find_one({"_id": "host:1:t"})
    hanging.set()
    wait_for(lambda: slow.runs)
    made.next_heartbeat = 0.0
    wait_for(lambda: not slow.hangs)
    made.run_once()

    assert seen["stuck"] == ["slow"]
    after = Worker.collection().find_one({"_id": "host:1:t"})
    assert "stuck" not in after
    assert after["seen_at"] > seen["seen_at"]


def test_periodic_task_that_fails_is_run_again(database):
    """One that has left something, soon; and one that raises, at its time."""
    results = iter([True, ValueError("a bug"), False])

    def run() -> bool:
        found = next(results)
        assert not made.hangs
        if isinstance(found, Exception):
            raise found
        return found

    made = PeriodicTask("one", 1.0, run)

    assert [made.run_once() for _ in range(3)] == [True, False, False]
    assert made.runs == 3
    assert made.began is None
