"""Retention of tasks without pictures, of their generations, and of the audit log."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from jimeng import jobs
from jimeng.batches.events import announce_ended
from jimeng.billing import costs, settlement
from jimeng.documents import (
    AuditEntry,
    Batch,
    Generation,
    Image,
    LedgerEntry,
    Settler,
    Task,
    utcnow,
)
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError
from jimeng.jobs.endings import delete_image
from jimeng.operations.costs import decide
from jimeng.upkeep import janitor, record_retention
from tests.batches.conftest import ask, fill, look
from tests.billing.conftest import amounts, counted, expire_lease, settle
from tests.conftest import come_due
from tests.rest import API, CAT, CREATE, create, data_of, refused, result

OPERATOR = Principal("root", is_operator=True)
REFUSED = ProviderError("no", code="content_refused_prompt")
BROKEN = ProviderError("reset", code="unreachable", maybe_accepted=True)


@pytest.fixture
def in_days(monkeypatch) -> Callable[[int], None]:
    """Move the clock of the retention, and of the days that are billed."""

    def move(days: int) -> None:
        for module in (record_retention, costs):
            monkeypatch.setattr(
                module, "utcnow", lambda: utcnow() + timedelta(days=days)
            )

    return move


@pytest.fixture
def keep(config, registry, in_days):
    """Apply these limits, so many days later, until there is no more."""

    def keep(after: int = 400, **limits: int) -> None:
        in_days(after)
        jobs.configure(replace(config, **limits), registry)
        record_retention._state.round_ends = 0.0
        while record_retention.apply_limits():
            pass

    return keep


def lose_pictures(*task_ids: str) -> None:
    for row in [*Image.collection().find({"task_id": {"$in": [*task_ids]}})]:
        delete_image(row["_id"])


def stored(kind: type) -> set[str]:
    """The ids of the tasks that these records are, or are of."""
    name = "_id" if kind is Task else "task_id"
    return {row[name] for row in kind.collection().find({}, {name: 1})}


def test_task_without_pictures_goes_and_its_sums_stay(client, drawn, provider, keep):
    """By the days since its end; a failed one, too. A rebuild finds all of it."""
    provider.submits = [REFUSED]
    failed, lost, shown = drawn(), drawn(n=2), drawn()
    lose_pictures(lost)
    settle()
    before = amounts(LedgerEntry), counted("all"), counted("user"), counted("ever")
    assert before[0] and before[1]

    keep(after=29, KEEP_TASK_DAYS=30)
    assert stored(Task) == {failed, lost, shown}
    keep(after=100, KEEP_TASK_DAYS=30)

    assert stored(Task) == stored(Generation) == {shown}
    assert result(client, shown)["result"]["images"]
    refused(client.get(f"{API}/ai/image/result/{lost}"), 404, "task_not_found")
    assert client.get(f"/tasks/{lost}").status_code == 404
    expire_lease()
    assert settlement.rebuild().corrected == 0
    after = amounts(LedgerEntry), counted("all"), counted("user"), counted("ever")
    assert after == before


def test_nothing_goes_unless_it_is_set(client, drawn, keep):
    lost = drawn()
    lose_pictures(lost)
    AuditEntry(by="root", action="queue.clear").add()
    settle()

    keep(after=9000)

    assert stored(Task) == stored(Generation) == {lost}
    assert AuditEntry.collection().count_documents({}) == 1


def test_what_may_still_change_stays(client, drawn, provider, work_off, keep):
    """An unknown charge, with its whole month, until an operator decides."""
    provider.submits = [BROKEN]
    unknown, lost = drawn(), drawn()
    come_due(state="unknown")
    work_off()
    lose_pictures(lost)
    settle()

    keep(KEEP_TASK_DAYS=1)
    assert stored(Task) == stored(Generation) == {unknown, lost}
    decide(OPERATOR, f"{unknown}_0", charged=False)
    keep(KEEP_TASK_DAYS=1)
    assert stored(Task) == stored(Generation) == {unknown, lost}, "held until settled"
    settle()
    keep(KEEP_TASK_DAYS=1)

    assert stored(Task) == stored(Generation) == set()


@pytest.mark.parametrize(
    "change",
    [
        {"held_micros": 1},
        {"charged": "unknown"},
        {"unsettled": True},
        {"due_at": utcnow()},
        {"kind": "of a later release"},
        {"budget_day": "2999-01-01"},
        {"created_at": utcnow() + timedelta(days=399)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_generation_that_is_not_final_stays(client, drawn, keep, change):
    """And keeps its task; if that was deleted, it stays alone."""
    lost, deleted = drawn(), drawn()
    lose_pictures(lost)
    client.delete(f"{CREATE}/{deleted}")
    settle()
    Generation.collection().update_many({}, {"$set": change})

    keep(after=399, KEEP_TASK_DAYS=1)

    assert stored(Task) == {lost}
    assert stored(Generation) == {lost, deleted}


def test_ledger_has_to_know_it(client, drawn, keep):
    """Also if an earlier release has settled since, which does not enter ends."""
    lost, deleted = drawn(), drawn()
    lose_pictures(lost)
    client.delete(f"{CREATE}/{deleted}")
    settle()
    settler = Settler.find_one({})
    Settler.collection().update_one({}, {"$inc": {"batch": 1, "month_batch": 1}})
    keep(KEEP_TASK_DAYS=1)
    assert stored(Task) == {lost}
    assert stored(Generation) == {lost, deleted}

    Settler.collection().update_one({}, {"$set": {"batch": settler.batch}})
    LedgerEntry.collection().delete_one({"task_id": deleted})
    keep(KEEP_TASK_DAYS=1)

    assert stored(Task) == set()
    assert stored(Generation) == {deleted}


def test_task_stays_in_its_month_and_its_trash(client, drawn, keep):
    """Pictures in the trash are pictures; an unfinished task stays."""
    trashed, lost, waiting = drawn(), drawn(), create(client)
    trash = {"trashed_at": utcnow()}
    Image.collection().update_one({"task_id": trashed}, {"$set": trash})
    lose_pictures(lost)
    settle()
    Generation.collection().update_one(
        {"task_id": waiting}, {"$unset": {"held_micros": ""}}
    )

    keep(after=0, KEEP_TASK_DAYS=1)
    assert stored(Task) == {trashed, lost, waiting}
    keep(KEEP_TASK_DAYS=1)

    assert stored(Task) == stored(Generation) == {trashed, waiting}


def test_batch_goes_as_a_whole(client, work_off, keep):
    """While one of its pictures is left, all of its tasks count in it."""
    batch_id = ask(client, "{一|二|三}只猫")["batch_id"]
    work_all(work_off)
    tasks = sorted(stored(Task))
    before = look(client, batch_id)
    assert before["status"] == "completed"
    lose_pictures(*tasks[1:])
    settle()

    keep(KEEP_TASK_DAYS=1)
    Batch.collection().update_one({"_id": batch_id}, {"$unset": {"counts": ""}})
    assert look(client, batch_id)["pictures"] == before["pictures"]
    lose_pictures(*tasks)
    keep(KEEP_TASK_DAYS=1)

    assert stored(Task) == stored(Generation) == set()
    refused(client.get(f"{API}/batches/{batch_id}"), 404, "batch_not_found")


def work_all(work_off) -> None:
    for _ in range(9):
        fill()
        work_off()
    announce_ended()
    assert not Batch.collection().count_documents({"open": True})


def test_open_batch_stays(client, work_off, keep):
    """As does that of a task in the trash, which may be restored."""
    waiting = ask(client, "{一|二}只猫")["batch_id"]
    work_off()
    lose_pictures(*stored(Task))
    settle()
    before = stored(Task)

    keep(KEEP_TASK_DAYS=1)

    assert stored(Task) == before
    assert Batch.find_one({"_id": waiting}) is not None


def test_its_idempotency_key_is_free(client, drawn, keep, work_off):
    """A repeat long after creates a new task, as it does after a day anyway."""
    headers = {"Idempotency-Key": "order-1"}
    body = {**CAT, "prompt": "猫"}
    first = data_of(client.post(CREATE, json=body, headers=headers), 202)["task_id"]
    work_off()
    lose_pictures(first)
    settle()

    keep(KEEP_TASK_DAYS=1)

    again = data_of(client.post(CREATE, json=body, headers=headers), 202)["task_id"]
    assert stored(Task) == {again}


def test_retry_outlives_its_task(client, provider, drawn, work_off, keep):
    """Its page names the first, which is not there; the export has what is."""
    provider.submits = [REFUSED]
    first = drawn()
    url = f"{API}/tasks/{first}/retry"
    again = data_of(client.post(url), 202)["task_id"]
    work_off()
    settle()

    keep(KEEP_TASK_DAYS=1)

    assert stored(Task) == {again}
    assert first in client.get(f"/tasks/{again}").text
    assert client.get(f"/tasks/{first}").status_code == 404


def test_interrupted_removal_is_finished(drawn, keep, monkeypatch):
    """The process dies after it has marked the task; inputs are released then."""
    lost = drawn()
    lose_pictures(lost)
    settle()

    def die(task_id: str) -> None:
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(janitor, "finish_deletion", die)
        with pytest.raises(SystemExit):
            keep(KEEP_TASK_DAYS=1)
    assert stored(Task) == {lost}
    monkeypatch.setattr(janitor, "REQUEST_GRACE", timedelta(days=-500))
    janitor.finish_deletions()
    keep(KEEP_TASK_DAYS=1)

    assert stored(Task) == stored(Generation) == set()


def test_runs_are_bounded(drawn, config, registry, in_days, monkeypatch):
    """The next goes on where this one ended; a round later all are looked at again."""
    monkeypatch.setattr(record_retention, "BATCH_DOCUMENTS", 2)
    tasks = sorted(drawn() for _ in range(5))
    lose_pictures(*tasks[:2], *tasks[3:])
    settle()
    in_days(400)
    jobs.configure(replace(config, KEEP_TASK_DAYS=1), registry)

    sizes = []
    while record_retention.apply_limits():
        sizes.append(len(stored(Task)))

    assert sizes[:2] == [3, 2]
    assert stored(Task) == stored(Generation) == {tasks[2]}
    lose_pictures(tasks[2])
    assert record_retention.apply_limits() is False
    assert stored(Task) == {tasks[2]}, "in the next round"
    record_retention._state.round_ends = 0.0
    while record_retention.apply_limits():
        pass
    assert stored(Task) == set()


def test_slow_database_ends_a_run(drawn, config, registry, in_days, monkeypatch):
    """After one task at least: the next run goes on with the others."""
    monkeypatch.setattr(record_retention, "RUN_S", 0.0)
    tasks = sorted(drawn() for _ in range(3))
    lose_pictures(*tasks)
    settle()
    in_days(400)
    jobs.configure(replace(config, KEEP_TASK_DAYS=1), registry)

    assert record_retention.apply_limits() is True

    assert stored(Task) == {*tasks[1:]}
    while record_retention.apply_limits():
        pass
    assert stored(Task) == stored(Generation) == set()


def test_audit_entries_go_by_their_age(database, keep, monkeypatch):
    monkeypatch.setattr(record_retention, "BATCH_DOCUMENTS", 2)
    for days in (9, 8, 7, 2):
        at = utcnow() - timedelta(days=days)
        AuditEntry(by="root", action="queue.clear", at=at).add()

    keep(after=0, KEEP_AUDIT_DAYS=5)

    (left,) = AuditEntry.find_all({})
    assert left.at > utcnow() - timedelta(days=3)


def test_command_counts_and_changes_nothing(app, client, drawn, in_days):
    lost, deleted, _ = drawn(), drawn(), drawn()
    lose_pictures(lost)
    client.delete(f"{CREATE}/{deleted}")
    AuditEntry(by="root", action="queue.clear").add()
    settle()
    in_days(400)
    words = ["retention", "--task-days", "30", "--audit-days", "30"]

    told = app.test_cli_runner().invoke(args=words)

    assert told.exit_code == 0, told.output
    assert told.output.splitlines()[-3:] == [
        "tasks without pictures: 1",
        "generations of deleted tasks: 1",
        "audit entries: 1",
    ]
    assert len(stored(Task)) == 2
    assert len(stored(Generation)) == 3
