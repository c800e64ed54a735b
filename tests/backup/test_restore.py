"""Backup and restore: everything is there again, and nothing is sent twice."""

from contextlib import nullcontext

import pytest
from mongoengine import get_db

from app import create_app
from jimeng import batches, documents, jobs, lanes
from jimeng.batches import filling
from jimeng.batches.capacity import WINDOW
from jimeng.documents import (
    AuditEntry,
    Batch,
    BulkAction,
    Generation,
    Image,
    State,
    Task,
    indexes,
)
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError
from jimeng.gallery import collections, shares
from jimeng.jobs import bulk, pump
from jimeng.jobs.bulk import worker
from jimeng.operations import backup
from jimeng.operations.backup import dumping, restoring
from jimeng.operations.failures.actions import retry_all
from jimeng.operations.failures.listing import Filter
from jimeng.providers import Progress
from jimeng.upkeep import retention
from tests.backup.conftest import WAITS
from tests.batches.conftest import (
    BATCHES,
    act,
    ask,
    draw_nothing,
    fill,
    lines,
    look,
    work_all,
)
from tests.conftest import run_queue
from tests.hung import hang
from tests.rest import create, data_of, refused, result

OPERATOR = Principal("operator", is_operator=True)


def test_everything_is_there_again(client, drawn, restored, tmp_path):
    done = drawn(prompt="画好了")
    picture = result(client, done)["result"]["image_url"]
    bytes_before = client.get(picture).data
    documents.User(
        id="u1", name="Ada", email="ada@example.com", email_key="ada@example.com"
    ).save()
    get_db().sessions.insert_one({"_id": "s1", "user_id": "u1"})

    with restored() as there:
        assert result(there, done)["status"] == "completed"
        assert there.get(picture).data == bytes_before
        assert documents.User.collection().count_documents({}) == 1
        assert get_db().sessions.count_documents({}) == 0
        assert indexes.build() == {}
    assert (tmp_path / "jimeng.tar").stat().st_mode & 0o777 == 0o600


def test_collections_and_what_is_shared_are_there_again(database, restored):
    """With the pictures in them, and under the link that was given away."""
    me, pictures = Principal("guest"), hang("a", "b")
    made = collections.create(me, "海报")
    collections.change(me, made.id, add=pictures)
    page = f"/s/{shares.share_or_update(me, made.id).token}"

    with restored() as there:
        assert there.get(page).text.count('class="photo-link"') == 2
        shown = there.get(f"/gallery?in={made.id}").text
        assert [f"picture-{each}" in shown for each in pictures] == [True, True]


def test_deletion_that_had_begun_goes_on(database, monkeypatch, restored):
    """Else pictures would be kept for a collection that nobody sees."""
    me, pictures = Principal("guest"), hang("a", "b")
    made = collections.create(me, "海报")
    collections.change(me, made.id, add=pictures)
    monkeypatch.setattr(worker, "REQUEST_BUDGET_S", -1.0)
    collections.delete(me, made.id)

    with restored():
        bulk.run_due()

        assert {tuple(each.collections) for each in Image.objects} == {()}


def test_running_again_that_had_begun_is_forgotten(
    drawn, provider, monkeypatch, restored
):
    """The original has gone on with it, and paid for it."""
    provider.submits = [ProviderError("no", code="provider_failed")]
    drawn()
    monkeypatch.setattr(worker, "REQUEST_BUDGET_S", -1.0)
    retry_all(OPERATOR, Filter())
    assert BulkAction.objects.get().is_open

    with restored():
        bulk.run_due()

        assert Task.objects.count() == 1


def test_sending_is_paused_before_anything_is_there(copied, client, elsewhere):
    """
    A consumer of that database may be running already. What was paused in the original
    is so by the restore: whoever resumes the one says nothing about the other.
    """
    create(client)
    lanes.pause(lanes.WEBHOOKS, "operator")  # as it was in the original
    held = []

    def look(*_: object) -> None:
        held.append(lanes.SENDING in lanes.paused(fresh=True))

    path = copied()
    lanes.resume(lanes.WEBHOOKS)
    with elsewhere():
        backup.restore(path, look)

        assert lanes.paused(fresh=True)[lanes.WEBHOOKS].by == lanes.BY_RESTORE
    assert held and all(held)


def test_what_waited_is_not_sent_again(copied, client, provider, elsewhere):
    """
    It ends as failed and perhaps charged; its task says what to do. Where a task has no
    pictures yet, they were written later, and sent: they are not written once more.
    """
    waited = {create(client): state for state in WAITS}
    for task_id, state in waited.items():
        update = {"$set": {"state": state}}
        Generation.collection().update_one({"task_id": task_id}, update)
    bare = create(client, n=2)
    Generation.collection().delete_many({"task_id": bare})

    path = copied()
    with elsewhere() as there:
        _, parked = backup.restore(path)
        lanes.resume(lanes.SENDING)
        pump.tick()
        run_queue()

        assert parked == len(WAITS) + 2
        for task_id, state in {**waited, bare: "none"}.items():
            told = result(there, task_id)
            error = told["error"]["code"], told["error"]["charged"]
            assert (told["status"], error) == ("failed", ("restored", "unknown")), state
        assert provider.requests == []


def test_what_was_accepted_is_asked_for(copied, client, provider, elsewhere, work_off):
    """
    It is paid for, and comes. Refused, it is not drawn anew: the original has done that
    by now, perhaps, and paid for it.
    """
    provider.polls.append(Progress("remote-1"))
    task_id = create(client)
    run_queue()
    assert result(client, task_id)["phase"] == "generating"

    path = copied()
    with elsewhere() as there:
        _, parked = backup.restore(path)
        row = Generation.collection().find_one({})
        assert (row["state"], row["resent"]) == (State.GENERATING.value, True)
        work_off()

        assert parked == 0
        assert result(there, task_id)["status"] == "completed"
    assert len(provider.requests) == 1


def test_sending_stays_paused(client, provider, registry, restored):
    """What is asked for after it waits, until an operator says so."""
    with restored() as there:
        task_id = create(there)
        pump.tick()
        run_queue()
        assert provider.requests == []

        ran = create_app(jobs.runtime().config).test_cli_runner()
        told = ran.invoke(args=["queue", "resume", "sending"])
        assert (told.exit_code, told.output) == (0, "goes on: sending\n")
        jobs.configure(jobs.runtime().config, registry)
        lanes.clear_switch_cache()
        pump.tick()
        run_queue()

        assert len(provider.requests) == 1
        assert result(there, task_id)["status"] != "failed"


def test_disk_without_room_is_told_before(copied, client, elsewhere, monkeypatch):
    """Half a restore helps nobody, and a full disk stops the database."""
    create(client)
    file = copied()
    monkeypatch.setattr(retention, "free_bytes", lambda: retention.MIN_FREE_BYTES)

    with elsewhere(), pytest.raises(backup.NotEnoughSpace, match="nothing was changed"):
        backup.restore(file)

    with elsewhere():
        assert Task.find_one({}) is None


def test_restore_that_was_cut_off_begins_anew(copied, client, elsewhere, monkeypatch):
    """What it had loaded is no reason to refuse."""
    task_id = create(client)
    path = copied()

    def die() -> int:
        raise KeyboardInterrupt

    with elsewhere() as there:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(restoring, "quarantine", die)
            backup.restore(path)
        assert Task.collection().count_documents({}) == 1

        backup.restore(path)

        assert result(there, task_id)["error"]["code"] == "restored"
        with pytest.raises(backup.NotEmpty):
            backup.restore(path)


def test_commands_write_and_load(client, app, elsewhere, tmp_path):
    create(client)
    path = str(tmp_path / "one.tar")

    written = app.test_cli_runner().invoke(args=["backup", path])
    assert written.exit_code == 0, written.output
    assert AuditEntry.find_one({"action": "backup.write"}).outcome == {"ok": True}
    with elsewhere():
        runner = create_app(jobs.runtime().config).test_cli_runner()
        loaded = runner.invoke(args=["restore", path])
        again = runner.invoke(args=["restore", path])
        entry = AuditEntry.find_one({"action": "backup.restore"})

    assert loaded.exit_code == 0, loaded.output
    assert "were ended: 1" in loaded.output
    assert entry.outcome == {"pictures": 1}
    assert again.exit_code == 1
    assert "is in use" in again.output


def test_copied_data_send_nothing(client, provider):
    """The place is new: what waits is parked, once; at home it goes on."""
    create(client)
    assert backup.recognise("one") is False
    assert backup.recognise("one") is False
    assert result(client, create(client))["status"] == "pending"

    assert backup.recognise("two") is True

    assert lanes.paused(fresh=True).keys() == {lanes.SENDING, lanes.WEBHOOKS}
    assert Generation.collection().distinct("state") == [State.UNKNOWN.value]
    lanes.resume(lanes.SENDING)
    create(client)
    assert backup.recognise("two") is False
    assert State.QUEUED.value in Generation.collection().distinct("state")


__all__ = ["work_all"]


def test_restored_batch_stops_and_asks_before_it_goes_on(
    client, provider, work_all, restored
):
    """The original may have gone on: nothing is paid for twice without a word."""
    batch_id = ask(client, lines(WINDOW + 3))["batch_id"]

    with restored() as there:
        lanes.resume(lanes.SENDING)
        work_all()

        found = look(there, batch_id)
        assert (found["status"], found["reason"]) == ("cancelled", "restored")
        assert (provider.requests, found["lacking"]["paid"]) == ([], WINDOW + 3)
        retry = f"{BATCHES}/{batch_id}/retry"
        refused(there.post(retry, json={"rest": True}), 409, "may_be_charged_twice")
        body = {"accept_double_charge": True}
        data_of(there.post(retry, json=body), 202)
        work_all()
        assert look(there, batch_id)["pictures"]["done"] == WINDOW + 3


@pytest.mark.parametrize("when", ["tasks", "batches"])
def test_batch_that_fills_meanwhile_is_whole(
    client, work_all, monkeypatch, when, meanwhile, restored
):
    """Where MongoDB cannot read all at one moment each prompt has its task, or none."""
    batch_id = ask(client, lines(WINDOW + 3))["batch_id"]
    monkeypatch.setattr(dumping, "snapshot", lambda database: nullcontext())
    meanwhile(when, lambda: (draw_nothing(), fill()))

    with restored() as there:
        lanes.resume(lanes.SENDING)

        assert look(there, batch_id)["pictures"]["total"] == WINDOW + 3
        retry = f"{BATCHES}/{batch_id}/retry"
        body = {"accept_double_charge": True, "rest": True}
        data_of(there.post(retry, json=body), 202)
        work_all()
        assert look(there, batch_id)["pictures"]["done"] == WINDOW + 3


def test_tasks_of_a_batch_that_is_not_there_are_their_own(
    client, monkeypatch, meanwhile, restored
):
    """It was asked for while others were read: the feed has its tasks all the same."""
    ask(client, "鸟")
    monkeypatch.setattr(dumping, "snapshot", lambda database: nullcontext())
    meanwhile("batches", lambda: ask(client, lines(2)))

    with restored():
        feed = batches.feed(Principal("user_123"), limit=10)
        assert (len(feed.tasks), len(feed.batches)) == (2, 1)


def test_running_again_of_a_cancelled_batch_stops_too(
    client, provider, work_all, monkeypatch, restored
):
    """Its original has gone on with it, although it stays cancelled."""
    provider.submits = [ProviderError("no", code="provider_failed")]
    batch_id = ask(client, lines(WINDOW + 3))["batch_id"]
    run_queue()
    data_of(act(client, batch_id, "cancel"))
    work_all()
    sent = len(provider.requests)
    monkeypatch.setattr(filling, "begin", lambda batch: None)
    data_of(act(client, batch_id, "retry"), 202)

    with restored() as there:
        lanes.resume(lanes.SENDING)
        work_all()

        assert len(provider.requests) == sent
        assert look(there, batch_id)["lacking"]["ready"] == 1


def test_consumer_leaves_batches_alone_while_they_are_restored(
    client, work_all, monkeypatch
):
    """Their tasks come last of all: one that is made before would be in the way."""
    batch_id = ask(client, lines(WINDOW + 3))["batch_id"]
    Task.collection().delete_many({})  # which are not there yet
    draw_nothing()
    lanes.pause(lanes.SENDING, lanes.BY_RESTORE)
    monkeypatch.setattr(lanes.limits, "SWITCH_CACHE_S", 60)

    fill()

    assert Task.objects.count() == 0
    assert Batch.objects.get(id=batch_id).is_open
