"""Bulk actions: killed at any moment they come to their end, once, and stay cheap."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest

from jimeng import documents, jobs, lanes, tasks
from jimeng.billing.costs import today
from jimeng.documents import (
    ApiKey,
    AuditEntry,
    BulkAction,
    Generation,
    Image,
    QuotaUsage,
    Task,
    utcnow,
)
from jimeng.jobs import bulk, insertion
from jimeng.jobs.bulk import worker
from jimeng.operations import failures, queue_actions
from jimeng.operations.failures import Filter
from jimeng.tasks import clear_queue, creation
from tests.admin.pages import OPERATOR
from tests.commands import counted, own
from tests.conftest import FakeProvider, run_queue
from tests.jobs.test_deaths import Died, afresh, reaper
from tests.rest import create
from tests.test_core import refusal

__all__ = ["afresh", "reaper"]

KEY, OTHERS = "key_ada", 9  # a key, and pictures that were asked for with it before


def clear() -> None:
    queue_actions.clear(OPERATOR)


def cancel_all() -> None:
    clear_queue.cancel_all(OPERATOR, "ada", "pending")


def drop_failures() -> None:
    failures.drop_all(OPERATOR, Filter())


def retry_failures() -> None:
    failures.retry_all(OPERATOR, Filter())


def delete_all() -> None:
    tasks.delete_all(OPERATOR, "ada")


def lapse() -> None:
    """Whoever worked on it is gone for longer than its lease."""
    due = {"$set": {"due_at": utcnow() - timedelta(seconds=1)}}
    BulkAction.collection().update_many({"open": True}, due)


def finish(act: Callable[[], None]) -> BulkAction:
    """What remains after a death: asked for again if nobody knows of it, and done."""
    if BulkAction.collection().count_documents({}) == 0:
        act()
    for _ in range(5):
        lapse()
        bulk.run_due()
    (action,) = BulkAction.objects
    return action


def waiting(client, provider) -> None:
    """Ada has one under way with a second picture that waits; others wait whole."""
    create(client, user_id="ada", n=3)
    run_queue()
    for user in ("ada", "bob", "ada"):
        create(client, user_id=user, n=2)
    asked_by_key()


def asked_by_key() -> None:
    """Let all that is Ada's be asked for with a key, as were others on that day."""
    rows = Generation.collection()
    mine = {"user_id": "ada"}
    rows.update_many(mine, {"$set": {"key_id": KEY}})
    asked = OTHERS + rows.count_documents(mine)
    key = ApiKey(id=KEY, user_id="ada", name="x", prefix="x", sha256="x", asked=asked)
    key.day = today().isoformat()
    key.add()


def failed(client, provider) -> None:
    provider.submits = [refusal("provider_unreachable")] * 3
    for _ in range(3):
        create(client, user_id="ada")
    run_queue()
    assert provider.submits == []


def counts_are_right() -> None:
    """The lines and the days count what waits, and what was or may be sent; the day of
    a key counts no less: what is cancelled is given back to it once, or not at all."""
    generations = Generation.collection()
    for line in QuotaUsage.objects:
        (entry,) = line.lanes.values()
        waiting = {"user_id": line.id, "waiting": True}
        assert entry["pending"] == generations.count_documents(waiting)
        kept = {"user_id": line.id, "state": {"$ne": "dropped"}}
        assert line.asked == generations.count_documents(kept)
    kept = {"key_id": KEY, "state": {"$ne": "dropped"}}
    least = OTHERS + generations.count_documents(kept)
    assert ApiKey.used_on(KEY, today().isoformat()) >= least


def cleared(action: BulkAction) -> None:
    assert action.done == 3
    assert Task.collection().count_documents({"status": "pending"}) == 0
    assert Task.collection().count_documents({"reason": "queue_cleared"}) == 3
    counts_are_right()
    (entry,) = AuditEntry.objects
    assert (entry.action, entry.outcome) == ("queue.clear", {"tasks": 3})


def cancelled(action: BulkAction) -> None:
    assert action.done == 2
    rows = Task.collection().find({"status": "cancelled"})
    assert {row["user_id"] for row in rows} == {"ada"}
    assert Task.collection().count_documents({"status": "pending"}) == 1
    counts_are_right()


def dropped(action: BulkAction) -> None:
    assert action.done == 3
    found = Generation.collection().find({"dealt_with.how": "dropped"})
    assert len(list(found)) == 3
    (entry,) = AuditEntry.objects
    assert (entry.action, entry.outcome) == ("failures.drop_all", {"done": 3})


def retried(action: BulkAction) -> None:
    assert (action.done, action.left_out) == (3, 0)
    assert Task.collection().count_documents({"retried_from": {"$exists": True}}) == 3
    (entry,) = AuditEntry.objects
    assert (entry.action, entry.outcome) == ("failures.retry_all", {"done": 3})


def deleted(action: BulkAction) -> None:
    assert Task.collection().count_documents({"user_id": "ada"}) == 0
    assert Image.collection().count_documents({"user_id": "ada"}) == 0
    assert Task.collection().count_documents({}) == 1
    counts_are_right()


# The others' writes are made by the same lines.
LONG = pytest.mark.system
CASES = [
    pytest.param(waiting, clear, cleared, marks=LONG),
    (waiting, cancel_all, cancelled),
    pytest.param(failed, drop_failures, dropped, marks=LONG),
    (failed, retry_failures, retried),
    (waiting, delete_all, deleted),
]


@pytest.mark.parametrize("begin, act, holds", CASES)
def test_killed_at_any_moment_it_ends_once(
    client, reaper, afresh, provider: FakeProvider, begin, act, holds
):
    """Another worker goes on: nothing is forgotten, and nothing counted twice."""
    for number in afresh.each_moment(least=6):
        begin(client, provider)
        reaper.arm(number)
        with contextlib.suppress(Died):
            act()
        reaper.disarm()

        action = finish(act)

        where = f"{number}: {reaper.seen[-3:]}"
        assert not action.is_open, where
        assert action.error is None, where
        holds(action)


def test_what_comes_later_is_not_cleared(client, monkeypatch):
    """An action is about what was there when it was asked for, so it ends."""
    monkeypatch.setattr(worker, "REQUEST_BUDGET_S", -1.0)
    create(client)
    queue_actions.clear(OPERATOR)
    started = {"started_at": utcnow() - timedelta(milliseconds=1)}
    BulkAction.collection().update_many({}, {"$set": started})
    created = {"created_at": utcnow() - timedelta(seconds=9)}
    Task.collection().update_many({}, {"$set": created})
    later = create(client)

    bulk.run_due()

    assert [task.id for task in Task.objects(status="pending")] == [later]
    assert BulkAction.objects.first().done == 1


def test_worker_that_was_overtaken_changes_nothing_more(client, monkeypatch):
    """Its claim has lapsed: the counts are those of who took over."""
    monkeypatch.setattr(worker, "REQUEST_BUDGET_S", -1.0)
    for _ in range(2):
        create(client)
    action = queue_actions.clear(OPERATOR)
    stalled = worker._claim({"_id": action.id})
    lapse()
    bulk.run_due()

    worker._work(stalled, 1.0)

    assert BulkAction.objects.first().done == 2
    (entry,) = AuditEntry.objects
    assert entry.outcome == {"tasks": 2}


def test_bug_does_not_go_on_for_ever(client, monkeypatch):
    """After some tries it ends, and says so."""
    monkeypatch.setattr(worker, "REQUEST_BUDGET_S", -1.0)
    create(client)
    queue_actions.clear(OPERATOR)
    monkeypatch.setattr("jimeng.tasks.clear_queue.cancel_batch", lambda *a, **k: 1 / 0)

    for _ in range(worker.MAX_ATTEMPTS + 1):
        lapse()
        with contextlib.suppress(ZeroDivisionError):
            bulk.run_due()

    action = BulkAction.objects.first()
    assert (action.is_open, action.error) == (False, "internal")
    (entry,) = AuditEntry.objects
    assert entry.outcome == {"tasks": 0, "error": "internal"}


def test_given_up_is_not_carried_out(client, monkeypatch, provider: FakeProvider):
    """It says that it ended in an error, so nothing of it is sent, and paid, later."""
    monkeypatch.setattr(worker, "REQUEST_BUDGET_S", -1.0)
    failed(client, provider)
    failures.retry_all(OPERATOR, Filter())
    with monkeypatch.context() as patch:
        patch.setattr(failures.actions, "state_of", lambda *a, **how: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            bulk.run_due()  # its batch is chosen, and stays
    tries = {"$set": {"tries": worker.MAX_ATTEMPTS}}
    BulkAction.collection().update_one({"open": True}, tries)
    lapse()

    bulk.run_due()

    ended = BulkAction.objects.first()
    assert (ended.is_open, ended.error, ended.done) == (False, "internal", 0)
    assert Task.collection().count_documents({"retried_from": {"$exists": True}}) == 0


def test_remaining_pictures_move_up(client, lane):
    """After a clearing nobody waits behind what is not there any more."""
    create(client, user_id="ada", n=3)
    run_queue()  # two are at the provider, the third waits
    for _ in range(4):
        create(client, user_id="ada")

    queue_actions.clear(OPERATOR)
    create(client, user_id="ada")
    create(client, user_id="bob")

    turn = lanes.read_lane(lane, fresh=True).turn
    rows = Generation.collection().find({"waiting": True})
    turns = sorted((row["turn"] - turn, row["user_id"]) for row in rows)
    assert turns == [(0, "ada"), (0, "bob"), (1, "ada")]


# What is known for a second is asked for again in the middle, on a slow machine.
AGAIN = 3


@pytest.fixture
def commands(database, config, monkeypatch) -> Iterator[list[dict]]:
    """What is sent to MongoDB from here on, as if all took no time."""
    clock = SimpleNamespace(monotonic=lambda: 0.0)
    for module in (lanes.claims, lanes.limits, lanes.queue):
        monkeypatch.setattr(module, "time", clock)
    with counted(config) as sent:
        documents.ensure_indexes()
        yield sent


def cost_of(commands: list[dict], act: Callable[[], object]) -> int:
    """How many commands it takes."""
    commands.clear()
    act()
    return len(own(commands))


def clear_now(**options: int) -> None:
    bulk.work(clear_queue.clear(OPERATOR), **options)


def fill(n: int, users: int) -> None:
    """Tasks of one picture that wait, without a request for each."""
    for each in range(n):
        user = f"user_{each % users}"
        new = tasks.Request(user_id=user, prompt="猫")
        model = jobs.runtime().registry.model(None, None)
        row = creation.Plan.of(new, model).row()
        Task.collection().insert_one(row)
        task = Task.read(row)
        turn, _ = lanes.reserve_tickets(task.lane, user, 1)
        insertion.insert_missing(insertion.generations_of(task, turn))


@pytest.mark.parametrize("users", [1, 40])
def test_commands_do_not_grow_with_the_queue(commands, users):
    """A batch costs the same however many are in it, and whosever they are."""
    spent = []
    for n in (120, 240):  # within a batch
        fill(n, users)
        spent.append(cost_of(commands, clear_now))
        assert Task.collection().count_documents({"status": "pending"}) == 0

    lines = len(jobs.runtime().registry.lanes)  # each is moved up
    assert abs(spent[0] - spent[1]) <= AGAIN, spent
    assert spent[1] <= 25 + 5 * lines, commands


def test_one_cancellation_costs_no_more_with_more_waiting(commands, client):
    """The pictures that remain move up in one update."""
    spent = []
    for n in (3, 30):
        fill(n, 1)
        victim = Task.objects(status="pending").order_by("created_at").first().id
        spent.append(cost_of(commands, partial(tasks.cancel, OPERATOR, victim)))

    assert abs(spent[0] - spent[1]) <= AGAIN, spent
    assert min(spent) <= 12  # two of them are the entry in the audit trail
