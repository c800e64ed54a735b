"""A batch that comes back from a backup pays for nothing twice."""

from jimeng import backup
from jimeng.batches.room import WINDOW
from jimeng.documents import Batch, Task
from jimeng.lanes import switches
from tests.batches.conftest import (
    BATCHES,
    ask,
    draw_nothing,
    fill,
    lines,
    look,
    patience,
    work_all,
)
from tests.rest import data_of, refused

__all__ = ["patience", "work_all"]


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


def test_consumer_leaves_batches_alone_while_they_are_restored(
    client, work_all, monkeypatch
):
    """Their tasks come last of all: one that is made before would be in the way."""
    batch_id = ask(client, lines(WINDOW + 3))["batch_id"]
    Task.collection().delete_many({})  # which are not there yet
    draw_nothing()
    switches.pause(switches.SENDING, switches.BY_RESTORE)
    monkeypatch.setattr(switches, "CACHE", 60)

    fill()

    assert Task.objects.count() == 0
    assert Batch.objects.get(id=batch_id).is_open
