"""A batch that comes back from a backup pays for nothing twice."""

from contextlib import nullcontext

import pytest

from jimeng import batches
from jimeng.batches import filling
from jimeng.batches.capacity import WINDOW
from jimeng.documents import Batch, Task
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError
from jimeng.lanes import switches
from jimeng.operations import backup
from jimeng.operations.backup import dumping
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
from tests.rest import data_of, refused

__all__ = ["work_all"]


def test_restored_batch_stops_and_asks_before_it_goes_on(
    client, copied, elsewhere, provider, work_all
):
    """The original may have gone on: nothing is paid for twice without a word."""
    batch_id = ask(client, lines(WINDOW + 3))["batch_id"]
    path = copied()

    with elsewhere() as there:
        backup.restore(path)
        switches.resume(switches.SENDING)
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
    client, copied, elsewhere, work_all, monkeypatch, when
):
    """Where MongoDB cannot read all at one moment each prompt has its task, or none."""
    batch_id = ask(client, lines(WINDOW + 3))["batch_id"]
    read = dumping.dump_collection

    def slowly(source, name, writer, session):
        count = read(source, name, writer, session)
        if name == when:
            draw_nothing()
            fill()
        return count

    monkeypatch.setattr(dumping, "snapshot", lambda database: nullcontext())
    monkeypatch.setattr(dumping, "dump_collection", slowly)
    path = copied()

    with elsewhere() as there:
        backup.restore(path)
        switches.resume(switches.SENDING)

        assert look(there, batch_id)["pictures"]["total"] == WINDOW + 3
        retry = f"{BATCHES}/{batch_id}/retry"
        body = {"accept_double_charge": True, "rest": True}
        data_of(there.post(retry, json=body), 202)
        work_all()
        assert look(there, batch_id)["pictures"]["done"] == WINDOW + 3


def test_tasks_of_a_batch_that_is_not_there_are_their_own(
    client, copied, elsewhere, monkeypatch
):
    """It was asked for while others were read: the feed has its tasks all the same."""
    read = dumping.dump_collection

    def slowly(source, name, writer, session):
        count = read(source, name, writer, session)
        if name == "batches":
            ask(client, lines(2))
        return count

    ask(client, "鸟")
    monkeypatch.setattr(dumping, "snapshot", lambda database: nullcontext())
    monkeypatch.setattr(dumping, "dump_collection", slowly)
    path = copied()

    with elsewhere():
        backup.restore(path)

        feed = batches.feed(Principal("user_123"), limit=10)
        assert (len(feed.tasks), len(feed.batches)) == (2, 1)


def test_running_again_of_a_cancelled_batch_stops_too(
    client, copied, elsewhere, provider, work_all, monkeypatch
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
    path = copied()

    with elsewhere() as there:
        backup.restore(path)
        switches.resume(switches.SENDING)
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
    switches.pause(switches.SENDING, switches.BY_RESTORE)
    monkeypatch.setattr(switches, "SWITCH_CACHE_S", 60)

    fill()

    assert Task.objects.count() == 0
    assert Batch.objects.get(id=batch_id).is_open
